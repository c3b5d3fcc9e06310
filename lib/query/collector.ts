import type { IndexSnapshot } from '../index/format/index-state.ts';
import type { StoredRun } from '../index/format/run-layout.ts';
import { endOf } from '../index/format/runs.ts';
import { intersectSpans, numbersOf, type Spans } from '../index/format/spans.ts';
import { ProofSize } from '../index/reader/proof-size.ts';
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

/** A question to the records `[low, high)`. */
export interface AnswerRequest {
  readonly trail: string;
  readonly filter: RecordFilter;
  readonly isDescending: boolean;
  readonly limit: number;
  readonly low: number;
  readonly high: number;
  /** The size of the tree that records are proven to be in. */
  readonly size: number;
  /** True if the asker has the records of the answer, so that only others are shown. @default false */
  readonly hasMatches?: boolean;
}

/** Most records that one proof shows: what does not pass is shown too, where the index does not rule it out. */
const MAX_SHOWN = 1000;
/** Most characters of their lines, to within a record. */
const MAX_CHARACTERS = 4_000_000;
/** Records that are read together, and runs that are looked at ahead. */
const RECORDS_AT_ONCE = 32;
const RUNS_AHEAD = 8;
/** Records of a run that are looked at first where its lists are long, and at least. */
const FIRST_WINDOW = 4096;
const MIN_WINDOW = 256;

/**
 * Collects the records of an answer, and those that may have been, from one end of a range on, until the answer, what is shown or the
 * proof is full. At any time every record of `[from, to)` that may pass is in `shown`.
 */
export class Collector {
  readonly matches: Match[] = [];
  readonly shown = new Map<number, Match>();
  from: number;
  to: number;
  readonly #sources: RecordSources;
  readonly #request: AnswerRequest;
  readonly #proof: ProofSize;
  #characters = 0;

  constructor(sources: RecordSources, request: AnswerRequest) {
    this.#sources = sources;
    this.#request = request;
    this.#proof = new ProofSize(request.size, request.limit);
    this.from = request.isDescending ? request.high : request.low;
    this.to = this.from;
  }

  /** @param index what may be used of it: its runs tell which records may pass */
  async collect({ runs, size }: Pick<IndexSnapshot, 'runs' | 'size'>): Promise<void> {
    const { low, high, isDescending, filter } = this.#request;
    const edge = filter.isIndexed ? Math.min(Math.max(size, low), high) : low;
    const indexed = runs.filter((run) => run.first < edge && endOf(run) > low);
    const tail = () => (edge < high ? this.#tail(edge, high) : true);
    if (isDescending && !(await tail())) return;
    if (isDescending) this.#covered(edge, high);
    if (!(await this.#indexed(isDescending ? indexed.reverse() : indexed, edge)) || isDescending) return;
    if (await tail()) this.#covered(edge, high);
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

  async #indexed(runs: readonly StoredRun[], edge: number): Promise<boolean> {
    const { low, filter } = this.#request;
    const lookUp = (run: StoredRun) => {
      const found = this.#lookUp(run);
      found.catch(() => undefined); // what goes wrong shows when it is needed
      return found;
    };
    const ahead = runs.slice(0, RUNS_AHEAD).map(lookUp);
    for (const [n, run] of runs.entries()) {
      const [from, to] = [Math.max(run.first, low), Math.min(endOf(run), edge)];
      if (!this.#proof.addRun(run.leaves, filter.keys.flat().length, this.from < this.to)) return false;
      const next = runs[n + RUNS_AHEAD];
      if (next !== undefined) ahead.push(lookUp(next));
      const { file, filters } = (await ahead[n]) ?? (await this.#lookUp(run));
      if (!(await this.#run(file, filters, from, to))) return false;
      this.#covered(from, to);
    }
    return true;
  }

  async #lookUp(run: StoredRun) {
    const file = this.#sources.runs.open(this.#request.trail, run);
    return { file, filters: await Promise.all(this.#request.filter.keys.map((keys) => RunPostings.find(file, keys))) };
  }

  /** Goes through a run in windows, as wide as the proof has room for. */
  async #run(file: RunFile, filters: readonly RunPostings[], from: number, to: number): Promise<boolean> {
    const { isDescending } = this.#request;
    let width = filters.every((one) => one.unread(from, to) === 0) ? to - from : FIRST_WINDOW;
    for (let [low, high] = [from, to]; low < high; ) {
      const window = isDescending
        ? ([Math.max(low, high - width), high] as const)
        : ([low, Math.min(high, low + width)] as const);
      const lists = await Promise.all(filters.map((one) => one.within(...window)));
      if (!this.#proof.hasRoomFor(lists, window)) {
        if (width > MIN_WINDOW) {
          width = Math.max(MIN_WINDOW, Math.floor(width / 4));
          continue;
        }
        if (this.from < this.to) return false;
      }
      this.#proof.add(lists, window);
      const left = lists.reduce<Spans>((both, list) => intersectSpans(both, list), [...window]);
      if (!(await this.#look(file, left))) return false;
      this.#covered(...window);
      if (isDescending) high = window[0];
      else low = window[1];
      width *= 4;
    }
    return true;
  }

  async #look(file: RunFile, candidates: Spans): Promise<boolean> {
    const seqs = numbersOf(candidates, this.#request.isDescending);
    for (let some = nextOf(seqs); some.length > 0; some = nextOf(seqs)) {
      const found = await Promise.all(some.map((seq) => this.#read(file, seq)));
      for (const match of found) if (!this.#take(match)) return false;
    }
    return true;
  }

  async #read(file: RunFile, seq: number): Promise<Match> {
    const { trail } = this.#request;
    const held = await this.#sources.blocks.read(trail, await file.findBlock(seq), [seq]);
    const block = held.find(({ first, count }) => first <= seq && seq < first + count);
    if (block === undefined) {
      throw new SealtrailError('store_corrupt', `trail ${trail} holds other records in place of record ${seq}`);
    }
    return 'lines' in block ? matchOf(block, seq) : { seq, line: block.line(seq) };
  }

  /** @returns false if it is the last that there is room for */
  #take(match: Match): boolean {
    this.#covered(match.seq, match.seq + 1);
    const { filter, limit, hasMatches = false } = this.#request;
    const isMatch = filter.accepts(match.line);
    if (isMatch) this.matches.push(match);
    if (!isMatch || !hasMatches) {
      this.shown.set(match.seq, match);
      this.#characters += match.line.length;
      this.#proof.addRecord(match.seq);
    }
    const hasRoom = this.shown.size < MAX_SHOWN && this.#characters < MAX_CHARACTERS && !this.#proof.isFull;
    return this.matches.length < limit && hasRoom;
  }

  #covered(from: number, to: number): void {
    if (this.#request.isDescending) this.from = from;
    else this.to = to;
  }
}

/** The next numbers, as many as are read together. Not `take`, which ends the rest. */
function nextOf(seqs: Iterator<number, void, void>): number[] {
  const some: number[] = [];
  while (some.length < RECORDS_AT_ONCE) {
    const next = seqs.next();
    if (next.done) break;
    some.push(next.value);
  }
  return some;
}
