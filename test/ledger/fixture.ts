import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { Ledger, type LedgerOptions } from '../../lib/ledger/ledger.ts';
import { openCheckpoint } from '../../lib/log/checkpoint.ts';
import type { Table } from '../../lib/store/ports.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';

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

/** RFC 6962 section 2.1 as it is written: recursive, slow, and nothing of ours. */
export function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return createHash('sha256').digest();
  if (leaves.length === 1 && leaves[0] !== undefined) return leaves[0];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const [left, right] = [naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split))];
  return createHash('sha256').update('\x01').update(left).update(right).digest();
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
  expect(head?.size ?? 0).toBe(ids.length);
  if (head !== undefined) {
    expect(Buffer.from(head.root)).toEqual(Buffer.from(naiveRoot(leaves)));
    expect(Buffer.from(head.last).toString('hex')).toBe(last.prev);
  }
  const verifiers = await ledger.verifiers(trail);
  for await (const item of table.query({ partition: `checkpoint/${trail}` })) {
    const checkpoint = openCheckpoint(String(item.attributes.note), `${LOG_NAME}/${trail}`, verifiers);
    expect(Buffer.from(checkpoint.root)).toEqual(Buffer.from(naiveRoot(leaves.slice(0, checkpoint.size))));
  }
  return ids;
}
