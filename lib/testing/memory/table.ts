import { SealtrailError } from '../../log/error.ts';
import { isAllowed, itemAfter } from '../../store/conditions.ts';
import { checkItemBytes, checkKey, checkRange, checkWrites, itemBytes, keyOf } from '../../store/limits.ts';
import type { Attribute, Item, Key, Outcome, Range, Table, Write } from '../../store/ports.ts';
import { lowerBound } from './byte-order.ts';
import { Faults } from './faults.ts';

/** A call of a {@link MemoryTable}, as faults see it. A query counts once for each page. */
export type TableCall = { readonly get: Key } | { readonly query: Range } | { readonly transact: readonly Write[] };

/** Items of one query that are fetched at once: few, so that tests get to see several pages. */
const PAGE_ITEMS = 16;

interface Partition {
  readonly items: Map<string, Item>;
  /** The sort keys in byte order. */
  readonly sorts: string[];
}

/**
 * A Table in memory, for tests: everything is lost with the object. Its faults make writes fail in chosen ways.
 *
 * @example
 * const table = new MemoryTable();
 * table.faults.add({ effect: 'cut_after', nth: 3 });
 * // ... the third transaction is stored, its answer lost and the process gone; what would the next one find?
 * const next = table.restarted();
 */
export class MemoryTable implements Table {
  readonly faults = new Faults<TableCall>((call) => 'transact' in call);
  /** The same object for every process on the same data. */
  readonly data: object;
  readonly #partitions: Map<string, Partition>;
  #closed = false;

  /** @param partitions only `restarted` gives it: the data that another one left. */
  constructor(partitions: Map<string, Partition> = new Map()) {
    this.#partitions = partitions;
    this.data = partitions;
  }

  /** Another process on the same data, with no faults planned. Both may be used at the same time. */
  restarted(): MemoryTable {
    return new MemoryTable(this.#partitions);
  }

  async get(key: Key): Promise<Item | undefined> {
    checkKey(key);
    this.#checkOpen();
    return this.faults.run({ get: key }, () => {
      const item = this.#standing(key);
      return item && copyOf(item);
    });
  }

  async *query(range: Range): AsyncIterable<Item> {
    checkRange(range);
    const step = range.order === 'descending' ? -1 : 1;
    let left = range.limit ?? Number.POSITIVE_INFINITY;
    let after: string | undefined;
    while (left > 0) {
      this.#checkOpen();
      const page = await this.faults.run({ query: range }, () =>
        this.#page(range, step, after, Math.min(left, PAGE_ITEMS)),
      );
      yield* page;
      left -= page.length;
      after = page.at(-1)?.sort;
      if (page.length < PAGE_ITEMS) return;
    }
  }

  async transact(writes: readonly Write[]): Promise<Outcome> {
    checkWrites(writes);
    this.#checkOpen();
    const copies = writes.map(copyOfWrite);
    return this.faults.run({ transact: copies }, () => this.#commit(copies));
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Removes expired items as a store with TTL may. @param now Unix time in seconds. @returns how many. */
  purgeExpired(now: number): number {
    let removed = 0;
    for (const { items } of this.#partitions.values()) {
      for (const item of [...items.values()]) {
        if (item.expiresAt === undefined || item.expiresAt >= now) continue;
        this.#set(item, undefined);
        removed += 1;
      }
    }
    return removed;
  }

  #commit(writes: readonly Write[]): Outcome {
    const failed: { write: number; item?: Item }[] = [];
    const changes: { key: Key; item: Item | undefined }[] = [];
    for (const [index, write] of writes.entries()) {
      const key = keyOf(write);
      const standing = this.#standing(key);
      if (!isAllowed(write, standing)) {
        failed.push(standing === undefined ? { write: index } : { write: index, item: copyOf(standing) });
        continue;
      }
      const item = itemAfter(write, standing);
      if (item) checkItemBytes(key, itemBytes(item));
      changes.push({ key, item });
    }
    if (failed.length > 0) return { committed: false, failed };
    for (const { key, item } of changes) this.#set(key, item);
    return { committed: true };
  }

  #page(range: Range, step: 1 | -1, after: string | undefined, limit: number): Item[] {
    const partition = this.#partitions.get(range.partition);
    if (!partition) return [];
    const { sorts, items } = partition;
    let first = range.from === undefined ? 0 : lowerBound(sorts, range.from);
    let end = range.to === undefined ? sorts.length : endBound(sorts, range.to);
    if (after !== undefined && step === 1) first = Math.max(first, endBound(sorts, after));
    if (after !== undefined && step === -1) end = Math.min(end, lowerBound(sorts, after));
    const page: Item[] = [];
    for (let i = step === 1 ? first : end - 1; i >= first && i < end && page.length < limit; i += step) {
      const item = items.get(sorts[i] ?? '');
      if (item) page.push(copyOf(item));
    }
    return page;
  }

  #standing(key: Key): Item | undefined {
    return this.#partitions.get(key.partition)?.items.get(key.sort);
  }

  #set(key: Key, item: Item | undefined): void {
    let partition = this.#partitions.get(key.partition);
    if (!partition) {
      partition = { items: new Map(), sorts: [] };
      this.#partitions.set(key.partition, partition);
    }
    const { items, sorts } = partition;
    const index = lowerBound(sorts, key.sort);
    if (item === undefined) {
      if (items.delete(key.sort)) sorts.splice(index, 1);
      return;
    }
    if (!items.has(key.sort)) sorts.splice(index, 0, key.sort);
    items.set(key.sort, item);
  }

  #checkOpen(): void {
    if (this.#closed) throw new SealtrailError('unavailable', 'the table is closed');
  }
}

/** The index after the last of `sorted` that is not above `text`. */
function endBound(sorted: readonly string[], text: string): number {
  const index = lowerBound(sorted, text);
  return sorted[index] === text ? index + 1 : index;
}

/** Neither side may change what the other holds. */
function copyOf(item: Item): Item {
  const { partition, sort, expiresAt } = item;
  const attributes = copyOfAttributes(item.attributes);
  return expiresAt === undefined ? { partition, sort, attributes } : { partition, sort, attributes, expiresAt };
}

function copyOfAttributes(attributes: Readonly<Record<string, Attribute>>): Record<string, Attribute> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      typeof value === 'object' ? new Uint8Array(value) : value,
    ]),
  );
}

function copyOfWrite(write: Write): Write {
  if ('put' in write) return { ...write, put: copyOf(write.put) };
  if ('update' in write) return { ...write, update: { ...write.update }, set: copyOfAttributes(write.set) };
  return 'remove' in write ? { ...write, remove: { ...write.remove } } : { ...write, check: { ...write.check } };
}
