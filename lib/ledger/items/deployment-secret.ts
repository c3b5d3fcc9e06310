import { randomBytes } from 'node:crypto';
import type { Key, Table } from '../../store/ports.ts';
import { attributesOf, type StoredKind, withFormat } from './format.ts';
import { CURSOR_SECRET_KEY, MASK_SECRET_KEY } from './layout.ts';

/**
 * What cursors are authenticated with: made once, kept with the data, so that cursors outlive a restart.
 *
 * @throws the Table's errors
 */
export const cursorSecret = (table: Table): Promise<Uint8Array> => secretAt(table, CURSOR_SECRET_KEY, 'cursor secret');

/**
 * What the tags in masked addresses are made with. It stays in the Table, out of the archive: an auditor who has that
 * cannot test whom a tag stands for.
 *
 * @throws the Table's errors
 */
export const maskSecret = (table: Table): Promise<Uint8Array> => secretAt(table, MASK_SECRET_KEY, 'mask secret');

async function secretAt(table: Table, key: Key, kind: StoredKind): Promise<Uint8Array> {
  const kept = await readSecret(table, key, kind);
  if (kept !== undefined) return kept;
  const put = { ...key, attributes: withFormat(kind, { secret: randomBytes(32) }) };
  await table.transact([{ put, when: { is: 'absent' } }]);
  const made = await readSecret(table, key, kind);
  if (made !== undefined) return made;
  throw new RangeError(`the ${kind} was put and is not there`);
}

async function readSecret(table: Table, key: Key, kind: StoredKind): Promise<Uint8Array | undefined> {
  const item = await table.get(key);
  const secret = item && attributesOf(kind, item).secret;
  return secret instanceof Uint8Array ? secret : undefined;
}
