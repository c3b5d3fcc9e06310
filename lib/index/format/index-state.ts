import { INDEXER, type Move, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import { SealtrailError } from '../../log/error.ts';
import { HASH_BYTES, type Hash } from '../../log/hash.ts';
import type { Attribute, Table } from '../../store/ports.ts';
import { INDEX_FORM } from './index-rules.ts';
import { NAME_BYTES, runKey, type StoredRun } from './run-layout.ts';
import { endOf } from './runs.ts';
import { VarintReader, VarintWriter } from './varint.ts';

/** A file that is no longer part of the index. Readers that began earlier may still need it. */
export interface Superseded {
  readonly key: string;
  /** When it may be removed, Unix milliseconds. */
  readonly at: number;
}

/** The indexer's state beside its watermark. */
export interface IndexState {
  /** The runs that make up the index, in order, from record 0 to the watermark. */
  readonly runs: readonly StoredRun[];
  readonly superseded: readonly Superseded[];
  /** The record of the trail `_index` that states these runs; undefined if there is none. */
  readonly record?: number;
  /** True if rows of the index of earlier versions are left in the Table. */
  readonly hasRows: boolean;
  /** True if the runs were written under other rules (see {@link INDEX_FORM}) and must be replaced, not read. */
  readonly isOutdated: boolean;
}

/** The index of a trail as queries see it: empty while it is outdated, so that they scan the records instead. */
export interface IndexSnapshot {
  /** The number of changes so far: reads at the same revision agree. */
  readonly revision: number;
  /** Records 0 to `size - 1` are indexed. */
  readonly size: number;
  readonly runs: readonly StoredRun[];
  readonly record?: number;
}

/** An index without runs. */
export const NO_INDEX: IndexSnapshot = { revision: 0, size: 0, runs: [] };

/** Reads the list of runs that currently make up a trail's index. @throws `store_corrupt` */
export async function readIndexSnapshot(table: Table, trail: string): Promise<IndexSnapshot> {
  const mark = await readWatermark(table, trail, INDEXER);
  const { runs, record, isOutdated } = stateOf(mark);
  const { revision, size } = mark;
  if (isOutdated) return { revision, size: 0, runs: [] };
  return record === undefined ? { revision, size, runs } : { revision, size, runs, record };
}

/** A move of the watermark, with the state stored beside it. */
export function moveTo(size: number, { runs, superseded, record, hasRows }: Omit<IndexState, 'isOutdated'>): Move {
  const state = {
    rules: INDEX_FORM,
    files: encodeRuns(runs),
    ...(superseded.length > 0 && { superseded: JSON.stringify(superseded.map(({ key, at }) => [key, at])) }),
    ...(record !== undefined && { record }),
    ...(hasRows && { rows: 1 }),
  };
  return { size, state };
}

/** The move that starts an index from nothing. Its files are removed once no reader needs them. */
export function startOver(trail: string, { runs, superseded, hasRows }: IndexState, at: number): Move {
  const all = [...superseded, ...runs.map((run) => ({ key: runKey(trail, run), at }))];
  return { ...moveTo(0, { runs: [], superseded: all, hasRows }), restart: true };
}

/** The state stored in a watermark of the indexer. @throws `store_corrupt` */
export function stateOf(mark: Watermark): IndexState {
  if (mark.revision === 0) return { runs: [], superseded: [], hasRows: false, isOutdated: false };
  const { rules, files, superseded, record, rows } = mark.state;
  // Versions without files kept rows in the Table.
  if (files === undefined) return { runs: [], superseded: [], hasRows: true, isOutdated: true };
  if (!(files instanceof Uint8Array)) throw corrupt(mark.trail);
  const others = { superseded: supersededOf(mark, superseded), hasRows: rows === 1 };
  if (rules !== INDEX_FORM) return { ...others, runs: outdatedRuns(mark, files), isOutdated: true };
  const runs = decodeRuns(mark, files);
  return { ...others, runs, isOutdated: false, ...(typeof record === 'number' && { record }) };
}

function encodeRuns(runs: readonly StoredRun[]): Uint8Array {
  const writer = new VarintWriter();
  for (const run of runs) {
    for (const number of [run.size, run.leaves, run.bytes, run.headerBytes, run.hintBytes]) writer.put(number);
    writer.putBytes(Buffer.from(run.name, 'hex'));
    writer.putBytes(run.root);
    writer.putBytes(run.counts);
    writer.putBytes(run.header);
  }
  return writer.bytes();
}

function decodeRuns(mark: Watermark, bytes: Uint8Array): StoredRun[] {
  const runs: StoredRun[] = [];
  const reader = new VarintReader(bytes);
  let first = 0;
  try {
    while (!reader.isAtEnd) {
      const numbers = { size: reader.next(), leaves: reader.next(), bytes: reader.next() };
      const parts = { headerBytes: reader.next(), hintBytes: reader.next() };
      const name = Buffer.from(reader.take(NAME_BYTES)).toString('hex');
      const hash = (): Hash => Uint8Array.prototype.slice.call(reader.take(HASH_BYTES));
      const run = { first, ...numbers, ...parts, name, root: hash(), counts: hash(), header: hash() };
      runs.push(run);
      first = endOf(run);
    }
  } catch (cause) {
    throw corrupt(mark.trail, cause);
  }
  if (first !== mark.size) throw corrupt(mark.trail);
  return runs;
}

/** The runs that other rules made, as far as this version can tell: their files are removed. */
function outdatedRuns(mark: Watermark, bytes: Uint8Array): StoredRun[] {
  try {
    return decodeRuns(mark, bytes);
  } catch {
    return []; // what is left of them is found among the files
  }
}

function supersededOf(mark: Watermark, stored: Attribute | undefined): Superseded[] {
  if (stored === undefined) return [];
  try {
    const pairs: [string, number][] = JSON.parse(String(stored)); // written by moveTo, unless the store is damaged
    return pairs.map(([key, at]) => ({ key, at }));
  } catch (cause) {
    throw corrupt(mark.trail, cause);
  }
}

const corrupt = (trail: string, cause?: unknown): SealtrailError =>
  new SealtrailError('store_corrupt', `the state of the indexer of trail ${trail} is not readable`, { cause });
