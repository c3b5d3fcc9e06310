import { fromHex, toHex } from '../log/encoding.ts';
import { SealtrailError } from '../log/error.ts';
import { HASH_BYTES, type Hash } from '../log/hash.ts';
import { isCount, isObject } from '../log/json.ts';
import { parseRecord } from '../log/record.ts';
import { HEAD_STATED, HEADS_TRAIL, LOG_SUBMITTER } from './system-trails.ts';

/** The statement of a record of `_heads`: a trail had a size and a root. */
export interface HeadStatement {
  readonly trail: string;
  /** In records. */
  readonly size: number;
  readonly root: Hash;
}

/** The event that states a trail's head (docs/spec.md, "Heads"). */
export const headEvent = ({ trail, size, root }: HeadStatement): object => ({
  type: HEAD_STATED,
  severity: 'info',
  actor: { id: LOG_SUBMITTER, type: 'system' },
  resource: { type: 'trail', id: trail },
  details: { root: toHex(root), size },
});

/**
 * Reads a record of `_heads`.
 *
 * @returns what it states and its number; undefined for a record of another type
 * @throws `malformed_record` if it is not of `_heads`, or states nothing although its type says so
 */
export function headStatement(line: Uint8Array | string): (HeadStatement & { readonly seq: number }) | undefined {
  const { trail, seq, event } = parseRecord(line);
  if (trail !== HEADS_TRAIL) throw malformed(`the record is of ${trail}, not of ${HEADS_TRAIL}`);
  if (event.type !== HEAD_STATED) return undefined;
  const { resource, details } = event;
  const { size, root } = isObject(details) ? details : {};
  const of = isObject(resource) ? resource.id : undefined;
  if (typeof of !== 'string' || !isCount(size) || typeof root !== 'string')
    throw malformed('the record states no head');
  const bytes = fromHex(root, 'malformed_record', 'the root of the stated head');
  if (bytes.length !== HASH_BYTES) throw malformed('the root of the stated head has 32 bytes');
  return { trail: of, size, root: bytes, seq };
}

const malformed = (message: string): SealtrailError => new SealtrailError('malformed_record', message);
