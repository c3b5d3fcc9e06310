import { randomBytes } from 'node:crypto';
import { attributesOf, withFormat } from '../ledger/items/format.ts';
import { CURSOR_SECRET_KEY } from '../ledger/items/layout.ts';
import type { Table } from '../store/ports.ts';

/** What cursors are authenticated with: made once, kept with the data, so that cursors outlive a restart. */
export async function cursorSecret(table: Table): Promise<Uint8Array> {
  const kept = await readSecret(table);
  if (kept !== undefined) return kept;
  const put = { ...CURSOR_SECRET_KEY, attributes: withFormat('cursor secret', { secret: randomBytes(32) }) };
  await table.transact([{ put, when: { is: 'absent' } }]);
  const made = await readSecret(table);
  if (made !== undefined) return made;
  throw new RangeError('the cursor secret was put and is not there');
}

async function readSecret(table: Table): Promise<Uint8Array | undefined> {
  const item = await table.get(CURSOR_SECRET_KEY);
  const secret = item && attributesOf('cursor secret', item).secret;
  return secret instanceof Uint8Array ? secret : undefined;
}
