import { SealtrailError } from '../../log/error.ts';
import type { Item, Key, Table } from '../../store/ports.ts';
import { attributesOf, withFormat } from './format.ts';
import { refusalKey } from './layout.ts';

/**
 * Why a trail takes no appends, for the processes that cannot see the reason for themselves: those without the archive.
 *
 * @throws `store_corrupt` when the stored item is no refusal
 */
export async function readRefusal(table: Table, trail: string): Promise<string | undefined> {
  const item = await table.get(refusalKey(trail));
  return item && reasonIn(trail, item);
}

/** True if there is a refusal, readable or not. */
export const hasRefusal = async (table: Table, trail: string): Promise<boolean> =>
  (await table.get(refusalKey(trail))) !== undefined;

/** Makes every process refuse appends to a trail. Idempotent. */
export async function refuseAppends(table: Table, trail: string, reason: string): Promise<void> {
  await table.transact([{ put: { ...refusalKey(trail), attributes: withFormat('refusal', { reason }) } }]);
}

/** Takes a refusal back. Idempotent. */
export async function admitAppends(table: Table, trail: string): Promise<void> {
  const key: Key = refusalKey(trail);
  await table.transact([{ remove: key }]);
}

function reasonIn(trail: string, item: Item): string {
  const { reason } = attributesOf('refusal', item);
  if (typeof reason === 'string') return reason;
  throw new SealtrailError('store_corrupt', `the refusal of appends to trail ${trail} is not readable`);
}
