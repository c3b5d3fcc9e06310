import * as z from 'zod';
import { moveWatermark, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Table } from '../../store/ports.ts';

/** The name under which a trail's legal hold is kept. */
export const LEGAL_HOLD = 'legal-hold';

const count = z.int().nonnegative();
const stored = z.strictObject({
  isHeld: z.union([z.literal(0), z.literal(1)]),
  since: count,
  by: z.string(),
  reason: z.string(),
  pass: count,
  cursor: z.string(),
  objects: count,
});

/** A trail's legal hold, and how far it was carried to the archive's objects. */
export interface LegalHoldState {
  readonly watermark: Watermark;
  readonly isHeld: boolean;
  /** When it was set or released, Unix milliseconds; 0: never. */
  readonly since: number;
  readonly by: string;
  readonly reason: string;
  /** Passes over all objects that are completed: {@link PASSES} when it holds for all. */
  readonly pass: number;
  /** Keys up to here were seen in the pass that is under way. */
  readonly cursor: string;
  /** Versions of objects that were held or released in the last pass. */
  readonly objects: number;
}

/**
 * One pass for what is there, and one later for what archivers put meanwhile that had begun before they could know.
 */
export const PASSES = 2;

/** The changes of a step. */
export type LegalHoldStep = Partial<Omit<LegalHoldState, 'watermark'>>;

const NEVER = { isHeld: false, since: 0, by: '', reason: '', pass: PASSES, cursor: '', objects: 0 };

/** @throws `store_corrupt` when the stored item cannot be a legal hold */
export async function readLegalHold(table: Table, trail: string): Promise<LegalHoldState> {
  const watermark = await readWatermark(table, trail, LEGAL_HOLD);
  if (watermark.revision === 0) return { watermark, ...NEVER };
  const parsed = stored.safeParse(watermark.state);
  if (parsed.success) return { watermark, ...parsed.data, isHeld: parsed.data.isHeld === 1 };
  throw new SealtrailError('store_corrupt', `the legal hold of trail ${trail} is not readable`, {
    cause: parsed.error,
  });
}

/** Takes a step. @returns the state after it; undefined if another writer took one first */
export async function takeLegalHoldStep(
  table: Table,
  from: LegalHoldState,
  step: LegalHoldStep,
): Promise<LegalHoldState | undefined> {
  const { watermark, ...next } = { ...from, ...step };
  const state = { ...next, isHeld: next.isHeld ? 1 : 0 };
  const moved = await moveWatermark(table, watermark, { size: 0, state });
  return moved && { watermark: moved, ...next };
}
