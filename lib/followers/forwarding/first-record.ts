import type { Ledger } from '../../ledger/ledger.ts';
import { parseRecord } from '../../log/record.ts';
import { momentIn } from '../../question/moments.ts';

/**
 * The record number that forwarding begins with; undefined for a trail without records. Times of receipt never decrease along a
 * trail, so the first record of a period is found by halving.
 *
 * @param from a record number, or an absolute time
 */
export async function firstOf(
  ledger: Pick<Ledger, 'head' | 'record'>,
  trail: string,
  from: number | string,
): Promise<number | undefined> {
  const size = (await ledger.head(trail))?.size;
  if (size === undefined) return undefined;
  // Of a trail that is shorter, records before the number are skipped as they come.
  if (typeof from === 'number') return from;
  const time = momentIn(from, { now: 0 }) ?? 0;
  let [low, high] = [0, size];
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const line = await ledger.record(trail, middle);
    if (line !== undefined && parseRecord(line).receivedAt < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
