import { hash } from 'node:crypto';
import { SealtrailError } from '../../log/error.ts';
import type { Table, Write } from '../../store/ports.ts';
import { attributesOf, withFormat } from './format.ts';
import { rebuiltKey, recalledKey, recalledRange } from './layout.ts';

/**
 * A stand-in for the idempotency keys that a rebuilt trail has lost. A record does not name the key that it was sent under; but its
 * submitter, its event's id and its bytes are those of a repetition.
 */

/** An archived record. */
export interface RecalledRecord {
  readonly seq: number;
  readonly submitter: string;
  /** Its event's id. */
  readonly id: string;
}

/** That a trail was rebuilt from its archive. */
export interface Rebuilt {
  /** Records that the archive held. */
  readonly size: number;
  /** Until when repetitions are looked for, Unix seconds. */
  readonly until: number;
}

/** Records of one event that are looked at. An id is meant to be used once. */
const CANDIDATES = 32;

const hashOf = (id: string): string => hash('sha256', id, 'hex');

/** The write by which a record is found by its event's id until a time, in Unix seconds. */
export const recall = (trail: string, { seq, submitter, id }: RecalledRecord, until: number): Write => ({
  put: {
    ...recalledKey(trail, submitter, hashOf(id), seq),
    attributes: withFormat('recalled event', { seq }),
    expiresAt: until,
  },
});

/** The write that says that a trail was rebuilt. */
export const markRebuilt = (trail: string, { size, until }: Rebuilt): Write => ({
  put: { ...rebuiltKey(trail), attributes: withFormat('rebuilt trail', { size, until }), expiresAt: until },
});

/** @throws `store_corrupt` where the item is not one that {@link markRebuilt} makes */
export async function readRebuilt(table: Table, trail: string): Promise<Rebuilt | undefined> {
  const item = await table.get(rebuiltKey(trail));
  if (item === undefined) return undefined;
  const { size, until } = attributesOf('rebuilt trail', item);
  if (typeof size === 'number' && typeof until === 'number') return { size, until };
  throw new SealtrailError('store_corrupt', `the mark that trail ${trail} was rebuilt is not readable`);
}

/** The numbers of the recalled records of an event, ascending. @throws `store_corrupt` */
export async function recalled(table: Table, trail: string, submitter: string, id: string): Promise<readonly number[]> {
  const found: number[] = [];
  for await (const item of table.query({ ...recalledRange(trail, submitter, hashOf(id)), limit: CANDIDATES })) {
    const { seq } = attributesOf('recalled event', item);
    if (typeof seq !== 'number') {
      throw new SealtrailError('store_corrupt', `a recalled event of trail ${trail} is not readable`);
    }
    found.push(seq);
  }
  return found;
}
