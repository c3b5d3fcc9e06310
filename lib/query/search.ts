import { type IndexSnapshot, NO_INDEX, readIndexSnapshot } from '../index/format/index-state.ts';
import { endOf } from '../index/format/runs.ts';
import { countSpans, intersectSpans, numbersOf, type Spans } from '../index/format/spans.ts';
import { type RunFile, type RunFiles, RunGone } from '../index/reader/run-file.ts';
import { type FoundInRun, findInRun, type RunPostings } from '../index/reader/run-postings.ts';
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
  /** Reads the runs of the index. */
  readonly runs: RunFiles;
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

/** The cost of a read of the index. */
const READ_COST = 10;
/** Blocks read concurrently. */
const BLOCKS_AHEAD = 16;
/** Runs looked at together: first those that a frequent value is found in, then many. */
const FIRST_RUNS = 4;
const MAX_RUNS = 32;
/** A long list is read only to rule out candidates: at least this many per group read. */
const CANDIDATES_PER_GROUP = 4;

/** The passing records of a range, block by block, in non-empty batches. @throws as `readBlocks` */
export async function* scan(
  { table, trail, archive, filter, order }: SearchContext,
  from: number,
  to: number,
): AsyncGenerator<readonly Match[], void, void> {
  const isDescending = order === 'newest';
  const range = { from, to, order: isDescending ? 'descending' : 'ascending' } as const;
  for await (const block of readBlocks(table, trail, range, archive)) {
    const matches: Match[] = [];
    const end = Math.min(to, block.first + block.count);
    for (let seq = Math.max(from, block.first); seq < end; seq++) {
      const match = matchOf(block, seq);
      if (filter.accepts(match.line)) matches.push(match);
    }
    if (matches.length > 0) yield isDescending ? matches.reverse() : matches;
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
  readonly #isDescending: boolean;
  #spent = 0;

  constructor(context: SearchContext, low: number, high: number) {
    this.#context = context;
    this.#isDescending = context.order === 'newest';
    this.low = low;
    this.high = Math.max(low, high);
  }

  /** True if there is more to search. */
  get hasMore(): boolean {
    return this.low < this.high;
  }

  /**
   * Searches until the range, the limit or the budget is used up.
   *
   * @throws `store_corrupt`, the errors of the Table and of the index's files
   */
  async run(): Promise<void> {
    for (let last: IndexSnapshot | undefined; this.#goesOn; ) {
      const index = await this.#snapshot(last);
      const edge = Math.min(Math.max(index.size, this.low), this.high);
      const isScanFirst = this.#isDescending ? edge < this.high : edge === this.low;
      try {
        if (!isScanFirst) await this.#searchIndex(index, edge);
        else await (this.#isDescending ? this.#scan(edge, this.high) : this.#scan(this.low, this.high));
      } catch (error) {
        if (!(error instanceof RunGone)) throw error;
        last = index;
      }
    }
  }

  /** @param gone what was read before and whose files are gone: if nothing took their place, the records are scanned */
  async #snapshot(gone: IndexSnapshot | undefined): Promise<IndexSnapshot> {
    const { table, trail, filter } = this.#context;
    if (!filter.isIndexed) return NO_INDEX;
    const index = await readIndexSnapshot(table, trail);
    return index.revision === gone?.revision ? NO_INDEX : index;
  }

  get #goesOn(): boolean {
    return this.hasMore && this.matches.length < this.#context.limit && this.#spent < this.#context.budget;
  }

  async #scan(from: number, to: number): Promise<void> {
    const { table, trail, archive } = this.#context;
    const order = this.#isDescending ? 'descending' : 'ascending';
    for await (const block of readBlocks(table, trail, { from, to, order }, archive)) {
      this.#spent += block.count;
      const last = Math.min(to, block.first + block.count) - 1;
      const first = Math.max(from, block.first);
      if (this.#isDescending) for (let seq = last; seq >= first && !this.#isFull; seq--) this.#consider(block, seq);
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
    if (this.#isDescending) this.high = Math.max(this.low, Math.min(this.high, from));
    else this.low = Math.min(this.high, Math.max(this.low, to));
  }

  /** Searches the indexed records below `edge`. @throws {@link RunGone} if a run was superseded long ago */
  async #searchIndex({ runs: all }: IndexSnapshot, edge: number): Promise<void> {
    const { runs: files, trail, filter } = this.#context;
    const end = Math.min(edge, this.high);
    const runs = all.filter((run) => endOf(run) > this.low && run.first < end);
    if (this.#isDescending) runs.reverse();
    for (const run of runs.slice(FIRST_RUNS, FIRST_RUNS + MAX_RUNS)) files.open(trail, run).prefetch();
    // A frequent value is found in the first few; for a rare one all the others are looked at together.
    for (let [next, atOnce] = [0, FIRST_RUNS]; next < runs.length; next += atOnce, atOnce = MAX_RUNS) {
      const some = runs.slice(next, next + atOnce);
      const found = await Promise.all(some.map((run) => findInRun(files.open(trail, run), filter.keys)));
      this.#spent += READ_COST * some.length * (1 + filter.keys.flat().length);
      for (const [n, run] of some.entries()) {
        const inRun = found[n];
        if (inRun === undefined) this.#lookedAt(run.first, Math.min(edge, endOf(run)));
        else await this.#searchRun(inRun, edge);
        if (!this.#goesOn) return;
      }
    }
  }

  async #searchRun({ file, filters }: FoundInRun, edge: number): Promise<void> {
    const [narrowest, ...others] = filters.toSorted((a, b) => a.count - b.count);
    if (narrowest === undefined) throw new RangeError('searching the index requires a filter');
    const starts = narrowest.windows();
    const windows = starts.map((start, i) => [start, starts[i + 1] ?? endOf(file.run)] as const);
    for (const [start, end] of this.#isDescending ? windows.reverse() : windows) {
      const [from, to] = [Math.max(start, this.low), Math.min(end, edge, this.high)];
      if (from < to) {
        const spans = await this.#candidates(from, to, narrowest, others);
        if (!(await this.#look(spans, file))) return;
      }
      this.#lookedAt(start, Math.min(edge, end));
      if (!this.#goesOn) return;
    }
  }

  /** Records that may pass all filters. */
  async #candidates(from: number, to: number, narrowest: RunPostings, others: readonly RunPostings[]): Promise<Spans> {
    this.#spent += READ_COST * narrowest.unread(from, to);
    let spans = await narrowest.within(from, to);
    for (const other of others) {
      const [first, last] = [spans[0], spans.at(-1)];
      if (first === undefined || last === undefined) return spans;
      const groups = other.unread(first, last);
      if (groups * CANDIDATES_PER_GROUP > countSpans(spans)) continue;
      this.#spent += READ_COST * groups;
      spans = intersectSpans(spans, await other.within(first, last));
    }
    return spans;
  }

  /** Reads candidates, each block once, and collects those that pass. @returns false if it stopped before the last */
  async #look(spans: Spans, file: RunFile): Promise<boolean> {
    const seqs = numbersOf(spans, this.#isDescending);
    for (let next = seqs.next(); !next.done; ) {
      // Each block is expected to yield at least one match.
      const room = Math.min(BLOCKS_AHEAD, this.#context.limit - this.matches.length);
      const wanted: { first: number; seqs: number[] }[] = [];
      for (; !next.done; next = seqs.next()) {
        const first = await file.findBlock(next.value);
        const last = wanted.at(-1);
        if (last?.first === first) last.seqs.push(next.value);
        else if (wanted.length < room) wanted.push({ first, seqs: [next.value] });
        else break;
      }
      const isAll = await this.#lookInto(wanted);
      if (!isAll || (!next.done && !this.#goesOn)) return false;
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
