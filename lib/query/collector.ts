import type { IndexSnapshot } from '../index/format/index-state.ts';
import type { StoredRun } from '../index/format/run-layout.ts';
import { endOf } from '../index/format/runs.ts';
import { intersectSpans, numbersOf, type Spans } from '../index/format/spans.ts';
import type { RunFile, RunFiles } from '../index/reader/run-file.ts';
import { RunPostings } from '../index/reader/run-postings.ts';
import type { ArchivedRecords } from '../ledger/archived-records.ts';
import { readBlocks } from '../ledger/blocks.ts';
import { SealtrailError } from '../log/error.ts';
import type { Table } from '../store/ports.ts';
import type { RecordFilter } from './filter.ts';
import { type Match, matchOf } from './query.ts';
import type { RecentBlocks } from './recent-blocks.ts';

/** Where the records of an answer are read. */
export interface RecordSources {
  readonly table: Table;
  readonly blocks: RecentBlocks;
  readonly runs: RunFiles;
  readonly archive: ArchivedRecords | undefined;
}

/** What is asked of the records `[low, high)`. */
export interface AnswerRequest {
  readonly trail: string;
  readonly filter: RecordFilter;
  readonly isDescending: boolean;
  readonly limit: number;
  readonly low: number;
  readonly high: number;
}

/** Most records that one proof shows: what does not pass is shown too, where the index does not rule it out. */
const MAX_SHOWN = 1000;
/** Records that are read together. */
const AT_ONCE = 32;

/**
 * Collects the records of an answer, and those that may have been, from one end of a range on, until the answer or what is shown is full.
 * At any time every record of `[from, to)` that may pass is in `shown`.
 */
export class Collector {
  readonly matches: Match[] = [];
  readonly shown = new Map<number, Match>();
  from: number;
  to: number;
  readonly #sources: RecordSources;
  readonly #request: AnswerRequest;

  constructor(sources: RecordSources, request: AnswerRequest) {
    this.#sources = sources;
    this.#request = request;
    this.from = request.isDescending ? request.high : request.low;
    this.to = this.from;
  }

  /** @param index what may be used of it: its runs tell which records may pass */
  async collect({ runs, size }: Pick<IndexSnapshot, 'runs' | 'size'>): Promise<void> {
    const { low, high, isDescending, filter } = this.#request;
    const edge = filter.isIndexed ? Math.min(Math.max(size, low), high) : low;
    const indexed = runs.filter((run) => run.first < edge && endOf(run) > low);
    const parts: ({ readonly run: StoredRun } | undefined)[] = indexed.map((run) => ({ run }));
    for (const part of isDescending ? [undefined, ...parts.reverse()] : [...parts, undefined]) {
      const [from, to] =
        part === undefined ? [edge, high] : [Math.max(part.run.first, low), Math.min(endOf(part.run), edge)];
      if (from >= to) continue;
      const isWhole = part === undefined ? await this.#tail(from, to) : await this.#run(part.run, from, to);
      if (!isWhole) return;
      this.#covered(from, to);
    }
  }

  async #tail(from: number, to: number): Promise<boolean> {
    const { table, archive } = this.#sources;
    const { trail, isDescending } = this.#request;
    const order = isDescending ? 'descending' : 'ascending';
    for await (const block of readBlocks(table, trail, { from, to, order }, archive)) {
      const span = [Math.max(from, block.first), Math.min(to, block.first + block.count)];
      for (const seq of numbersOf(span, isDescending)) if (!this.#take(matchOf(block, seq))) return false;
    }
    return true;
  }

  async #run(run: StoredRun, from: number, to: number): Promise<boolean> {
    const { trail, isDescending } = this.#request;
    const file = this.#sources.runs.open(trail, run);
    const seqs = numbersOf(await this.#candidates(file, from, to), isDescending);
    for (let some = nextOf(seqs); some.length > 0; some = nextOf(seqs)) {
      const found = await Promise.all(some.map((seq) => this.#read(file, seq)));
      for (const match of found) if (!this.#take(match)) return false;
    }
    return true;
  }

  async #candidates(file: RunFile, from: number, to: number): Promise<Spans> {
    let left: Spans = [from, to];
    for (const keys of this.#request.filter.keys) {
      left = intersectSpans(left, await (await RunPostings.find(file, keys)).within(from, to));
    }
    return left;
  }

  async #read(file: RunFile, seq: number): Promise<Match> {
    const { trail } = this.#request;
    const held = await this.#sources.blocks.read(trail, await file.blockOf(seq), [seq]);
    const block = held.find(({ first, count }) => first <= seq && seq < first + count);
    if (block === undefined) {
      throw new SealtrailError('store_corrupt', `trail ${trail} holds other records in place of record ${seq}`);
    }
    return 'lines' in block ? matchOf(block, seq) : { seq, line: block.line(seq) };
  }

  /** @returns false if it is the last that there is room for */
  #take(match: Match): boolean {
    this.shown.set(match.seq, match);
    this.#covered(match.seq, match.seq + 1);
    if (this.#request.filter.accepts(match.line)) this.matches.push(match);
    return this.matches.length < this.#request.limit && this.shown.size < MAX_SHOWN;
  }

  #covered(from: number, to: number): void {
    if (this.#request.isDescending) this.from = from;
    else this.to = to;
  }
}

/** The next numbers, as many as are read together. Not `take`, which ends the rest. */
function nextOf(seqs: Iterator<number, void, void>): number[] {
  const some: number[] = [];
  while (some.length < AT_ONCE) {
    const next = seqs.next();
    if (next.done) break;
    some.push(next.value);
  }
  return some;
}
