import {
  readSliceParts,
  type SlicePart,
  type SliceRange,
  UNIT_MS,
  type Unit,
  unitsOf,
} from '../index/format/counts.ts';
import { classOf, type Run } from '../index/format/runs.ts';
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
export async function spanOf(
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
  const fromHour = Math.max(0, Math.ceil((from ?? 0) / UNIT_MS.hour));
  // There is nothing beyond the newest record, so its hour counts as whole if the period extends past it.
  const toHour = to === undefined || to >= end ? Math.ceil(end / UNIT_MS.hour) : Math.floor(to / UNIT_MS.hour);
  const lowHour = Math.min(high, Math.max(low, from === undefined ? 0 : await at(fromHour * UNIT_MS.hour)));
  const highHour = toHour * UNIT_MS.hour >= end ? high : Math.max(lowHour, await at(toHour * UNIT_MS.hour));
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

/**
 * The index's counts of the whole hours of a span, that is of the indexed records in `[lowHour, highHour)`, by whole days
 * where possible.
 *
 * @param byHour never by days
 */
export async function* readWholeHours(
  table: Table,
  trail: string,
  runs: readonly Run[],
  { fromHour, toHour }: Span,
  byHour = false,
): AsyncGenerator<{ readonly unit: Unit; readonly part: SlicePart }, void, void> {
  const byClass = Map.groupBy(runs, (run) => classOf(run.size));
  for (const [runClass, group] of byClass) {
    for (const range of rangesOf(fromHour, toHour, byHour ? ['hour'] : unitsOf(runClass))) {
      for await (const part of readSliceParts(table, trail, group, range)) yield { unit: range.unit, part };
    }
  }
}

/** The hours `[from, to)`, by whole days where possible and allowed. */
function rangesOf(from: number, to: number, units: readonly Unit[]): SliceRange[] {
  const [fromDay, toDay] = [Math.ceil(from / 24), Math.floor(to / 24)];
  if (!units.includes('day') || fromDay >= toDay) return [{ unit: 'hour', from, to }];
  return [
    { unit: 'hour', from, to: fromDay * 24 },
    { unit: 'day', from: fromDay, to: toDay },
    { unit: 'hour', from: toDay * 24, to },
  ];
}
