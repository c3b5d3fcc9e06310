import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  type CancellationReason,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';

type Item = Record<string, AttributeValue>;

/** How long things take, in milliseconds. */
export interface Latencies {
  /** To the store and back. */
  readonly network: number;
  /** Of a read, besides. */
  readonly read: number;
  /** How long a transaction holds its items. */
  readonly hold: number;
  /**
   * How long each item of a request keeps the store from any other, as in DynamoDB Local, which does one thing at a time.
   *
   * @default 0: any number of requests at once
   */
  readonly each?: number;
}

/** What was asked of a {@link StandIn}. */
export interface Meter {
  transactions: number;
  conflicts: number;
  failedConditions: number;
  reads: number;
  /** 2 for each started KB of each item of each try, whether or not it went through. */
  writeUnits: number;
  /** 1 for each started 4 KB that was read. */
  readUnits: number;
}

/**
 * A stand-in for DynamoDB that shows what an emulator does not: a transaction holds its items for a while, and another that meets
 * them is cancelled with TransactionConflict. It knows the requests and expressions that the driver makes, and no others.
 */
export class StandIn {
  readonly meter: Meter = { transactions: 0, conflicts: 0, failedConditions: 0, reads: 0, writeUnits: 0, readUnits: 0 };
  /** Write units by partition, of all tries. */
  readonly partitions = new Map<string, number>();
  readonly #items = new Map<string, Map<string, Item>>();
  readonly #held = new Set<string>();
  readonly #latencies: Latencies;
  #busyUntil = 0;

  constructor(latencies: Latencies) {
    this.#latencies = latencies;
  }

  /** As the driver takes it, whose client has many more methods than the one that it calls. */
  get client(): DynamoDBClient {
    return this as unknown as DynamoDBClient;
  }

  destroy(): void {}

  async send(command: unknown): Promise<unknown> {
    const { network, read } = this.#latencies;
    await sleep(network * (1 + Math.random() / 2));
    if (command instanceof TransactWriteItemsCommand) {
      const writes = command.input.TransactItems ?? [];
      await this.#serve(1 + writes.length);
      return this.#transact(writes);
    }
    this.meter.reads += 1;
    await this.#serve(1);
    await sleep(read);
    if (command instanceof GetItemCommand) return this.#get(command);
    if (command instanceof QueryCommand) return this.#query(command);
    throw new RangeError('the stand-in does not know this request');
  }

  /** Waits for the requests before this one. */
  async #serve(items: number): Promise<void> {
    const { each = 0 } = this.#latencies;
    if (each === 0) return;
    this.#busyUntil = Math.max(this.#busyUntil, performance.now()) + items * each;
    await sleep(this.#busyUntil - performance.now());
  }

  #get({ input }: GetItemCommand): { Item?: Item } {
    const found = this.#items.get(text(input.Key, 'partition'))?.get(text(input.Key, 'sort'));
    this.meter.readUnits += Math.max(1, Math.ceil(bytesOf(found) / 4096));
    return found === undefined ? {} : { Item: found };
  }

  #query({ input }: QueryCommand): { Items: Item[] } {
    const values = input.ExpressionAttributeValues;
    const [from, to] = [values?.[':from']?.S ?? '', values?.[':to']?.S];
    const partition: ReadonlyMap<string, Item> = this.#items.get(text(values, ':p')) ?? new Map();
    const sorts = [...partition.keys()].filter((sort) => sort >= from && (to === undefined || sort <= to)).sort();
    if (input.ScanIndexForward === false) sorts.reverse();
    const Items = sorts.slice(0, input.Limit ?? sorts.length).map((sort) => partition.get(sort) ?? {});
    const bytes = Items.reduce((sum, item) => sum + bytesOf(item), 0);
    this.meter.readUnits += Math.max(1, Math.ceil(bytes / 4096));
    return { Items };
  }

  async #transact(writes: readonly TransactWriteItem[]): Promise<object> {
    const keys = writes.map(keyOf);
    const names = keys.map(({ partition, sort }) => `${partition}\n${sort}`);
    this.meter.transactions += 1;
    writes.forEach((write, at) => {
      this.#bill(write, keys[at] ?? { partition: '', sort: '' });
    });
    const clashes = names.map((name) => this.#held.has(name));
    if (clashes.includes(true)) {
      this.meter.conflicts += 1;
      await sleep(this.#latencies.network);
      throw cancelled(clashes.map((clash) => ({ Code: clash ? 'TransactionConflict' : 'None' })));
    }
    for (const name of names) this.#held.add(name);
    await sleep(this.#latencies.hold * (0.8 + 0.4 * Math.random()));
    const reasons = writes.map((write, at): CancellationReason => {
      const standing = this.#standing(keys[at]);
      if (isMet(write, standing)) return { Code: 'None' };
      return { Code: 'ConditionalCheckFailed', ...(standing === undefined ? {} : { Item: standing }) };
    });
    const isFailed = reasons.some(({ Code }) => Code !== 'None');
    if (!isFailed) for (const write of writes) this.#apply(write);
    for (const name of names) this.#held.delete(name);
    await sleep(this.#latencies.network);
    if (isFailed) {
      this.meter.failedConditions += 1;
      throw cancelled(reasons);
    }
    return {};
  }

  #standing(key: { readonly partition: string; readonly sort: string } | undefined): Item | undefined {
    return key && this.#items.get(key.partition)?.get(key.sort);
  }

  #bill(write: TransactWriteItem, key: { readonly partition: string; readonly sort: string }): void {
    const bytes = Math.max(bytesOf(write.Put?.Item), bytesOf(this.#standing(key)));
    const units = 2 * Math.max(1, Math.ceil(bytes / 1024));
    this.meter.writeUnits += units;
    this.partitions.set(key.partition, (this.partitions.get(key.partition) ?? 0) + units);
  }

  #apply(write: TransactWriteItem): void {
    const { partition, sort } = keyOf(write);
    const items = this.#items.get(partition) ?? new Map<string, Item>();
    this.#items.set(partition, items);
    if (write.Put?.Item !== undefined) items.set(sort, write.Put.Item);
    if (write.Delete !== undefined) items.delete(sort);
  }
}

function isMet({ Put, Delete, ConditionCheck }: TransactWriteItem, standing: Item | undefined): boolean {
  const write = Put ?? Delete ?? ConditionCheck;
  const condition = write?.ConditionExpression;
  if (write === undefined || condition === undefined) return true;
  if (condition.startsWith('attribute_not_exists')) return standing === undefined;
  if (condition.startsWith('attribute_exists')) return standing !== undefined;
  const [name = '', value = ''] = condition.split(' = ');
  const stored = standing?.[write.ExpressionAttributeNames?.[name] ?? ''];
  return JSON.stringify(stored) === JSON.stringify(write.ExpressionAttributeValues?.[value]);
}

function keyOf({ Put, Delete, ConditionCheck }: TransactWriteItem): { partition: string; sort: string } {
  const key = Put?.Item ?? Delete?.Key ?? ConditionCheck?.Key;
  return { partition: text(key, 'partition'), sort: text(key, 'sort') };
}

function text(values: Item | undefined, name: string): string {
  const value = values?.[name]?.S;
  if (value === undefined) throw new RangeError('the stand-in does not know this request');
  return value;
}

function bytesOf(item: Item | undefined): number {
  let bytes = 0;
  for (const [name, { S, N, B }] of Object.entries(item ?? {})) {
    bytes += name.length + (S === undefined ? 0 : Buffer.byteLength(S)) + (N?.length ?? 0) + (B?.length ?? 0);
  }
  return bytes;
}

const cancelled = (CancellationReasons: CancellationReason[]): TransactionCanceledException =>
  new TransactionCanceledException({ message: 'Transaction cancelled', $metadata: {}, CancellationReasons });
