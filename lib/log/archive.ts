import { bundlePath, type Tile, tilePath } from './tile.ts';

/**
 * The names of an archive's objects, relative to its root (design: Archive). A trail's own prefix, `<trail>/`, is a
 * log of its own to C2SP tlog-tiles tools.
 */

/** The newest sealed checkpoint, the only object that is ever overwritten (C2SP tlog-tiles, Checkpoints). */
export const newestCheckpointName = (trail: string): string => `${trail}/checkpoint`;

/** An archived checkpoint, which covers records 0 to `size - 1`. */
export const checkpointName = (trail: string, size: number): string => `${trail}/checkpoints/${size}`;

/**
 * An archived checkpoint of a size with the cosignatures of witnesses. Beside {@link checkpointName}, since it is written later
 * and nothing is ever overwritten.
 */
export const witnessedName = (trail: string, size: number): string => `${trail}/witnessed/${size}`;

/** A time-stamp over an archived checkpoint of a size, byte for byte (RFC 3161 section 2.4.2, a TimeStampResp). */
export const timestampName = (trail: string, size: number): string => `${trail}/checkpoints/${size}.tsr`;

/** A hash tile (C2SP tlog-tiles, Merkle Tree). */
export const tileName = (trail: string, tile: Tile): string => `${trail}/${tilePath(tile)}`;

/** An entry bundle of `width` records, 1 to 256 (C2SP tlog-tiles, Log entries). */
export const bundleName = (trail: string, index: number, width: number): string =>
  `${trail}/${bundlePath(index, width)}`;

/** Digits of a record number in a segment's name: 2^53 - 1 has 16. */
const SEGMENT_DIGITS = 16;

/**
 * The name of a segment: record lines `first` to `last`, both inclusive, each followed by a line feed, gzipped. Numbers
 * are zero-padded and time never runs backwards along a trail, so names sort in record order.
 *
 * @param receivedAt Unix milliseconds; the records of one segment were received on one UTC day
 * @example
 * segmentName('orders', 1_795_234_567_890, 0, 99)
 * // orders/records/dt=2026-11-21/0000000000000000-0000000000000099.jsonl.gz
 */
export function segmentName(trail: string, receivedAt: number, first: number, last: number): string {
  const padded = (seq: number): string => seq.toString().padStart(SEGMENT_DIGITS, '0');
  return `${trail}/records/dt=${utcDate(receivedAt)}/${padded(first)}-${padded(last)}.jsonl.gz`;
}

/** The UTC date of a time in Unix milliseconds, as `YYYY-MM-DD`. */
export const utcDate = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 10);

/** Where a public key is stored: as a vkey line (C2SP signed-note, Verifier keys) and as PEM. `keyId`: 8 hex digits. */
export const vkeyName = (keyId: string): string => `keys/${keyId}.vkey`;
export const pemName = (keyId: string): string => `keys/${keyId}.pem`;
