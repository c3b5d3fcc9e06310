import { INDEX_TRAIL } from '../../contract/system-trails.ts';
import { type IndexState, moveTo, startOver, stateOf } from '../../index/format/index-state.ts';
import { rangeOfKey, runKey, type StoredRun } from '../../index/format/run-layout.ts';
import { endOf, mergedRun, nextMerge } from '../../index/format/runs.ts';
import { RunFiles, RunGone } from '../../index/reader/run-file.ts';
import { RunContent } from '../../index/writer/collect.ts';
import { removeEarlierRows } from '../../index/writer/earlier-rows.ts';
import { writeMerged, writeRun } from '../../index/writer/run-files.ts';
import type { ArchivedRecords } from '../../ledger/archived-records.ts';
import { readBlocks } from '../../ledger/blocks.ts';
import { readHead } from '../../ledger/commit.ts';
import { INDEXER, moveWatermark, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Files, Table } from '../../store/ports.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';
import { recordRun } from './index-records.ts';

/** The dependencies of {@link Indexer}. */
export interface IndexerOptions {
  readonly table: Table;
  /** Where runs are kept. */
  readonly files: Files;
  /** States each run in the trail `_index`. @default nothing states them, and answers have no proofs */
  readonly ledger?: Pick<Ledger, 'append'>;
  /** Where records are read that have left the hot store before they were indexed. @default they cannot be read */
  readonly archive?: ArchivedRecords;
  /**
   * Records that a run should have: it waits for so many, but no longer than `delayMs`. Queries scan what is not
   * indexed yet, so waiting costs them time and nothing else. @default 1,024
   */
  readonly minRecords?: number;
  /** Records of a new run, about: they are collected in memory, some 200 bytes for each. A run ends with a block. @default 262,144 */
  readonly maxRecords?: number;
  /** Milliseconds that records may wait for more to be indexed with. @default 60,000 */
  readonly delayMs?: number;
  /** True if records wait even where a visit would do everything at once. @default false */
  readonly isPatient?: boolean;
  /** Milliseconds that files stay after they were superseded: longer than any query runs. @default 1,800,000 */
  readonly graceMs?: number;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

const DEFAULTS = {
  ...{ minRecords: 1024, maxRecords: 262_144, delayMs: 60_000 },
  ...{ isPatient: false, graceMs: 1_800_000, now: () => Date.now() },
};
/** Records of a run of `_index` itself: each run makes a record there, so that fewer would beget ever more. */
const MIN_INDEX_RECORDS = 4096;

/** A step's outcome: where it got to, or that another process took over. */
type Stepped = Watermark | 'overtaken';

/**
 * Writes the query index: a run at a time, for the records since its watermark, and merges runs as they add up (see
 * `nextMerge`). Each run is a file that never changes. It is stated in `_index` and then counts from the moment that the watermark
 * says so. Whatever else lies among the files is on its way in or out, or was left by a crash, and is removed in time.
 * An index that other rules made, or whose files are gone, is written anew.
 */
export class Indexer implements Follower {
  readonly name = INDEXER;
  readonly #options: Required<Omit<IndexerOptions, 'ledger' | 'archive'>> & IndexerOptions;
  readonly #readers: RunFiles;
  /** Trails whose newest records wait for more: from which record on, and since when. */
  readonly #waiting = new Map<string, { readonly from: number; readonly since: number }>();
  /** When superseded files of a trail may be removed. */
  readonly #cleaning = new Map<string, number>();
  /** Trails whose files this process has looked through. */
  readonly #seen = new Set<string>();

  constructor(options: IndexerOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.#readers = new RunFiles(options.files);
  }

  /**
   * Indexes new records, if there are enough or they have waited long enough, and merges runs that are due.
   *
   * @throws the stores' errors; `store_corrupt` when the ledger or the index cannot be read: then the index is written anew
   */
  async run(trail: string, options: RunOptions = {}): Promise<void> {
    try {
      await this.#follow(trail, options);
    } catch (error) {
      // A process that ends takes no records any more, not even those of its own index: the next one begins that run anew.
      const isEnding = options.signal?.aborted && error instanceof SealtrailError && error.code === 'unavailable';
      if (!isEnding) throw error;
    }
  }

  async #follow(trail: string, options: RunOptions): Promise<void> {
    let mark = await readWatermark(this.#options.table, trail, INDEXER);
    for (let overtaken = 0; options.signal?.aborted !== true; ) {
      const stepped = await this.#step(mark, options);
      if (stepped === undefined) return;
      // Another process is at it: it does our work, unless it dies, and then a later run goes on.
      if (stepped === 'overtaken' && ++overtaken > 3) return;
      mark = stepped === 'overtaken' ? await readWatermark(this.#options.table, trail, INDEXER) : stepped;
    }
  }

  /** The rest of the time that new records wait for more, or superseded files for their removal. */
  revisit(trail: string): number | undefined {
    const { delayMs, now } = this.#options;
    const waiting = this.#waiting.get(trail);
    const times = [waiting === undefined ? undefined : waiting.since + delayMs, this.#cleaning.get(trail)];
    const next = Math.min(...times.filter((time) => time !== undefined));
    return next === Number.POSITIVE_INFINITY ? undefined : Math.max(0, next - now());
  }

  /** Does what is next; undefined when there is nothing to do. */
  async #step(mark: Watermark, { force = false }: RunOptions): Promise<Stepped | undefined> {
    const { trail, size } = mark;
    const state = stateOf(mark);
    if (state.isOutdated || (await this.#lacksFiles(mark, state))) return this.#startOver(mark, state);
    const merge = nextMerge(state.runs);
    if (merge !== undefined) return this.#merge(mark, state, merge.start, merge.end);
    const head = await readHead(this.#options.table, trail);
    if (await this.#isReady(mark, head.size, force)) return this.#index(mark, state, head.size);
    const due = state.superseded.filter(({ at }) => at <= this.#options.now());
    if (due.length > 0) return this.#clean(mark, state);
    if (state.hasRows && !(await removeEarlierRows(this.#options.table, trail))) {
      return this.#moved(mark, size, { ...state, hasRows: false });
    }
    this.#noteCleaning(trail, state);
    return state.hasRows ? mark : undefined;
  }

  async #isReady({ trail, size }: Watermark, head: number, force: boolean): Promise<boolean> {
    if (head <= size) {
      this.#waiting.delete(trail);
      return false;
    }
    if (trail === INDEX_TRAIL) return head - size >= MIN_INDEX_RECORDS;
    const { minRecords, delayMs, isPatient, now } = this.#options;
    if ((force && !isPatient) || head - size >= minRecords) {
      this.#waiting.delete(trail);
      return true;
    }
    const seen = this.#waiting.get(trail);
    const since = seen?.from === size ? seen.since : await this.#receivedAt(trail, size);
    const isReady = now() - since >= delayMs;
    if (isReady) this.#waiting.delete(trail);
    else this.#waiting.set(trail, { from: size, since });
    return isReady;
  }

  /** When a record was received: another process may have seen it wait. */
  async #receivedAt(trail: string, seq: number): Promise<number> {
    const { table, archive, now } = this.#options;
    for await (const { receivedAt } of readBlocks(table, trail, { from: seq, to: seq + 1 }, archive)) return receivedAt;
    return now();
  }

  /** Writes the run from the watermark on. */
  async #index(mark: Watermark, state: IndexState, head: number): Promise<Stepped> {
    const { table, files, archive, maxRecords } = this.#options;
    const { trail, size: first } = mark;
    const content = new RunContent(first);
    for await (const block of readBlocks(table, trail, { from: first, to: head }, archive)) {
      content.add(block);
      if (content.size >= maxRecords) break;
    }
    const run = await writeRun(files, trail, { first, size: content.size }, content);
    return this.#adopt(mark, state, run, [...state.runs, run], []);
  }

  async #merge(mark: Watermark, state: IndexState, start: number, end: number): Promise<Stepped> {
    const { table, files } = this.#options;
    const { trail } = mark;
    const parts = state.runs.slice(start, end);
    try {
      const merged = await writeMerged(files, this.#readers, trail, parts);
      const runs = [...state.runs.slice(0, start), merged, ...state.runs.slice(end)];
      return this.#adopt(mark, state, merged, runs, parts);
    } catch (error) {
      const isDamaged = error instanceof RunGone || (error instanceof SealtrailError && error.code === 'store_corrupt');
      // Another process may have finished the merge long ago, and the parts are gone.
      const { revision } = await readWatermark(table, trail, INDEXER);
      if (isDamaged && revision !== mark.revision) return 'overtaken';
      if (isDamaged) await this.#startOver(mark, state);
      throw error instanceof RunGone ? new SealtrailError('store_corrupt', error.message, { cause: error }) : error;
    }
  }

  /** States a run and makes it part of the index, in place of others. Its file goes if another process was faster. */
  async #adopt(
    mark: Watermark,
    { superseded, hasRows }: IndexState,
    run: StoredRun,
    runs: readonly StoredRun[],
    parts: readonly StoredRun[],
  ): Promise<Stepped> {
    const { ledger, graceMs, now } = this.#options;
    const { trail } = mark;
    const record = ledger && (await recordRun(ledger, trail, run, runs));
    const at = now() + graceMs;
    const gone = [...superseded, ...parts.map((part) => ({ key: runKey(trail, part), at }))];
    const state = { runs, superseded: gone, hasRows, ...(record !== undefined && { record }) };
    const moved = await this.#moved(mark, Math.max(mark.size, endOf(run)), state);
    if (moved === 'overtaken') await this.#discard(trail, run);
    return moved;
  }

  /** Removes the file of a run, unless it became part of the index after all: a transaction that was retried may seem to fail. */
  async #discard(trail: string, { name, ...run }: StoredRun): Promise<void> {
    const { runs } = stateOf(await readWatermark(this.#options.table, trail, INDEXER));
    if (!runs.some((other) => other.name === name)) await this.#options.files.remove(runKey(trail, { ...run, name }));
  }

  /** Removes superseded files that no reader needs any more. */
  async #clean(mark: Watermark, state: IndexState): Promise<Stepped> {
    const { files, now } = this.#options;
    const { size } = mark;
    const left = state.superseded.filter(({ at }) => at > now());
    for (const { key, at } of state.superseded) if (at <= now()) await files.remove(key);
    return this.#moved(mark, size, { ...state, superseded: left });
  }

  async #startOver(mark: Watermark, state: IndexState): Promise<Stepped> {
    const { table, graceMs, now } = this.#options;
    const move = startOver(mark.trail, state, now() + graceMs);
    return (await moveWatermark(table, mark, move)) ?? 'overtaken';
  }

  async #moved(mark: Watermark, size: number, state: Omit<IndexState, 'isOutdated'>): Promise<Stepped> {
    return (await moveWatermark(this.#options.table, mark, moveTo(size, state))) ?? 'overtaken';
  }

  /**
   * True if a file of the index is gone: looked up once in the life of a process, so that removing the files rebuilds the index.
   * Removes what a crash has left.
   */
  async #lacksFiles({ trail, size, revision }: Watermark, { runs, superseded }: IndexState): Promise<boolean> {
    if (this.#seen.has(trail)) return false;
    const { table, files } = this.#options;
    const listed = await Array.fromAsync(files.list(`${trail}/`), ({ key }) => key);
    // What was listed is held against what was the index at that time, or another process's new files would seem left over.
    if ((await readWatermark(table, trail, INDEXER)).revision !== revision) return false;
    const missing = new Set(runs.map((run) => runKey(trail, run)));
    const waiting = new Set(superseded.map(({ key }) => key));
    for (const key of listed) {
      if (missing.delete(key) || waiting.has(key) || !isLeftOver(key, runs, size)) continue;
      await files.remove(key);
    }
    this.#seen.add(trail);
    return missing.size > 0;
  }

  #noteCleaning(trail: string, { superseded }: IndexState): void {
    if (superseded.length === 0) this.#cleaning.delete(trail);
    else this.#cleaning.set(trail, Math.min(...superseded.map(({ at }) => at)));
  }
}

/** True if a file can never become part of the index: neither a new run nor the next merge may be at it. */
function isLeftOver(key: string, runs: readonly StoredRun[], size: number): boolean {
  const range = rangeOfKey(key);
  if (range === undefined) return true;
  const merge = nextMerge(runs);
  const next = merge && mergedRun(runs.slice(merge.start, merge.end));
  return range.from < size && !(next?.first === range.from && endOf(next) === range.to);
}
