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

/** What a {@link DynamoTable} works with. */
export interface DynamoTableOptions {
  /** Made by `dynamoClient`, whose timeouts and retries are set on purpose. Closed with the table. */
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** 0 inclusive to 1 exclusive: spreads retries. @default Math.random */
  readonly random?: () => number;
  /** Told of each attempt at a transaction that is followed by another, the SDK's included. Must not throw. */
  readonly onRetry?: (retry: Retry) => void;
}

/** Tries of one transaction that keeps clashing with others: four seconds in all at most, two on average. */
const CLASH_TRIES = 12;
const CLASH = { firstMs: 20, maxMs: 500 };

/** An attempt that is to be repeated: under a new token (`anew`), or under the same one. */
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
    // BETWEEN with its ends the wrong way round is an error to DynamoDB and an empty range to us.
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
      if (tries >= CLASH_TRIES) throw exhausted(attempt.again, attempt.cause);
      this.#onRetry(isClash ? 'conflict' : 'busy');
      [token, lost] = isClash ? [randomUUID(), false] : [token, attempt.lost];
      await sleep(pauseMs(tries, CLASH, this.#random));
    }
  }

  /**
   * Sends a transaction. The SDK repeats it under its token: a repetition of what went through is the same success, not a
   * second one.
   *
   * @param lostBefore whether an earlier attempt under this token ended without DynamoDB's word on it
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
