import { HOUR_MS } from '../index/format/run-counts.ts';
import type { ArchivedRecords } from '../ledger/archived-records.ts';
import { readBlocks } from '../ledger/blocks.ts';
import type { Table } from '../store/ports.ts';
import type { Period } from './query.ts';
import { seqAt, type TrailEnd } from './times.ts';

/** A period, measured in records, hours and milliseconds. */
export interface Span {
  /** The records `[low, high)`. */
  readonly low: number;
  readonly high: number;
  /** The whole hours within the period, `[fromHour, toHour)`, counted from 1970. */
  readonly fromHour: number;
  readonly toHour: number;
  /** The records of those hours, `[lowHour, highHour)`. */
  readonly lowHour: number;
  readonly highHour: number;
  /** Milliseconds from the first moment to the last. */
  readonly milliseconds: number;
}

/** @throws as `seqAt` */
export async function readSpan(
  table: Table,
  trail: string,
  head: TrailEnd,
  { from, to }: Period,
  archive: ArchivedRecords | undefined,
): Promise<Span> {
  const at = (time: number) => seqAt(table, trail, head, time, archive);
  const end = head.receivedAt + 1;
  const low = from === undefined ? 0 : await at(from);
  const high = Math.max(low, to === undefined ? head.size : await at(to));
  const fromHour = Math.max(0, Math.ceil((from ?? 0) / HOUR_MS));
  // There is nothing beyond the newest record, so its hour counts as whole if the period extends past it.
  const toHour = to === undefined || to >= end ? Math.ceil(end / HOUR_MS) : Math.floor(to / HOUR_MS);
  const lowHour = Math.min(high, Math.max(low, from === undefined ? 0 : await at(fromHour * HOUR_MS)));
  const highHour = toHour * HOUR_MS >= end ? high : Math.max(lowHour, await at(toHour * HOUR_MS));
  const first = from ?? (await firstTime(table, trail, head, archive));
  return {
    low,
    high,
    fromHour,
    toHour,
    lowHour,
    highHour,
    milliseconds: Math.max(0, Math.min(to ?? end, end) - first),
  };
}

async function firstTime(
  table: Table,
  trail: string,
  head: TrailEnd,
  archive: ArchivedRecords | undefined,
): Promise<number> {
  if (head.size === 0) return 0;
  for await (const block of readBlocks(table, trail, { from: 0, to: 1 }, archive)) return block.receivedAt;
  return 0;
}
