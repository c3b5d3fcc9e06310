import { CountsWriter } from '../../index/format/counts.ts';
import { INDEXER, type IndexState, moveTo, type Plan, startOver, stateOf } from '../../index/format/index-state.ts';
import { PostingsWriter } from '../../index/format/postings.ts';
import { mergedRun, nextMerge, type Run } from '../../index/format/runs.ts';
import { Batch } from '../../index/writer/batch.ts';
import { RunContent } from '../../index/writer/collect.ts';
import { mergedItems, removedItems } from '../../index/writer/merge.ts';
import type { ArchivedRecords } from '../../ledger/archived-records.ts';
import { readBlocks } from '../../ledger/blocks.ts';
import { readHead } from '../../ledger/commit.ts';
import { moveWatermark, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Table, Write } from '../../store/ports.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';

/** What an {@link Indexer} works with. */
export interface IndexerOptions {
  readonly table: Table;
  /** Where records are read that have left the hot store before they were indexed. @default they cannot be read */
  readonly archive?: ArchivedRecords;
  /**
   * Records that a run should have: it waits for so many, but no longer than `delayMs`. Queries scan what is not
   * indexed yet, so waiting costs them time and nothing else. @default 256
   */
  readonly minRecords?: number;
  /** Milliseconds that records may wait for more to be indexed with. @default 2,000 */
  readonly delayMs?: number;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** Records of a run, about: so many fit into memory and a few transactions. A run ends with a block. */
const MAX_RUN_RECORDS = 4096;

/** A step's outcome: where it got to, or that another process took over. */
type Stepped = Watermark | 'overtaken';

/**
 * Writes the query index: a run at a time, for the records since its watermark, and merges runs as they add up (see
 * `nextMerge`). What is in the index counts from the moment that the watermark says so; anything else under its keys
 * is on its way in or out and nobody looks at it. An index that other rules made is removed and written anew.
 */
export class Indexer implements Follower {
  readonly name = INDEXER;
  readonly #table: Table;
  readonly #archive: ArchivedRecords | undefined;
  readonly #minRecords: number;
  readonly #delayMs: number;
  readonly #now: () => number;
  /** Trails whose newest records wait for more: from which record on, and since when. */
  readonly #waiting = new Map<string, { readonly from: number; readonly since: number }>();

  constructor({ table, archive, minRecords = 256, delayMs = 2000, now = Date.now }: IndexerOptions) {
    this.#table = table;
    this.#archive = archive;
    this.#minRecords = minRecords;
    this.#delayMs = delayMs;
    this.#now = now;
  }

  /**
   * Indexes what is new, if there is enough of it or it has waited long enough, and merges what is to be merged.
   *
   * @throws the Table's errors; `store_corrupt` when the ledger or the index cannot be read
   */
  async run(trail: string, options: RunOptions = {}): Promise<void> {
    let mark = await readWatermark(this.#table, trail, INDEXER);
    for (let overtaken = 0; options.signal?.aborted !== true; ) {
      const stepped = await this.#step(mark, options);
      if (stepped === undefined) return;
      // Another process is at it: it does our work, unless it dies, and then a later run goes on.
      if (stepped === 'overtaken' && ++overtaken > 3) return;
      mark = stepped === 'overtaken' ? await readWatermark(this.#table, trail, INDEXER) : stepped;
    }
  }

  /** The rest of the time that new records wait for more. */
  revisit(trail: string): number | undefined {
    const waiting = this.#waiting.get(trail);
    return waiting === undefined ? undefined : Math.max(0, waiting.since + this.#delayMs - this.#now());
  }

  /** Does what is next; undefined when there is nothing to do. */
  async #step(mark: Watermark, { force = false }: RunOptions): Promise<Stepped | undefined> {
    const state = stateOf(mark);
    if (state.isOutdated) return (await moveWatermark(this.#table, mark, startOver(state))) ?? 'overtaken';
    const { plan } = state;
    if (plan?.step === 'remove') return this.#remove(mark, state, plan.runs);
    if (plan?.step === 'merge') return this.#merge(mark, state, plan.start, plan.end);
    if (plan?.step === 'index') return this.#index(mark, state, plan.end);
    const merge = nextMerge(state.runs);
    if (merge !== undefined) return this.#merge(mark, state, merge.start, merge.end);
    const head = await readHead(this.#table, mark.trail);
    return this.#isReady(mark, head.size, force) ? this.#index(mark, state) : undefined;
  }

  #isReady({ trail, size }: Watermark, head: number, force: boolean): boolean {
    if (head <= size) {
      this.#waiting.delete(trail);
      return false;
    }
    const seen = this.#waiting.get(trail);
    const since = seen?.from === size ? seen.since : this.#now();
    const isReady = force || head - size >= this.#minRecords || this.#now() - since >= this.#delayMs;
    if (isReady) this.#waiting.delete(trail);
    else this.#waiting.set(trail, { from: size, since });
    return isReady;
  }

  /** Writes the run from the watermark to before record `plannedEnd`, or as many records as a run should have. */
  async #index(mark: Watermark, state: IndexState, plannedEnd?: number): Promise<Stepped> {
    const { trail, size: first } = mark;
    const content = new RunContent(first);
    const range = { from: first, to: plannedEnd ?? Number.MAX_SAFE_INTEGER };
    for await (const block of readBlocks(this.#table, trail, range, this.#archive)) {
      content.add(block);
      if (plannedEnd === undefined && content.size >= MAX_RUN_RECORDS) break;
    }
    const end = first + content.size;
    if (plannedEnd !== undefined && end !== plannedEnd) {
      throw new SealtrailError('store_corrupt', `the indexer planned to reach record ${plannedEnd} of trail ${trail}`);
    }
    const run = { first, size: content.size };
    const batch = this.#batch(mark, state, { step: 'index', end });
    for (const writes of itemsOf(trail, run, content)) if (!(await batch.add(writes))) return 'overtaken';
    return (await batch.commit(moveTo(end, { runs: [...state.runs, run] }))) ?? 'overtaken';
  }

  async #merge(mark: Watermark, state: IndexState, start: number, end: number): Promise<Stepped> {
    const parts = state.runs.slice(start, end);
    const merged = mergedRun(parts);
    const batch = this.#batch(mark, state, { step: 'merge', start, end });
    try {
      for await (const writes of mergedItems(this.#table, mark.trail, parts, merged)) {
        if (!(await batch.add(writes))) return 'overtaken';
      }
    } catch (error) {
      // Another process may have finished the merge and be removing the parts under our eyes.
      const { revision } = await readWatermark(this.#table, mark.trail, INDEXER);
      if (batch.isOvertaken(revision)) return 'overtaken';
      throw error;
    }
    const runs = [...state.runs.slice(0, start), merged, ...state.runs.slice(end)];
    const plan: Plan = { step: 'remove', runs: parts };
    return (await batch.commit(moveTo(mark.size, { runs, plan }))) ?? 'overtaken';
  }

  async #remove(mark: Watermark, state: IndexState, runs: readonly Run[]): Promise<Stepped> {
    const batch = new Batch(this.#table, mark, moveTo(mark.size, state), true);
    for await (const writes of removedItems(this.#table, mark.trail, runs)) {
      if (!(await batch.add(writes))) return 'overtaken';
    }
    return (await batch.commit(moveTo(mark.size, { runs: state.runs }))) ?? 'overtaken';
  }

  #batch(mark: Watermark, state: IndexState, plan: Plan): Batch {
    return new Batch(this.#table, mark, moveTo(mark.size, { ...state, plan }), state.plan !== undefined);
  }
}

function* itemsOf(trail: string, run: Run, content: RunContent): Generator<Write[], void, void> {
  const postings = new PostingsWriter(trail, run);
  for (const entry of content.postings()) yield postings.add(entry);
  yield postings.end();
  const counts = new CountsWriter(trail, run);
  for (const hour of content.hours()) yield counts.add(hour);
  yield counts.end();
}
