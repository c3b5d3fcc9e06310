import { countsPartition, longPostingsPartition, postingsPartition } from '../../ledger/items/layout.ts';
import type { Item, Table, Write } from '../../store/ports.ts';
import { CountsWriter, mergeSlices, readSlices, runOfSlice, unitsOf } from '../format/counts.ts';
import { type Postings, PostingsWriter, runOfPart, runOfPiece, storedPostings } from '../format/postings.ts';
import { classOf, type Run } from '../format/runs.ts';

/** Beyond any hour that a time in milliseconds can name. */
const END_OF_TIME = 9_999_999_999;

/** The writes that make the items of `target` from those of the merged runs. Holds only a small part in memory. */
export async function* mergedItems(
  table: Table,
  trail: string,
  parts: readonly Run[],
  target: Run,
): AsyncGenerator<Write[], void, void> {
  const groups = byClass(parts);
  const postings = new PostingsWriter(trail, target);
  for await (const entry of mergePostings(groups.map((runs) => storedPostings(table, trail, runs)))) {
    yield postings.add(entry);
  }
  yield postings.end();
  const counts = new CountsWriter(trail, target);
  const hours = { unit: 'hour', from: 0, to: END_OF_TIME } as const;
  for await (const hour of mergeSlices(groups.map((runs) => readSlices(table, trail, runs, hours)))) {
    yield counts.add(hour);
  }
  yield counts.end();
}

/** The writes that remove all items of runs. */
export async function* removedItems(
  table: Table,
  trail: string,
  runs: readonly Run[],
): AsyncGenerator<Write[], void, void> {
  for (const group of byClass(runs)) {
    const firsts = new Set(group.map((run) => run.first));
    const runClass = classOf(group[0]?.size ?? 0);
    const partitions: [string, (item: Item) => number][] = [
      [postingsPartition(trail, runClass), runOfPiece],
      [longPostingsPartition(trail, runClass), runOfPart],
    ];
    for (const unit of unitsOf(runClass)) partitions.push([countsPartition(trail, runClass, unit), runOfSlice]);
    for (const [partition, runOf] of partitions) {
      for await (const item of table.query({ partition })) {
        if (firsts.has(runOf(item))) yield [{ remove: { partition, sort: item.sort } }];
      }
    }
  }
}

function byClass(runs: readonly Run[]): Run[][] {
  const groups = new Map<number, Run[]>();
  for (const run of runs) {
    const group = groups.get(classOf(run.size));
    if (group === undefined) groups.set(classOf(run.size), [run]);
    else group.push(run);
  }
  return [...groups.values()];
}

/** Merges several readers, each fingerprint once. Each reader must be in ascending order of fingerprints. */
async function* mergePostings(readers: readonly AsyncIterator<Postings>[]): AsyncGenerator<Postings, void, void> {
  const heads = await Promise.all(readers.map((reader) => reader.next()));
  for (;;) {
    let fingerprint = Number.POSITIVE_INFINITY;
    for (const head of heads) if (!head.done) fingerprint = Math.min(fingerprint, head.value.fingerprint);
    if (fingerprint === Number.POSITIVE_INFINITY) return;
    const lists: (readonly number[])[] = [];
    for (const [index, reader] of readers.entries()) {
      const head = heads[index];
      if (head === undefined || head.done || head.value.fingerprint !== fingerprint) continue;
      lists.push(head.value.seqs);
      heads[index] = await reader.next();
    }
    yield { fingerprint, seqs: inSequence(lists) };
  }
}

/** Runs do not overlap, but those of one class may lie on both sides of another's. */
function inSequence(lists: readonly (readonly number[])[]): readonly number[] {
  const [only] = lists;
  if (lists.length === 1 && only !== undefined) return only;
  const seqs: number[] = [];
  for (const list of lists) for (const seq of list) seqs.push(seq);
  for (let i = 1; i < seqs.length; i++) {
    if ((seqs[i] ?? 0) <= (seqs[i - 1] ?? 0)) return seqs.sort((a, b) => a - b);
  }
  return seqs;
}
