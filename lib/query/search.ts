import { setTimeout as sleep } from 'node:timers/promises';
import { type IndexSnapshot, isCurrent, readIndexSnapshot } from '../index/format/index-state.ts';
import { endOf, type Run } from '../index/format/runs.ts';
import { type FoundInRun, MergedAway, type RunPostings, readRuns, runGroups } from '../index/reader/run-postings.ts';
import type { ArchivedRecords } from '../ledger/archived-records.ts';
import { readBlocks } from '../ledger/blocks.ts';
import type { Block } from '../ledger/items/block.ts';
import type { OpenBlock } from '../ledger/items/stored-block.ts';
import { SealtrailError } from '../log/error.ts';
import type { Table } from '../store/ports.ts';
import type { RecordFilter } from './filter.ts';
import { type Match, matchOf, type Query } from './query.ts';
import type { RecentBlocks } from './recent-blocks.ts';

/** The inputs of a search. */
export interface SearchContext {
  readonly table: Table;
  readonly blocks: RecentBlocks;
  /** Reads records that have left the hot store. */
  readonly archive: ArchivedRecords | undefined;
  readonly trail: string;
  readonly filter: RecordFilter;
  readonly order: Query['order'];
  /** Maximum matches to find. */
  readonly limit: number;
  /** Maximum work, to within a block: one per record decoded, {@link READ_COST} per read of the index. */
  readonly budget: number;
}

const NO_INDEX: IndexSnapshot = { revision: 0, size: 0, runs: [] };
/** The cost of a read of the index. */
const READ_COST = 10;
/** Blocks read concurrently. */
const BLOCKS_AHEAD = 16;
/** How often merges may interrupt one search. The pause grows each time. */
const MAX_STALE = 10;
/** A long list is read only to rule out candidates: at least this many per item read. */
const CANDIDATES_PER_PART = 4;

/** The passing records of a range, block by block, in non-empty batches. @throws as `readBlocks` */
export async function* scan(
  { table, trail, archive, filter, order }: SearchContext,
  from: number,
  to: number,
): AsyncGenerator<readonly Match[], void, void> {
  const isDown = order === 'newest';
  const range = { from, to, order: isDown ? 'descending' : 'ascending' } as const;
  for await (const block of readBlocks(table, trail, range, archive)) {
    const matches: Match[] = [];
    const end = Math.min(to, block.first + block.count);
    for (let seq = Math.max(from, block.first); seq < end; seq++) {
      const match = matchOf(block, seq);
      if (filter.accepts(match.line)) matches.push(match);
    }
    if (matches.length > 0) yield isDown ? matches.reverse() : matches;
  }
}

/** The passing records of a range, found through the index, in non-empty batches. @throws as `Search.run` */
export async function* searched(
  context: SearchContext,
  from: number,
  to: number,
): AsyncGenerator<readonly Match[], void, void> {
  for (let [low, high] = [from, to]; low < high; ) {
    const search = new Search(context, low, high);
    await search.run();
    if (search.matches.length > 0) yield search.matches;
    ({ low, high } = search);
  }
}

/**
 * Searches a range of records from one end to the other. At any time `[low, high)` are the records not yet searched.
 */
export class Search {
  readonly matches: Match[] = [];
  low: number;
  high: number;
  readonly #context: SearchContext;
  readonly #isDown: boolean;
  #spent = 0;

  constructor(context: SearchContext, low: number, high: number) {
    this.#context = context;
    this.#isDown = context.order === 'newest';
    this.low = low;
    this.high = Math.max(low, high);
  }

  /** Whether there is more to search. */
  get hasMore(): boolean {
    return this.low < this.high;
  }

  /**
   * Searches until the range, the limit or the budget is used up.
   *
   * @throws `store_corrupt`, `unavailable` if the index is rewritten too fast, the Table's errors
   */
  async run(): Promise<void> {
    for (let stale = 0; this.#goesOn; ) {
      const { table, trail, filter } = this.#context;
      const index = filter.isIndexed ? await readIndexSnapshot(table, trail) : NO_INDEX;
      const edge = Math.min(Math.max(index.size, this.low), this.high);
      const isScanFirst = this.#isDown ? edge < this.high : edge === this.low;
      if (isScanFirst) {
        await (this.#isDown ? this.#scan(edge, this.high) : this.#scan(this.low, this.high));
        continue;
      }
      const isDone = await this.#searchIndex(index, edge);
      if (!isDone && ++stale > MAX_STALE) {
        throw new SealtrailError('unavailable', 'the index is being rewritten: try again', { retryAfter: 1 });
      }
      if (!isDone) await sleep(stale * 2);
    }
  }

  get #goesOn(): boolean {
    return this.hasMore && this.matches.length < this.#context.limit && this.#spent < this.#context.budget;
  }

  async #scan(from: number, to: number): Promise<void> {
    const { table, trail, archive } = this.#context;
    const order = this.#isDown ? 'descending' : 'ascending';
    for await (const block of readBlocks(table, trail, { from, to, order }, archive)) {
      this.#spent += block.count;
      const last = Math.min(to, block.first + block.count) - 1;
      const first = Math.max(from, block.first);
      if (this.#isDown) for (let seq = last; seq >= first && !this.#isFull; seq--) this.#consider(block, seq);
      else for (let seq = first; seq <= last && !this.#isFull; seq++) this.#consider(block, seq);
      if (!this.#goesOn) return;
    }
  }

  get #isFull(): boolean {
    return this.matches.length >= this.#context.limit;
  }

  #consider(block: Block | OpenBlock, seq: number): void {
    const line = 'lines' in block ? block.lines[seq - block.first] : block.line(seq);
    if (line === undefined) throw new RangeError(`block ${block.first} has no record ${seq}`);
    const isArchived = 'lines' in block && block.archived === true;
    if (this.#context.filter.accepts(line)) {
      this.matches.push(isArchived ? { seq, line, archived: true } : { seq, line });
    }
    this.#lookedAt(seq, seq + 1);
  }

  /** Marks everything from the near end of the range to the far end of [from, to) as searched. */
  #lookedAt(from: number, to: number): void {
    if (this.#isDown) this.high = Math.max(this.low, Math.min(this.high, from));
    else this.low = Math.min(this.high, Math.max(this.low, to));
  }

  /** Searches the indexed records below `edge`. @returns false if a merge interrupted it */
  async #searchIndex(index: IndexSnapshot, edge: number): Promise<boolean> {
    const { table, trail, filter } = this.#context;
    const groups = runGroups(index.runs, this.low, Math.min(edge, this.high));
    if (this.#isDown) groups.reverse();
    const read: { readonly runs: readonly Run[]; readonly found: ReadonlyMap<number, FoundInRun> }[] = [];
    for (const [i, runs] of groups.entries()) {
      const found = await readRuns(table, trail, runs, filter.fingerprints);
      this.#spent += READ_COST * (1 + filter.fingerprints.flat().length);
      read.push({ runs, found });
      // One check for merges covers everything read before it.
      if (found.size === 0 && i + 1 < groups.length && this.#goesOn) continue;
      if (!(await isCurrent(table, trail, index))) return false;
      for (const group of read.splice(0)) {
        if (!(await this.#searchGroup(group.runs, group.found, edge))) return false;
        if (!this.#goesOn) return true;
      }
    }
    return true;
  }

  /** @returns false if a merge interrupted it */
  async #searchGroup(runs: readonly Run[], found: ReadonlyMap<number, FoundInRun>, edge: number): Promise<boolean> {
    for (const run of this.#isDown ? runs.toReversed() : runs) {
      const inRun = found.get(run.first);
      try {
        if (inRun === undefined) this.#lookedAt(run.first, Math.min(edge, endOf(run)));
        else await this.#searchRun(run, edge, inRun);
      } catch (error) {
        if (error instanceof MergedAway) return false;
        throw error;
      }
      if (!this.#goesOn) return true;
    }
    return true;
  }

  async #searchRun(run: Run, edge: number, { filters, blocks }: FoundInRun): Promise<void> {
    const [narrowest, ...others] = filters.toSorted((a, b) => a.count - b.count);
    if (narrowest === undefined) throw new RangeError('searching the index requires a filter');
    const starts = narrowest.windows();
    const windows = starts.map((start, i) => [start, starts[i + 1] ?? endOf(run)] as const);
    for (const [start, end] of this.#isDown ? windows.reverse() : windows) {
      const [from, to] = [Math.max(start, this.low), Math.min(end, edge, this.high)];
      if (from < to) {
        const seqs = await this.#candidates(from, to, narrowest, others);
        if (!(await this.#look(seqs, blocks))) return;
      }
      this.#lookedAt(start, Math.min(edge, end));
      if (!this.#goesOn) return;
    }
  }

  /** Records that may pass all filters, ascending. */
  async #candidates(from: number, to: number, narrowest: RunPostings, others: readonly RunPostings[]) {
    this.#spent += READ_COST * narrowest.partsWithin(from, to);
    let seqs = await narrowest.within(from, to);
    for (const other of others) {
      const [first, last] = [seqs[0], seqs.at(-1)];
      if (first === undefined || last === undefined) return seqs;
      const parts = other.partsWithin(first, last + 1);
      if (parts * CANDIDATES_PER_PART > seqs.length) continue;
      this.#spent += READ_COST * parts;
      const allowed = new Set(await other.within(first, last + 1));
      seqs = seqs.filter((seq) => allowed.has(seq));
    }
    return seqs;
  }

  /** Reads candidates, each block once, and collects those that pass. @returns false if it stopped before the last */
  async #look(ascending: readonly number[], blocks: RunPostings): Promise<boolean> {
    const seqs = this.#isDown ? ascending.toReversed() : ascending;
    for (let next = 0; next < seqs.length; ) {
      // Each block is expected to yield at least one match.
      const room = Math.min(BLOCKS_AHEAD, this.#context.limit - this.matches.length);
      const wanted: { first: number; seqs: number[] }[] = [];
      for (; next < seqs.length; next++) {
        const seq = seqs[next] ?? 0;
        const first = (await blocks.upTo(seq)) ?? 0;
        const last = wanted.at(-1);
        if (last?.first === first) last.seqs.push(seq);
        else if (wanted.length < room) wanted.push({ first, seqs: [seq] });
        else break;
      }
      const isAll = await this.#lookInto(wanted);
      if (!isAll || (next < seqs.length && !this.#goesOn)) return false;
    }
    return true;
  }

  async #lookInto(wanted: readonly { readonly first: number; readonly seqs: readonly number[] }[]): Promise<boolean> {
    const { blocks, trail } = this.#context;
    const read = await Promise.all(wanted.map(({ first, seqs }) => blocks.read(trail, first, seqs)));
    for (const [i, { seqs }] of wanted.entries()) {
      const held = read[i] ?? [];
      this.#spent += held.reduce((sum, { count }) => sum + count, 0);
      for (const seq of seqs) {
        if (this.#isFull) return false;
        const block = held.find(({ first, count }) => first <= seq && seq < first + count);
        if (block === undefined) {
          const message = `trail ${trail} holds other records in place of record ${seq}`;
          throw new SealtrailError('store_corrupt', message);
        }
        this.#consider(block, seq);
      }
    }
    return true;
  }
}
