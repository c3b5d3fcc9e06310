import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { Ledger, type LedgerOptions } from '../../lib/ledger/ledger.ts';
import { openCheckpoint } from '../../lib/log/checkpoint.ts';
import type { Table } from '../../lib/store/ports.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { treeOf } from '../log/naive-tree.ts';

export { sampleEvents as events } from '../../lib/testing/events.ts';

export const LOG_NAME = 'audit.example.com';
export const TRAIL = 'payments';

export const signer = new MemorySigner();

export function openLedger(table: Table, options: Partial<LedgerOptions> = {}): Ledger {
  return new Ledger({ table, signers: [signer], logName: LOG_NAME, ...options });
}

export const key = (name: string, bodyHash = `body of ${name}`) => ({ key: name, bodyHash });

interface Line {
  readonly event: { readonly id: string };
  readonly prev: string;
  readonly receivedAt: number;
  readonly seq: number;
  readonly submitter: string;
  readonly trail: string;
  readonly v: number;
}

/**
 * Reads a trail as a stranger would and checks that it is whole: numbers without a gap, each line naming the hash of
 * the one before, times that never go back, a head that is the root of it all, checkpoints that say so.
 *
 * @returns the ids of its events, in order
 */
export async function checkTrail(table: Table, trail = TRAIL, options: Partial<LedgerOptions> = {}): Promise<string[]> {
  const ledger = openLedger(table, options);
  const ids: string[] = [];
  const leaves: Uint8Array[] = [];
  let last = { prev: '0'.repeat(64), receivedAt: 0 };
  const head = await ledger.head(trail);
  for await (const block of ledger.blocks(trail, { from: 0, to: Number.MAX_SAFE_INTEGER })) {
    for (const text of block.lines) {
      const line: Line = JSON.parse(text);
      const isNext = line.seq === ids.length && line.prev === last.prev && line.receivedAt >= last.receivedAt;
      // Only now: an expectation of each line would take longer than all that is tested.
      if (!isNext || line.trail !== trail || line.v !== 1) {
        expect(line).toMatchObject({ seq: ids.length, prev: last.prev, trail, v: 1 });
        expect(line.receivedAt).toBeGreaterThanOrEqual(last.receivedAt);
      }
      const leaf = createHash('sha256').update('\x00').update(text).digest();
      leaves.push(leaf);
      ids.push(line.event.id);
      last = { prev: leaf.toString('hex'), receivedAt: line.receivedAt };
    }
  }
  const tree = treeOf(leaves);
  expect(head?.size ?? 0).toBe(ids.length);
  if (head !== undefined) {
    expect(Buffer.from(head.root)).toEqual(tree.rootAt(leaves.length));
    expect(Buffer.from(head.last).toString('hex')).toBe(last.prev);
  }
  const verifiers = await ledger.verifiers(trail);
  for await (const item of table.query({ partition: `checkpoint/${trail}` })) {
    const checkpoint = openCheckpoint(String(item.attributes.note), `${LOG_NAME}/${trail}`, verifiers);
    expect(Buffer.from(checkpoint.root)).toEqual(tree.rootAt(checkpoint.size));
  }
  return ids;
}
