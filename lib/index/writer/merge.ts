import { setImmediate as turn } from 'node:timers/promises';
import { type Leaf, spansOf } from '../format/leaf.ts';
import { CountsBuilder } from '../format/run-counts.ts';
import type { StoredRun } from '../format/run-layout.ts';
import { endOf } from '../format/runs.ts';
import { pushSpan } from '../format/spans.ts';
import { compareKeys, type TermKey } from '../format/term.ts';
import type { RunFile } from '../reader/run-file.ts';
import type { RunWriter } from './run-writer.ts';

/** Terms between yields to the event loop. */
const TURN = 2000;

/** Merges consecutive runs into a file, in bounded memory: a page of each, and their counts. */
export async function mergeRuns(parts: readonly RunFile[], writer: RunWriter): Promise<StoredRun> {
  const readers = parts.map((file) => new LeafReader(file));
  await Promise.all(readers.map((reader) => reader.next()));
  for (let terms = 1, key = leastKey(readers); key !== undefined; terms++, key = leastKey(readers)) {
    const spans: number[] = [];
    // Runs do not overlap, so in their order the numbers ascend.
    for (const reader of readers) while (reader.isAt(key)) if (!reader.take(spans)) await reader.next();
    if (writer.add(key, spans)) await writer.flush();
    if (terms % TURN === 0) await turn();
  }
  const counts = new CountsBuilder();
  const blocks: number[] = [];
  for (const file of parts) {
    counts.addRun(await file.counts());
    for (const block of await file.blocks()) blocks.push(block);
  }
  return writer.end({ counts: counts.encode(), blocks });
}

function leastKey(readers: readonly LeafReader[]): TermKey | undefined {
  let least: TermKey | undefined;
  for (const { leaf } of readers) {
    if (leaf !== undefined && (least === undefined || compareKeys(leaf.key, least) < 0)) least = leaf.key;
  }
  return least;
}

/** Reads the leaves of a run in order, some groups at a time. */
class LeafReader {
  readonly file: RunFile;
  /** The current leaf; undefined before the first and after the last. */
  leaf: Leaf | undefined;
  #leaves: readonly Leaf[] = [];
  #at = 0;
  #group = 0;

  constructor(file: RunFile) {
    this.file = file;
  }

  isAt(key: TermKey): boolean {
    return this.leaf !== undefined && compareKeys(this.leaf.key, key) === 0;
  }

  /** Adds the leaf's records, and steps to the next leaf that was read. @returns false if {@link next} must read more */
  take(into: number[]): boolean {
    const { run } = this.file;
    const spans = this.leaf === undefined ? [] : spansOf(this.leaf.body, run.first, endOf(run));
    for (let i = 0; i < spans.length; i += 2) pushSpan(into, spans[i] ?? 0, spans[i + 1] ?? 0);
    this.#at += 1;
    this.leaf = this.#leaves[this.#at];
    return this.leaf !== undefined;
  }

  /** Reads on from the end of what was read. */
  async next(): Promise<void> {
    const page = await this.file.pageOfGroup(this.#group);
    const groups = page.filter(({ number }) => number >= this.#group);
    const read = await this.file.leaves(groups);
    this.#group += groups.length;
    this.#leaves = read.flat();
    this.#at = 0;
    this.leaf = this.#leaves[0];
  }
}
