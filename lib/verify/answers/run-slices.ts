import { setImmediate as turn } from 'node:timers/promises';
import { eachLeaf, hashLeaf } from '../../index/format/leaf.ts';
import type { StatedRun } from '../../index/format/statement.ts';
import { RunContent } from '../../index/writer/collect.ts';
import { appendLeaves, EMPTY_FRONTIER, type Frontier, frontierRoot } from '../../log/frontier.ts';
import { type Hash, sameBytes, sha256 } from '../../log/hash.ts';

/** Records whose terms are in memory at a time, some 200 bytes for each: the terms of a longer run are taken in slices, by key. */
const SLICE_RECORDS = 262_144;
/** Leaves that are hashed before the event loop turns. */
const TURN = 2000;

/** How far the check of a run has come. */
export interface RunProgress {
  /** Slices that are done. */
  readonly slices: number;
  /** The tree over their leaves. */
  readonly frontier: Frontier;
}

/** Computes a slice of a run's tree from the run's records. Add all of them, in order, and then {@link end} it. */
export class RunSlice {
  readonly #run: StatedRun;
  readonly #done: RunProgress;
  readonly #content: RunContent;
  readonly #of: number;

  /**
   * @param done what {@link end} gave for the slice before. @default the first slice
   * @param records of which a slice has the terms, if keys are spread evenly; the same for every slice of a run
   */
  constructor(run: StatedRun, done: RunProgress = { slices: 0, frontier: EMPTY_FRONTIER }, records = SLICE_RECORDS) {
    this.#run = run;
    this.#done = done;
    this.#of = Math.max(1, Math.ceil(run.size / records));
    this.#content = new RunContent(run.first, { index: done.slices, of: this.#of });
  }

  add(block: Parameters<RunContent['add']>[0]): void {
    this.#content.add(block);
  }

  addRecord(...record: Parameters<RunContent['addRecord']>): void {
    this.#content.addRecord(...record);
  }

  /** @returns how far it is now; true or false once it is known whether the run is what its records make it */
  async end(): Promise<RunProgress | boolean> {
    if (this.#content.size !== this.#run.size) return false;
    const counts = sha256(this.#content.extras().counts);
    if (this.#done.slices === 0 && !sameBytes(counts, this.#run.counts)) return false;
    let { frontier } = this.#done;
    let hashes: Hash[] = [];
    for (const [key, spans] of this.#content.terms()) {
      eachLeaf(key, spans, this.#run.first, (leaf) => hashes.push(hashLeaf(leaf)));
      if (hashes.length < TURN) continue;
      ({ frontier } = appendLeaves(frontier, hashes));
      hashes = [];
      await turn();
    }
    ({ frontier } = appendLeaves(frontier, hashes));
    const slices = this.#done.slices + 1;
    if (slices < this.#of) return { slices, frontier };
    return frontier.size === this.#run.leaves && sameBytes(frontierRoot(frontier), this.#run.root);
  }
}
