import * as z from 'zod';
import { HEADS_TRAIL } from '../../contract/system-trails.ts';
import { readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Attribute, Table } from '../../store/ports.ts';

/** Stored as part of the watermark's key: not to be renamed. */
export const WITNESSES = 'witnesses';

const count = z.int().nonnegative();

/** The stored state of a witness. */
const memory = z
  .strictObject({
    /** The size that it cosigned last. */
    size: count,
    /** Rounds that failed since. */
    failures: count,
    /** When it is asked again after a failure, Unix milliseconds. */
    tryAt: count,
    /** Why the last round failed. */
    error: z.string().optional(),
    /** How it contradicts the log, if it does. */
    conflict: z.string().optional(),
  })
  .readonly();
export type WitnessMemory = z.infer<typeof memory>;

const memories = z.record(z.string(), memory);
const pendingLines = z.strictObject({ size: count, lines: z.record(z.string(), z.string()) }).readonly();
const stored = z.strictObject({
  note: z.string().optional(),
  witnessedAt: count.optional(),
  witnesses: z.string().optional(),
  pending: z.string().optional(),
});

/** How far witnesses have come with the trail `_heads`. */
export interface WitnessState {
  readonly mark: Watermark;
  /** Records of `_heads` that a quorum has cosigned. */
  readonly size: number;
  /** The checkpoint of that size with their lines; absent: none yet. */
  readonly note?: string;
  /** When that was, Unix milliseconds. */
  readonly witnessedAt: number;
  /** By vkey. */
  readonly witnesses: Readonly<Record<string, WitnessMemory>>;
  /** Lines under a newer checkpoint that are not enough yet, by vkey. */
  readonly pending?: { readonly size: number; readonly lines: Readonly<Record<string, string>> };
}

/** @throws `store_corrupt`; the Table's errors */
export async function readWitnessState(table: Table): Promise<WitnessState> {
  const mark = await readWatermark(table, HEADS_TRAIL, WITNESSES);
  try {
    const { note, witnessedAt = 0, witnesses, pending } = stored.parse(mark.state);
    return {
      mark,
      size: mark.size,
      witnessedAt,
      ...(note !== undefined && { note }),
      witnesses: witnesses === undefined ? {} : memories.parse(JSON.parse(witnesses)),
      ...(pending !== undefined && { pending: pendingLines.parse(JSON.parse(pending)) }),
    };
  } catch (cause) {
    throw new SealtrailError('store_corrupt', 'the state of the witnesses is not readable', { cause });
  }
}

/** The attributes of a state, beside its watermark. */
export function attributesOfState(state: Omit<WitnessState, 'mark'>): Readonly<Record<string, Attribute>> {
  const { note, witnessedAt, witnesses, pending } = state;
  return {
    witnessedAt,
    witnesses: JSON.stringify(witnesses),
    ...(note !== undefined && { note }),
    ...(pending !== undefined && { pending: JSON.stringify(pending) }),
  };
}
