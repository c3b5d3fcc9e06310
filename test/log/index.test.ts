import { describe, expect, it } from 'vitest';
import * as log from '../../lib/log/index.ts';

describe('sealtrail/log, for anyone who writes a verifier', () => {
  it('checks a record with the public key alone, from the first byte to the last', async () => {
    // What an auditor holds: the record's line, a proof file, the key.
    const { line, file, vkey } = await evidence();
    const proof = log.parseProof(file);
    const record = log.parseRecord(line);
    const verifier = log.parseVkey(vkey);
    expect(record.seq).toBe(proof.index);
    const checkpoint = log.checkProof(proof, log.leafHash(line), verifier.name, [verifier]);
    expect(checkpoint.origin).toBe(`audit.example.com/${record.trail}`);
    expect(checkpoint.size).toBe(3);
  });

  it('says with one class of error what is wrong', async () => {
    const { line, file, vkey } = await evidence();
    const verifier = log.parseVkey(vkey);
    const forged = line.replace('"pay"', '"pat"');
    expect(() => log.checkProof(log.parseProof(file), log.leafHash(forged), verifier.name, [verifier])).toThrow(
      new log.SealtrailError('proof_mismatch', 'the inclusion proof does not lead to the root'),
    );
  });
});

/** What the log does: chain three records, grow the tree, sign the checkpoint, prove record 1. */
async function evidence(): Promise<{ line: string; file: string; vkey: string }> {
  const { ed25519Key, noteBy } = await import('./keys.ts');
  const origin = 'audit.example.com/orders';
  const key = ed25519Key(5);
  const lines: string[] = [];
  let prev: log.Hash = log.ZERO_HASH;
  for (const [seq, id] of ['order', 'pay', 'ship'].entries()) {
    const envelope = { trail: 'orders', seq, prev: log.toHex(prev), receivedAt: 1000 + seq, submitter: 'shop' };
    const line = log.recordLine(envelope, `{"id":"${id}"}`);
    prev = log.leafHash(line);
    lines.push(line);
  }
  const growth = log.appendLeaves(log.EMPTY_FRONTIER, lines.map(log.leafHash));
  const checkpoint = noteBy(key, origin, log.formatCheckpoint({ origin, size: 3, root: growth.root }));
  const file = log.formatProof({ index: 1, hashes: log.rangeProofFrom(growth, 1, 2), checkpoint });
  return { line: lines[1] ?? '', file, vkey: key.verifier(origin).vkey };
}
