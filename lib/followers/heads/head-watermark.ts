import * as z from 'zod';
import { defined } from '../../base/defined.ts';
import { moveWatermark, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Table } from '../../store/ports.ts';

/** Stored as part of the watermark's key: not to be renamed. */
export const HEADS = 'heads';

/** A head that was stated: the size, and the number of the record in `_heads`. */
export interface StatedHead {
  readonly size: number;
  readonly seq: number;
}

const count = z.int().nonnegative();
const stored = z.strictObject({
  seq: count.optional(),
  statedAt: count.optional(),
  coveredSize: count.optional(),
  coveredSeq: count.optional(),
});

/** The last statement about a trail. */
export interface StatedHeads {
  readonly mark: Watermark;
  readonly newest?: StatedHead & { /** Unix milliseconds. */ readonly at: number };
  /** An earlier statement that witnesses have cosigned, kept until they have cosigned the newest. */
  readonly covered?: StatedHead;
}

/** @throws `store_corrupt`; the Table's errors */
export async function readStated(table: Table, trail: string): Promise<StatedHeads> {
  const mark = await readWatermark(table, trail, HEADS);
  const parsed = stored.safeParse(mark.state);
  if (!parsed.success) {
    const message = `what was stated of trail ${trail} in _heads is not readable`;
    throw new SealtrailError('store_corrupt', message, { cause: parsed.error });
  }
  const { seq, statedAt, coveredSize, coveredSeq } = parsed.data;
  const newest = seq === undefined || statedAt === undefined ? undefined : { size: mark.size, seq, at: statedAt };
  const covered =
    coveredSize === undefined || coveredSeq === undefined ? undefined : { size: coveredSize, seq: coveredSeq };
  return { mark, ...defined({ newest, covered }) };
}

/** Notes a statement. @returns whether no other writer noted one first */
export async function noteStated(
  table: Table,
  { mark }: StatedHeads,
  { size, seq, at }: StatedHead & { readonly at: number },
  covered: StatedHead | undefined,
): Promise<boolean> {
  const kept = covered === undefined ? {} : { coveredSize: covered.size, coveredSeq: covered.seq };
  return (await moveWatermark(table, mark, { size, state: { seq, statedAt: at, ...kept } })) !== undefined;
}
