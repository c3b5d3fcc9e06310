import * as z from 'zod';
import { moveWatermark, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Attribute, Table } from '../../store/ports.ts';

/** The name under which the expirer's watermark is kept. */
export const EXPIRER = 'expirer';

const count = z.int().nonnegative();
/** From which record on blocks stay for how many seconds in the hot store. */
const eras = z.array(z.tuple([count, count]));

const stored = z.strictObject({ planned: count.optional(), eras: z.string() });

/** Which blocks of a trail carry a time to expire at, and which. */
export interface ExpiryState {
  readonly watermark: Watermark;
  /** Blocks that end up to here were stamped. */
  readonly size: number;
  /** Blocks that end up to here are being stamped. */
  readonly planned?: number;
  /** Ascending by record; of two neighbours the seconds differ. */
  readonly eras: readonly (readonly [first: number, seconds: number])[];
}

/**
 * Where a trail's expirer stands; at 0 where it never ran.
 *
 * @throws `store_corrupt` when the stored item cannot be that
 */
export async function readExpiryState(table: Table, trail: string): Promise<ExpiryState> {
  const watermark = await readWatermark(table, trail, EXPIRER);
  if (watermark.revision === 0) return { watermark, size: 0, eras: [] };
  try {
    const { planned, ...rest } = stored.parse(watermark.state);
    const state = { watermark, size: watermark.size, eras: eras.parse(JSON.parse(rest.eras)) };
    return planned === undefined ? state : { ...state, planned };
  } catch (cause) {
    throw new SealtrailError('store_corrupt', `the expirer's state of trail ${trail} is not readable`, { cause });
  }
}

/** Sets out to stamp the blocks up to `planned`. @returns whether no other writer moved the state first */
export async function planExpiry(table: Table, from: ExpiryState, planned: number, seconds: number): Promise<boolean> {
  const isSame = from.eras.at(-1)?.[1] === seconds;
  const next = isSame ? from.eras : [...from.eras, [from.size, seconds]];
  const state: Record<string, Attribute> = { planned, eras: JSON.stringify(next) };
  return (await moveWatermark(table, from.watermark, { size: from.size, state })) !== undefined;
}

/** Notes that all planned blocks are stamped. @returns whether no other writer moved the state first */
export async function completeExpiry(table: Table, from: ExpiryState): Promise<boolean> {
  const state = { eras: JSON.stringify(from.eras) };
  return (await moveWatermark(table, from.watermark, { size: from.planned ?? from.size, state })) !== undefined;
}

/**
 * When the block that begins with a record expires, in Unix seconds; undefined where it was not stamped. It is never
 * stamped twice with different times: what was decided when it was stamped holds.
 *
 * @param receivedAt of the block's records, Unix milliseconds
 */
export function expiryOf(
  { size, planned = size, eras }: ExpiryState,
  first: number,
  receivedAt: number,
): number | undefined {
  if (first >= planned) return undefined;
  const era = eras.findLast(([from]) => from <= first);
  return era === undefined ? undefined : Math.ceil(receivedAt / 1000) + era[1];
}
