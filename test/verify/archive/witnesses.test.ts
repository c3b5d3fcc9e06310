import { describe, expect, it } from 'vitest';
import { toBase64 } from '../../../lib/log/encoding.ts';
import { parsePolicy } from '../../../lib/log/policy.ts';
import type { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { parseTrustedKeys, type VerifyOptions, verifyArchive } from '../../../lib/verify/index.ts';
import { WitnessedLog, Witnesses } from '../../followers/witnesses/witnessed-log.ts';

/** The promise: with a policy, whatever its witnesses did not cosign is named, and what they cosigned cannot be taken back. */

async function setUp() {
  const witnesses = new Witnesses();
  const policy = await witnesses.policy();
  const log = new WitnessedLog(witnesses, { policy, everyMs: 0 });
  const spki = await witnesses.signer.publicKey();
  const trust = parseTrustedKeys(`spki:${toBase64(spki)}\n`);
  const verify = (objects: MemoryObjects, more: Partial<VerifyOptions> = {}) =>
    verifyArchive(objects, { trust, policy, ...more });
  const kinds = async (objects: MemoryObjects, more: Partial<VerifyOptions> = {}) =>
    (await verify(objects, more)).problems
      .filter(({ kind }) => kind !== 'stale_checkpoint')
      .map(({ kind, trail }) => `${kind} ${trail}`);
  await log.append('orders', 3);
  await log.append('payments', 2);
  await log.witness('orders', 'payments');
  return { witnesses, policy, log, trust, verify, kinds, spki };
}

/** An archive with an object changed (undefined: gone). */
async function changed(log: WitnessedLog, change: (name: string, text: string) => string | undefined | null) {
  const { objects } = log.copy();
  for await (const { key } of log.objects.list('')) {
    const text = Buffer.from((await objects.get(key)) ?? []).toString('latin1');
    const to = change(key, text);
    if (to === null) continue;
    objects.tamper(key, to === undefined ? undefined : Buffer.from(to, 'latin1'));
  }
  return objects;
}

describe('an archive that witnesses cosigned', () => {
  it('is ok, and the report says who cosigned what and when', async () => {
    const { log, verify } = await setUp();
    const report = await verify(log.objects);
    expect(report.problems.filter(({ kind }) => kind !== 'stale_checkpoint')).toEqual([]);
    const time = expect.any(Number);
    expect(report.witnesses).toEqual({
      size: 2,
      by: ['1', '2', '3'].map((n) => ({ witness: `W${n}`, key: `w${n}.example`, time })),
    });
    expect(report.trails.map(({ trail, witnessed }) => [trail, witnessed])).toEqual([
      ['_heads', 2],
      ['orders', 3],
      ['payments', 2],
    ]);
    expect(report.expectedTrails?.find(({ trail }) => trail === 'payments')?.evidence).toContain('head_statement');
  });

  it('is as before without a policy', async () => {
    const { log, verify } = await setUp();
    const report = await verifyArchive(log.objects, { trust: await setUpTrust(log) });
    expect(report).not.toHaveProperty('witnesses');
    expect(report.trails[0]).not.toHaveProperty('witnessed');
    expect(verify).toBeDefined();
  });

  it('with single trails, looks at the heads too; a range has no witnesses', async () => {
    const { log, verify } = await setUp();
    const report = await verify(log.objects, { trails: ['orders'] });
    expect(report.trails.map(({ trail, witnessed }) => [trail, witnessed])).toEqual([
      ['_heads', 2],
      ['orders', 3],
    ]);
    await expect(verify(log.objects, { trails: ['orders'], range: { from: 0 } })).rejects.toMatchObject({
      code: 'usage',
    });
  });

  it('may have records that are too new to be cosigned', async () => {
    const { log, verify } = await setUp();
    await log.append('orders');
    await log.state('orders');
    const report = await verify(log.objects);
    expect(report.problems.filter(({ kind }) => kind !== 'stale_checkpoint')).toEqual([]);
    expect(report.skipped.filter(({ why }) => why.startsWith('not under cosigned heads'))).toEqual([
      { trail: '_heads', records: { from: 2, to: 3 }, why: expect.any(String) },
      { trail: 'orders', records: { from: 3, to: 4 }, why: expect.any(String) },
    ]);
  });
});

describe('what is missed', () => {
  it('cosignatures that were cut out', async () => {
    const { log, verify } = await setUp();
    const cut = await changed(log, (name, text) =>
      name.includes('/witnessed/')
        ? text
            .split('\n')
            .filter((line) => !line.includes(' w'))
            .join('\n')
        : null,
    );
    const report = await verify(cut);
    expect(report.problems).toContainEqual(expect.objectContaining({ kind: 'not_witnessed', trail: '_heads' }));
    expect(report.witnesses).toEqual({ by: [] });
    const gone = await changed(log, (name) => (name.includes('/witnessed/') ? undefined : null));
    expect((await verify(gone)).verdict).toBe('incomplete');
  });

  it('a cosignature that does not hold, and a cosigned checkpoint that is not the archived one', async () => {
    const { log, kinds } = await setUp();
    const bad = await changed(log, (name, text) =>
      name.includes('/witnessed/') ? text.replace(/.{9}\n$/, 'AAAAAAA=\n').replace('=AAAAAAA=', 'AAAAAAAA') : null,
    );
    expect(await kinds(bad)).toEqual(expect.arrayContaining(['not_witnessed _heads']));
    const swapped = await changed(log, (name) => (name.endsWith('/witnessed/2') ? 'nonsense' : null));
    expect(await kinds(swapped)).toEqual(['not_witnessed _heads', 'malformed_checkpoint _heads']);
  });

  it('a policy of other witnesses', async () => {
    const { log, kinds } = await setUp();
    const other = parsePolicy(await new Witnesses().policyText());
    expect(await kinds(log.objects, { policy: other })).toEqual(['not_witnessed _heads']);
  });

  it('a whole trail, with everything else that names it', async () => {
    const { log, kinds } = await setUp();
    const without = await changed(log, (name) => (/^(payments|keys|_system)\//.test(name) ? undefined : null));
    expect(await kinds(without)).toContain('missing_trail payments');
  });

  it('the end of a trail that a head covers', async () => {
    const { log, kinds } = await setUp();
    const before = log.copy().objects;
    await log.append('orders');
    await log.witness('orders');
    // The newest records of orders are taken out: what is left is the archive as it was, but for the heads.
    const names = new Set<string>();
    for await (const { key } of before.list('orders/')) names.add(key);
    const cut = await changed(log, (name) => (name.startsWith('orders/') && !names.has(name) ? undefined : null));
    expect(await kinds(cut)).toContain('rolled_back orders');
  });

  it('records that are older than ten minutes and never were cosigned', async () => {
    const { log, verify } = await setUp();
    const { now } = Date;
    try {
      Date.now = () => now() - 3_600_000;
      const late = await setUp();
      await late.log.append('orders');
      await late.log.state('orders');
      Date.now = now;
      const report = await verifyArchive(late.log.objects, { trust: late.trust, policy: late.policy });
      expect(report.problems.filter(({ kind }) => kind === 'not_witnessed')).toMatchObject([
        { trail: '_heads', seq: 2, lastSeq: 2 },
        { trail: 'orders', seq: 3, lastSeq: 3 },
      ]);
    } finally {
      Date.now = now;
    }
    expect((await verify(log.objects)).witnesses?.size).toBe(2);
  });
});

describe('a log that was put back', () => {
  it('is contradicted by what the witnesses showed it, with its own signature', async () => {
    const { log, kinds } = await setUp();
    const restored = log.copy();
    await log.append('orders');
    await log.append('refunds');
    await log.append('returns');
    await log.witness('orders', 'refunds', 'returns');
    await restored.append('payments');
    await restored.state('payments');
    await expect(restored.follower.run('_heads')).rejects.toMatchObject({ code: 'history_conflict' });
    await restored.state('_system');
    expect(await kinds(restored.objects)).toEqual(
      expect.arrayContaining(['rolled_back _heads', 'witness_conflict _system']),
    );
  });

  it('and grew beyond what they cosigned: it has two histories', async () => {
    const { log, kinds } = await setUp();
    const fork = log.copy();
    await log.append('refunds');
    await log.witness('refunds');
    for (const trail of ['orders', 'payments', 'returns']) {
      await fork.append(trail);
      await fork.state(trail);
    }
    await expect(fork.follower.run('_heads')).rejects.toMatchObject({ code: 'history_conflict' });
    await fork.state('_system');
    expect(await kinds(fork.objects)).toContain('history_rewritten _heads');
  });
});

/** The trust of a log's own key, by PEM. */
async function setUpTrust(log: WitnessedLog) {
  const [verifier] = await log.log.ledger.verifiers('orders');
  return parseTrustedKeys(`spki:${toBase64(verifier?.spki ?? new Uint8Array())}\n`);
}
