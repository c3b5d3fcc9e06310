import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type QueryCommandInput,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { pauseMs } from '../../base/backoff.ts';
import { SealtrailError } from '../../log/error.ts';
import { checkKey, checkRange, checkWrites } from '../limits.ts';
import type { Item, Key, Outcome, Range, Retry, Table, TransactOptions, Write } from '../ports.ts';
import { watchAttempts } from './attempts.ts';
import { exhausted, requestFailure, transactFailure } from './failure.ts';
import { type DynamoItem, fromDynamo, keyValue, PARTITION, SORT } from './item.ts';
import { toTransactItem } from './write.ts';

/** Options of a {@link DynamoTable}. */
export interface DynamoTableOptions {
  /** Use `dynamoClient`, which sets suitable timeouts and retries. Closed with the table. */
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Returns a number in [0, 1), to spread retries. @default Math.random */
  readonly random?: () => number;
  /** Called before each further attempt at a transaction, including the SDK's. Must not throw. */
  readonly onRetry?: (retry: Retry) => void;
}

/** Attempts at a transaction that keeps clashing with others: at most four seconds in all, two on average. */
const MAX_CLASH_ATTEMPTS = 12;
const CLASH = { firstMs: 20, maxMs: 500 };

/** An attempt to repeat, under a new token (`anew`) or under the same one. */
interface Again {
  readonly again: 'anew' | 'same';
  readonly lost: boolean;
  readonly cause: unknown;
}

/** A Table in DynamoDB: string keys `partition` and `sort`, TTL on `expiresAt`. See README.md beside this file. */
export class DynamoTable implements Table {
  readonly #client: DynamoDBClient;
  readonly #name: string;
  readonly #random: () => number;
  readonly #onRetry: (retry: Retry) => void;
  readonly #underway = new Set<Promise<unknown>>();
  #closed = false;

  constructor({ client, tableName, random = Math.random, onRetry = () => undefined }: DynamoTableOptions) {
    this.#client = client;
    this.#name = tableName;
    this.#random = random;
    this.#onRetry = onRetry;
  }

  async get(key: Key): Promise<Item | undefined> {
    checkKey(key);
    this.#checkOpen();
    const command = new GetItemCommand({ TableName: this.#name, Key: keyValue(key), ConsistentRead: true });
    const { Item } = await this.#send(() => this.#client.send(command));
    return Item === undefined ? undefined : fromDynamo(Item);
  }

  async *query(range: Range): AsyncIterable<Item> {
    checkRange(range);
    const { from, to } = range;
    // BETWEEN with reversed bounds is an error in DynamoDB, but an empty range in the port.
    if (from !== undefined && to !== undefined && Buffer.compare(Buffer.from(from), Buffer.from(to)) > 0) return;
    let left = range.limit ?? Number.POSITIVE_INFINITY;
    let start: DynamoItem | undefined;
    while (left > 0) {
      this.#checkOpen();
      const input = this.#queryInput(range, left, start);
      const page = await this.#send(() => this.#client.send(new QueryCommand(input)));
      for (const stored of page.Items ?? []) yield fromDynamo(stored);
      left -= page.Items?.length ?? 0;
      start = page.LastEvaluatedKey;
      if (start === undefined) return;
    }
  }

  async transact(writes: readonly Write[], { retriesClashes = true }: TransactOptions = {}): Promise<Outcome> {
    checkWrites(writes);
    this.#checkOpen();
    const items = writes.map((write) => toTransactItem(this.#name, write));
    const work = this.#transact(items, retriesClashes);
    this.#underway.add(work);
    try {
      return await work;
    } finally {
      this.#underway.delete(work);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underway);
    this.#client.destroy();
  }

  async #transact(items: TransactWriteItem[], retriesClashes: boolean): Promise<Outcome> {
    let token = randomUUID();
    let lost = false;
    for (let tries = 1; ; tries++) {
      const attempt = await this.#attempt(items, token, lost);
      if ('committed' in attempt) return attempt;
      const isClash = attempt.again === 'anew';
      if (isClash && !retriesClashes) return { committed: false, failed: [] };
      if (tries >= MAX_CLASH_ATTEMPTS) throw exhausted(attempt.again, attempt.cause);
      this.#onRetry(isClash ? 'conflict' : 'busy');
      [token, lost] = isClash ? [randomUUID(), false] : [token, attempt.lost];
      await sleep(pauseMs(tries, CLASH, this.#random));
    }
  }

  /**
   * Sends a transaction. The SDK retries it under its token, so repeating a committed transaction reports that success and
   * does nothing twice.
   *
   * @param lostBefore whether an earlier attempt under this token ended without a response
   */
  async #attempt(TransactItems: TransactWriteItem[], token: string, lostBefore: boolean): Promise<Outcome | Again> {
    const command = new TransactWriteItemsCommand({ TransactItems, ClientRequestToken: token });
    const anyLost = watchAttempts(command, () => this.#onRetry('busy'));
    try {
      await this.#client.send(command);
      return { committed: true };
    } catch (cause) {
      const lost = anyLost() || lostBefore;
      const failure = transactFailure(cause, lost);
      if ('error' in failure) throw failure.error;
      return 'outcome' in failure ? failure.outcome : { again: failure.again, lost, cause };
    }
  }

  #queryInput({ partition, from, to, order }: Range, left: number, start: DynamoItem | undefined): QueryCommandInput {
    const bound =
      from === undefined
        ? to === undefined
          ? ''
          : ' AND #s <= :to'
        : to === undefined
          ? ' AND #s >= :from'
          : ' AND #s BETWEEN :from AND :to';
    return {
      TableName: this.#name,
      ConsistentRead: true,
      KeyConditionExpression: `#p = :p${bound}`,
      ExpressionAttributeNames: { '#p': PARTITION, ...(bound === '' ? {} : { '#s': SORT }) },
      ExpressionAttributeValues: {
        ':p': { S: partition },
        ...(from === undefined ? {} : { ':from': { S: from } }),
        ...(to === undefined ? {} : { ':to': { S: to } }),
      },
      ScanIndexForward: order !== 'descending',
      ...(Number.isFinite(left) ? { Limit: left } : {}),
      ...(start === undefined ? {} : { ExclusiveStartKey: start }),
    };
  }

  async #send<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (cause) {
      throw requestFailure(cause, 'read');
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new SealtrailError('unavailable', 'the table is closed');
  }
}
