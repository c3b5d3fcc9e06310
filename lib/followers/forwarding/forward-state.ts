import * as z from 'zod';
import { moveWatermark, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Attribute, Table } from '../../store/ports.ts';

/** A batch that one process is sending, or could not send. */
export interface Pending {
  /** The record number that it ends before. */
  readonly to: number;
  /** Until when the process that sends it has it for itself, Unix milliseconds; 0: it is free. */
  readonly until: number;
  /** Identifies that process. */
  readonly by: string;
}

/** How far a destination has come in a trail. */
export interface ForwardState {
  readonly mark: Watermark;
  /** Records before this one are done: taken, set aside, or not let pass by the filter. */
  readonly size: number;
  /** The value of `from` when it began. */
  readonly from: string;
  /** Where the newest batch that was sent ended: the next one begins there. */
  readonly sentTo: number;
  /** Records that the destination took, each counted once. */
  readonly sent: number;
  /** Records that were set aside. */
  readonly aside: number;
  /** The next batch, once its end is decided: it is sent with this end until it is taken. */
  readonly pending?: Pending;
}

const count = z.int().min(0);
const stored = z.object({
  from: z.string(),
  sentTo: count,
  sent: count,
  aside: count,
  pendingTo: count.optional(),
  pendingUntil: count.optional(),
  pendingBy: z.string().optional(),
});

/** The name of a destination's watermark. */
export const forwardName = (destination: string): string => `forward/${destination}`;

/** The state of a destination in a trail; undefined before its first run. @throws `store_corrupt`; the Table's errors */
export async function readForwardState(
  table: Table,
  trail: string,
  destination: string,
): Promise<{ readonly mark: Watermark; readonly state?: ForwardState }> {
  const mark = await readWatermark(table, trail, forwardName(destination));
  if (mark.revision === 0) return { mark };
  const parsed = stored.safeParse(mark.state);
  if (!parsed.success) {
    const message = `how far the destination ${destination} has come in trail ${trail} is not readable`;
    throw new SealtrailError('store_corrupt', message, { cause: parsed.error });
  }
  const { pendingTo, pendingUntil = 0, pendingBy = '', ...rest } = parsed.data;
  const pending = pendingTo === undefined ? {} : { pending: { to: pendingTo, until: pendingUntil, by: pendingBy } };
  return { mark, state: { mark, size: mark.size, ...rest, ...pending } };
}

/** Stores a state. @returns it, or undefined where another process was faster. @throws the Table's errors */
export async function storeForwardState(
  table: Table,
  { mark, size, from, sentTo, sent, aside, pending }: ForwardState,
): Promise<ForwardState | undefined> {
  const state: Record<string, Attribute> = { from, sentTo, sent, aside };
  if (pending !== undefined) {
    state.pendingTo = pending.to;
    state.pendingUntil = pending.until;
    state.pendingBy = pending.by;
  }
  const moved = await moveWatermark(table, mark, { size, state, ...(size < mark.size && { restart: true }) });
  return moved && { mark: moved, size, from, sentTo, sent, aside, ...(pending && { pending }) };
}
