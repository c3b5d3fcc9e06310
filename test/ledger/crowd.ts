import { expect } from 'vitest';
import type { LedgerOptions } from '../../lib/ledger/ledger.ts';
import type { LedgerReceipt } from '../../lib/ledger/receipt.ts';
import { openCheckpoint } from '../../lib/log/checkpoint.ts';
import { fromBase64 } from '../../lib/log/encoding.ts';
import { leafHash } from '../../lib/log/hash.ts';
import { checkRange } from '../../lib/log/tree.ts';
import type { Table, Write } from '../../lib/store/ports.ts';
import type { TableCall } from '../../lib/testing/memory/table.ts';
import { checkTrail, events, key, LOG_NAME, openLedger, TRAIL } from './fixture.ts';

export const partitions = (writes: readonly Write[]): string[] =>
  writes.flatMap((write) => {
    const { partition } = 'put' in write ? write.put : 'remove' in write ? write.remove : { partition: '' };
    return partition.split('/')[0] ?? [];
  });
export const isDirect = (writes: readonly Write[]): boolean =>
  partitions(writes).includes('head') && !partitions(writes).includes('waiting');
export const isCombined = (call: TableCall): boolean =>
  'transact' in call && partitions(call.transact).includes('head') && partitions(call.transact).includes('waiting');
export const isJoining = (call: TableCall): boolean =>
  'transact' in call && call.transact.some((write) => 'put' in write && write.put.partition.startsWith('waiting/'));
export const isSigning = (call: TableCall): boolean =>
  'transact' in call && partitions(call.transact).includes('checkpoint');

/** A table on which a process meets others whenever it tries by itself. */
export function crowded(table: Table): Table {
  return {
    get: (of) => table.get(of),
    query: (range) => table.query(range),
    close: () => table.close(),
    transact: async (writes) => {
      if (isDirect(writes)) return { committed: false, failed: [] };
      return table.transact(writes);
    },
  };
}

export const append = (
  table: Table,
  name: string,
  count = 2,
  more: object = {},
  options: Partial<LedgerOptions> = {},
) =>
  openLedger(table, options).append({
    ...{ trail: TRAIL, submitter: 'app', events: events(name, count), idempotency: key(name) },
    ...more,
  });

export const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `p${n}`);
export const idsOf = ({ events: sealed }: LedgerReceipt): string[] => sealed.map(({ id }) => id);
export const KEYLESS = { idempotency: undefined };

/** What waits in line, in all of its partitions. */
export async function inLine(table: Table): Promise<number> {
  let count = 0;
  for (let lane = 0; lane < 8; lane++) {
    for await (const _ of table.query({ partition: `waiting/${TRAIL}/${lane}` })) count += 1;
  }
  return count;
}

export async function checkReceipt(
  table: Table,
  { lines, first, checkpoint = '', proof = [] }: LedgerReceipt,
): Promise<void> {
  const verifiers = await openLedger(table).verifiers(TRAIL);
  const { size, root } = openCheckpoint(checkpoint, `${LOG_NAME}/${TRAIL}`, verifiers);
  const hashes = proof.map((hash) => fromBase64(hash));
  checkRange(lines.map(leafHash), first, size, hashes, root);
}

/** Each acknowledged event is in the trail, where its receipt says, and no other. */
export async function checkAll(table: Table, receipts: readonly LedgerReceipt[]): Promise<void> {
  const ids = await checkTrail(table);
  for (const receipt of receipts) {
    expect(ids.slice(receipt.first, receipt.first + receipt.count)).toEqual(idsOf(receipt));
    if (receipt.sealed) await checkReceipt(table, receipt);
  }
  expect(ids).toHaveLength(receipts.reduce((sum, { count }) => sum + count, 0));
  expect(new Set(ids).size).toBe(ids.length);
}
