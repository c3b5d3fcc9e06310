import * as z from 'zod';
import { defined } from '../../base/defined.ts';
import { moveWatermark, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Attribute, Table, Write } from '../../store/ports.ts';

/** The name under which the archiver's watermark is kept. */
export const ARCHIVER = 'archiver';

const count = z.int().nonnegative();

/** A signed checkpoint: the records it covers, 0 to `size - 1`, and the note. */
const signedCheckpoint = z.strictObject({ size: count, note: z.string() }).readonly();
export type SignedCheckpoint = z.infer<typeof signedCheckpoint>;

/**
 * The writes that the archiver is about to make. It is stored before the first object, with everything on which names and bytes
 * of the objects depend: the archiver that finds it after a crash writes the same objects, also under another configuration.
 *
 * `records`: records `from` to `checkpoint.size - 1`, the tiles and bundles that they fill, and the checkpoint. `seal`:
 * the partial tiles and the partial bundle at `checkpoint.size`, all of it archived, and `<trail>/checkpoint`.
 */
const planSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('records'),
      from: count,
      checkpoint: signedCheckpoint,
      limits: z.strictObject({ records: count, bytes: count }).readonly(),
    }),
    z.strictObject({ kind: z.literal('seal'), checkpoint: signedCheckpoint }),
  ])
  .readonly();
export type Plan = z.infer<typeof planSchema>;
export type RecordsPlan = Extract<Plan, { kind: 'records' }>;
export type SealPlan = Extract<Plan, { kind: 'seal' }>;

/** The attributes that are kept beside the watermark. */
const stored = z.strictObject({
  keys: z.string().optional(),
  sealed: z.string().optional(),
  unsealedSince: count.optional(),
  plan: z.string().optional(),
});

/** How far a trail's archive has come. */
export interface ArchiveState {
  readonly watermark: Watermark;
  /** Records 0 to `size - 1` are in the archive, under a checkpoint of that size. */
  readonly size: number;
  /** The checkpoint that `<trail>/checkpoint` was last moved to. */
  readonly sealed?: SignedCheckpoint;
  /** When the first record that is archived but not sealed was received, Unix milliseconds. */
  readonly unsealedSince?: number;
  /** Key IDs, 8 hex digits each, of the public keys in the archive. */
  readonly keys: readonly string[];
  /** The plan that was begun and must be completed first. */
  readonly plan?: Plan;
}

/** The changes of a state with a move; undefined removes a member. */
export interface ArchiveStep {
  readonly size?: number;
  readonly sealed?: SignedCheckpoint | undefined;
  readonly unsealedSince?: number | undefined;
  readonly keys?: readonly string[];
  readonly plan?: Plan | undefined;
}

/**
 * The state of a trail's archive; empty where nothing was archived yet.
 *
 * @throws `store_corrupt` when the stored item cannot be one
 */
export async function readArchiveState(table: Table, trail: string): Promise<ArchiveState> {
  const watermark = await readWatermark(table, trail, ARCHIVER);
  try {
    const { sealed, plan, unsealedSince, keys = '' } = stored.parse(watermark.state);
    return {
      watermark,
      size: watermark.size,
      keys: keys === '' ? [] : keys.split(','),
      ...(sealed === undefined ? {} : { sealed: signedCheckpoint.parse(JSON.parse(sealed)) }),
      ...defined({ unsealedSince }),
      ...(plan === undefined ? {} : { plan: planSchema.parse(JSON.parse(plan)) }),
    };
  } catch (cause) {
    throw new SealtrailError('store_corrupt', `the archiver's state of trail ${trail} is not readable`, { cause });
  }
}

/**
 * Takes a step, if the state is still the one given.
 *
 * @param also writes that belong to the step, in the same transaction
 * @returns whether it was taken; if not, another writer took one first
 */
export async function takeArchiveStep(
  table: Table,
  from: ArchiveState,
  step: ArchiveStep,
  also: readonly Write[] = [],
): Promise<boolean> {
  const { size, sealed, unsealedSince, keys, plan } = { ...from, ...step };
  const state: Record<string, Attribute> = { keys: keys.join(',') };
  if (sealed !== undefined) state.sealed = JSON.stringify(sealed);
  if (unsealedSince !== undefined) state.unsealedSince = unsealedSince;
  if (plan !== undefined) state.plan = JSON.stringify(plan);
  return (await moveWatermark(table, from.watermark, { size, state }, also)) !== undefined;
}
