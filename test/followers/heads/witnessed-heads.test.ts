import { describe, expect, it } from 'vitest';
import { witnessedSchema } from '../../../lib/api/routes/witnessed.ts';
import { checkWitnessedHead, readWitnessedHead, type WitnessedHead } from '../../../lib/contract/witnessed-head.ts';
import { parseCheckpoint } from '../../../lib/log/checkpoint.ts';
import { parseNote, verifierFromSpki } from '../../../lib/log/note.ts';
import { parsePolicy } from '../../../lib/log/policy.ts';
import { WitnessedLog, Witnesses } from '../witnesses/witnessed-log.ts';

/** The promise: from any signed checkpoint there is a way to the cosignatures, which anyone can check, and nothing else passes. */

async function setUp() {
  const witnesses = new Witnesses();
  const policy = await witnesses.policy();
  const log = new WitnessedLog(witnesses, { policy, everyMs: 0 });
  const spki = await witnesses.signer.publicKey();
  const trust = (origin: string) => [verifierFromSpki(origin, spki)];
  await log.append('orders', 2);
  await log.append('orders', 3);
  await log.append('payments', 1);
  await log.witness('orders', 'payments');
  const checkpoint = async (trail: string, size: number) => {
    const stored = await log.log.ledger.exactCheckpoint(trail, size);
    return parseCheckpoint(parseNote(stored?.note ?? '').text);
  };
  return { witnesses, policy, log, trust, checkpoint };
}

describe('a cosigned head', () => {
  it('is reached from every checkpoint that it covers', async () => {
    const { log, policy, trust, checkpoint } = await setUp();
    for (const [trail, size, covers] of [
      ['orders', 2, 5],
      ['orders', 5, 5],
      ['payments', 1, 1],
      ['_heads', 2, 2],
    ] as const) {
      const head = await log.log.witnessed(trail, size);
      expect(witnessedSchema.parse(head)).toEqual(head);
      const from = await checkpoint(trail, size);
      const result = checkWitnessedHead(readWitnessedHead(JSON.parse(JSON.stringify(head))), from, trust, policy);
      expect(result).toMatchObject({
        size: covers,
        heads: 2,
        by: [{ witness: 'W1' }, { witness: 'W2' }, { witness: 'W3' }],
      });
    }
    expect((await log.log.witnessed('orders', undefined)).from).toBe(5);
  });

  it('covers the older of two while witnesses have not cosigned the newer', async () => {
    const { log, witnesses } = await setUp();
    witnesses.stop('w1.example', 'w2.example', 'w3.example');
    await log.append('orders');
    await log.witness('orders');
    expect((await log.log.witnessed('orders', 5)).statement).toBeDefined();
    await expect(log.log.witnessed('orders', 6)).rejects.toMatchObject({ code: 'not_witnessed' });
    await log.append('refunds');
    await log.witness('refunds');
    await expect(log.log.witnessed('refunds', 1)).rejects.toMatchObject({ code: 'not_witnessed' });
    await expect(log.log.witnessed('orders', 4)).rejects.toMatchObject({ code: 'not_found' });
    witnesses.start('w1.example', 'w2.example');
    log.now += 120_000;
    await log.witness('orders');
    expect(parseCheckpoint(parseNote((await log.log.witnessed('orders', 6)).checkpoint).text).size).toBe(6);
  });

  it('is none where there are no witnesses', async () => {
    const witnesses = new Witnesses();
    const log = new WitnessedLog(witnesses, { policy: await witnesses.policy() });
    await log.append('orders');
    await expect(log.log.witnessed('orders', 1)).rejects.toMatchObject({ code: 'not_witnessed' });
  });
});

describe('what does not pass', () => {
  it('anything that does not lead from the checkpoint to enough cosignatures', async () => {
    const { log, policy, trust, checkpoint } = await setUp();
    const head = await log.log.witnessed('orders', 2);
    const other = await log.log.witnessed('payments', 1);
    const from = await checkpoint('orders', 2);
    const code = (changed: Partial<WitnessedHead>, with_ = policy, start = from) => {
      try {
        checkWitnessedHead({ ...head, ...changed }, start, trust, with_);
        return 'passed';
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    expect(code({})).toBe('passed');
    expect(code({ heads: head.heads.replace(/— w.*\n/g, '') })).toBe('not_witnessed');
    expect(code({ heads: head.heads.replace(/— w[12].*\n/g, '') })).toBe('not_witnessed');
    expect(code({ heads: head.checkpoint })).toBe('proof_mismatch');
    expect(code({ checkpoint: other.checkpoint })).toBe('proof_mismatch');
    expect(code({ proof: [] })).toBe('malformed_proof');
    expect(code({ ...(other.statement && { statement: other.statement }) })).toBe('proof_mismatch');
    const { statement: _, ...unstated } = head;
    expect(() => checkWitnessedHead(unstated, from, trust, policy)).toThrow('no record of _heads states');
    expect(code({}, policy, await checkpoint('payments', 1))).toBe('proof_mismatch');
    expect(code({}, policy, { ...from, root: Buffer.alloc(32) })).toBe('proof_mismatch');
    expect(code({}, policy, { ...from, size: 9 })).toBe('proof_mismatch');
    expect(code({}, parsePolicy(await new Witnesses().policyText()))).toBe('not_witnessed');
    const [first, second] = trust('x');
    expect(second).toBeUndefined();
    expect(first).toBeDefined();
  });

  it.each([null, {}, { format: 'sealtrail-witnessed/2' }, { format: 'sealtrail-witnessed/1', trail: 'x', from: -1 }])(
    'what is none: %j',
    (value) => expect(() => readWitnessedHead(value)).toThrow('this is no cosigned head'),
  );
});
