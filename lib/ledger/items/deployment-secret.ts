import { randomBytes } from 'node:crypto';
import { SealtrailError } from '../../log/error.ts';
import type { Item, Key, Table } from '../../store/ports.ts';
import { type StoredKind, valuesOr, withFormat } from './format.ts';
import { CURSOR_SECRET_KEY, MASK_SECRET_KEY } from './layout.ts';

/**
 * The secret that authenticates cursors: made once, kept with the data, so that cursors outlive a restart. Made anew where it is not
 * readable, which costs the cursors that are out.
 *
 * @throws the Table's errors
 */
export const cursorSecret = (table: Table): Promise<Uint8Array> =>
  secretAt(table, CURSOR_SECRET_KEY, 'cursor secret', true);

/**
 * The secret behind the tags in masked addresses. It stays in the Table, out of the archive: an auditor who has that
 * cannot test whom a tag stands for. Never made anew: people would get other tags.
 *
 * @throws `store_corrupt` where it is not readable; the Table's errors
 */
export const maskSecret = (table: Table): Promise<Uint8Array> => secretAt(table, MASK_SECRET_KEY, 'mask secret');

/** Puts back a secret that the Table has lost, or no longer holds in a readable form. One that is there stays. @throws the Table's errors */
export async function restoreMaskSecret(table: Table, secret: Uint8Array): Promise<void> {
  const kept = await readSecret(table, MASK_SECRET_KEY, 'mask secret');
  if (kept instanceof Uint8Array) return;
  const put = { ...MASK_SECRET_KEY, attributes: withFormat('mask secret', { secret }) };
  await table.transact([{ put, when: { is: kept === undefined ? 'absent' : 'present' } }]);
}

async function secretAt(table: Table, key: Key, kind: StoredKind, isReplaced = false): Promise<Uint8Array> {
  const kept = await readSecret(table, key, kind);
  const exists = kept !== undefined;
  if (kept instanceof SealtrailError && !isReplaced) throw kept;
  if (kept instanceof Uint8Array) return kept;
  const put = { ...key, attributes: withFormat(kind, { secret: randomBytes(SECRET_BYTES) }) };
  await table.transact([{ put, when: { is: exists ? 'present' : 'absent' } }]);
  const made = await readSecret(table, key, kind);
  if (made instanceof Uint8Array) return made;
  throw made ?? new RangeError(`the ${kind} was put and is not there`);
}

/** An error where it is not readable. @throws `unavailable` when a newer version wrote it; the Table's errors */
async function readSecret(table: Table, key: Key, kind: StoredKind): Promise<Uint8Array | SealtrailError | undefined> {
  const item = await table.get(key);
  const parse = ({ secret }: Item['attributes']): Uint8Array => {
    if (secret instanceof Uint8Array && secret.length === SECRET_BYTES) return secret;
    throw new RangeError(`it has not ${SECRET_BYTES} bytes`);
  };
  const message = `the ${kind} (${key.partition} ${key.sort}) is not readable: put the item back from a backup`;
  return item && valuesOr(kind, item, parse, message);
}

const SECRET_BYTES = 32;
