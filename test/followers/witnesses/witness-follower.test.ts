import { describe, expect, it } from 'vitest';
import { assertUsable } from '../../../lib/followers/witnesses/usable-policy.ts';
import type { WitnessSettings } from '../../../lib/followers/witnesses/witness-follower.ts';
import { readWitnessState } from '../../../lib/followers/witnesses/witness-state.ts';
import { evaluatePolicy, parsePolicy } from '../../../lib/log/policy.ts';
import { LOG_NAME, WitnessedLog, Witnesses } from './witnessed-log.ts';

/** The promise: a quorum's cosignatures are archived, nothing waits for a witness, and one that knows better is heard. */

async function setUp(settings: Partial<WitnessSettings> = {}) {
  const witnesses = new Witnesses();
  const policy = await witnesses.policy();
  const log = new WitnessedLog(witnesses, { policy, everyMs: 0, ...settings });
  const archived = async (size: number) => {
    const bytes = await log.objects.get(`_heads/witnessed/${size}`);
    return bytes && evaluatePolicy(policy, Buffer.from(bytes).toString());
  };
  return { witnesses, policy, log, archived };
}

describe('with witnesses that answer', () => {
  it('archives the checkpoint of the heads with their cosignatures', async () => {
    const { log, archived, witnesses } = await setUp();
    await log.append('orders', 3);
    await log.witness('orders');
    expect(await archived(1)).toMatchObject({ isValid: true, checkpoint: { size: 1 } });
    expect((await archived(1))?.by.map(({ witness }) => witness)).toEqual(['W1', 'W2', 'W3']);
    expect(await log.follower.status()).toEqual({
      size: 1,
      witnessed: 1,
      lagMs: 0,
      witnesses: ['W1', 'W2', 'W3'].map((name) => ({ name, size: 1 })),
    });
    await log.append('orders');
    await log.witness('orders');
    expect(await archived(2)).toMatchObject({ isValid: true });
    expect(witnesses.requests.slice(3)).toEqual(['w1.example old 1', 'w2.example old 1', 'w3.example old 1']);
    await log.follower.run('_heads');
    expect(witnesses.requests).toHaveLength(6);
  });

  it('goes on where a process died before it noted what it archived', async () => {
    const { log, archived, witnesses } = await setUp();
    await log.append('orders');
    await log.state('orders');
    const died = log.copy();
    await log.follower.run('_heads');
    const first = await archived(1);
    // The other process finds the object of the first, with lines of another second.
    const bytes = await log.objects.get('_heads/witnessed/1');
    await died.objects.put('_heads/witnessed/1', bytes ?? new Uint8Array());
    witnesses.now += 5_000;
    await died.follower.run('_heads');
    expect((await readWitnessState(died.table)).note).toBe(Buffer.from(bytes ?? '').toString());
    expect(first?.isValid).toBe(true);
    expect(witnesses.requests).toContain('w1.example old 1');
  });

  it('asks no more often than it is told to', async () => {
    const { log, witnesses } = await setUp({ everyMs: 15_000 });
    await log.append('orders');
    await log.append('payments');
    await log.witness('orders');
    await log.state('payments');
    await log.follower.run('_heads');
    expect(witnesses.requests).toHaveLength(3);
    expect(log.follower.revisit('_heads')).toBe(15_000);
    log.now += 15_000;
    await log.follower.run('_heads');
    expect(witnesses.requests).toHaveLength(6);
    await log.follower.run('orders');
    expect(log.follower.revisit('orders')).toBeUndefined();
  });
});

describe('with witnesses that do not answer', () => {
  it('is content with a quorum, and asks the others again after a while', async () => {
    const { log, witnesses, archived } = await setUp();
    witnesses.stop('w2.example');
    await log.append('orders');
    await log.witness('orders');
    expect((await archived(1))?.by.map(({ witness }) => witness)).toEqual(['W1', 'W3']);
    witnesses.start('w2.example');
    log.now += 60_000;
    await log.append('orders');
    await log.witness('orders');
    expect((await archived(2))?.by.map(({ witness }) => witness)).toEqual(['W1', 'W2', 'W3']);
  });

  it('collects cosignatures until they are enough, says how far it lags, and raises an alarm', async () => {
    const { log, witnesses, archived } = await setUp({ alarmMs: 60_000 });
    witnesses.stop('w2.example', 'w3.example');
    await log.append('orders');
    await log.witness('orders');
    expect(await archived(1)).toBeUndefined();
    const wait = log.follower.revisit('_heads') ?? 0;
    expect(wait).toBeGreaterThanOrEqual(1_000);
    expect(wait).toBeLessThanOrEqual(2_000);
    log.now += 61_000;
    await expect(log.follower.run('_heads')).rejects.toMatchObject({
      code: 'not_witnessed',
      message: expect.stringMatching(
        /^for \d+ seconds .*\(the quorum two\)\. W2: connect ECONNREFUSED w2.example; W3: /,
      ),
    });
    await log.follower.run('_heads'); // The alarm is not repeated at once.
    expect((await log.follower.status()).lagMs).toBeGreaterThan(60_000);
    witnesses.start('w3.example');
    log.now += 120_000;
    await log.follower.run('_heads');
    expect((await archived(1))?.by.map(({ witness }) => witness)).toEqual(['W1', 'W3']);
    expect(witnesses.requests.filter((request) => request.startsWith('w1'))).toHaveLength(1);
  });

  it.each([
    ['an error', async () => ({ status: 500, body: 'oh' }), 'it refused the checkpoint (500 "oh")'],
    ['an unknown log', async () => ({ status: 404, body: '' }), 'it does not know the log'],
    ['nonsense', async () => ({ status: 200, body: 'hello' }), 'its answer is no cosignature'],
    ['the cosignature of another', undefined, 'its answer has no line by its key'],
    ['409 without a size', async () => ({ status: 409, body: 'x' }), '409 without another size'],
    ['409 with what it was sent', async () => ({ status: 409, body: '0\n' }), '409 without another size'],
  ])('takes %s for no cosignature', async (_what, answer, reason) => {
    const { log, witnesses } = await setUp();
    const honest = witnesses.send;
    const send = answer ?? ((url: string, body?: string) => honest(url.replace('w1', 'w3'), body));
    Object.assign(witnesses, { send });
    const lied = new WitnessedLog(witnesses, { policy: await witnesses.policy(), everyMs: 0 });
    await lied.append('orders');
    await lied.witness('orders');
    expect((await lied.follower.status()).witnesses[0]?.error).toContain(reason);
    expect(log.follower.revisit('_heads')).toBeUndefined();
  });
});

describe('with witnesses that know better', () => {
  it('records that the log was rolled back, with both signed checkpoints, once', async () => {
    const { log } = await setUp();
    await log.append('orders');
    await log.witness('orders');
    const restored = log.copy();
    await log.append('orders');
    await log.append('payments');
    await log.witness('orders', 'payments');
    await restored.append('orders');
    await restored.state('orders');
    await expect(restored.follower.run('_heads')).rejects.toMatchObject({ code: 'history_conflict' });
    const conflicts = (await restored.events('_system')).filter(({ type }) => type === 'witness.conflict');
    expect(conflicts.map(({ details }) => [details.witness, details.kind, details.size])).toEqual([
      ['W1', 'ahead', 3],
      ['W2', 'ahead', 3],
      ['W3', 'ahead', 3],
    ]);
    // Evidence that holds without the witness: both notes are signed by the log's own key.
    const [first] = conflicts;
    const { policy } = await setUp();
    for (const [name, size] of [
      ['submitted', 2],
      ['evidence', 3],
    ] as const) {
      const note = ((first?.details[name] ?? []) as string[]).join('\n');
      expect(evaluatePolicy(policy, note).checkpoint.size).toBe(size);
      expect(note.split('\n')).toContainEqual(
        expect.stringMatching(/^— audit\.example\.com\/_heads [A-Za-z0-9+/=]{90,}$/),
      );
    }
    await restored.follower.run('_heads');
    restored.now += 400_000;
    await restored.follower.run('_heads');
    expect((await restored.events('_system')).filter(({ type }) => type === 'witness.conflict')).toHaveLength(3);
    expect((await restored.follower.status()).witnesses[0]?.conflict).toContain('rolled back');
  });

  it('records that the log has two histories once it has outgrown the other', async () => {
    const { log } = await setUp();
    await log.append('orders');
    await log.witness('orders');
    const fork = log.copy();
    await log.append('payments');
    await log.witness('payments');
    await fork.append('orders');
    await fork.append('refunds');
    await fork.state('orders', 'refunds');
    await expect(fork.follower.run('_heads')).rejects.toThrow('the log has two histories');
    const [conflict] = (await fork.events('_system')).filter(({ type }) => type === 'witness.conflict');
    expect(conflict).toMatchObject({ severity: 'critical', details: { kind: 'forked', size: 2, witness: 'W1' } });
    expect(await fork.objects.get('_heads/witnessed/3')).toBeUndefined();
  });

  it('records that a witness forgot, and goes on with it', async () => {
    const { log, witnesses, archived } = await setUp();
    await log.append('orders');
    await log.witness('orders');
    await log.append('orders');
    const { vkey } = await witnesses.at('w1.example').cosigner();
    const honest = witnesses.send;
    let lies = 1;
    Object.assign(witnesses, {
      send: (url: string, body?: string) =>
        url.includes('w1.') && body !== undefined && lies-- > 0
          ? Promise.resolve({ status: 409, body: '0\n' })
          : honest(url, body),
    });
    const again = new WitnessedLog(witnesses, { policy: await witnesses.policy(), everyMs: 0 }, log.stored);
    await again.state('orders');
    await expect(again.follower.run('_heads')).rejects.toThrow('lost its memory');
    expect(await archived(2)).toMatchObject({ isValid: true });
    const state = await readWitnessState(again.table);
    expect(state.witnesses[vkey]).toMatchObject({ size: 0, conflict: expect.stringContaining('W1') });
  });
});

describe('a policy', () => {
  it('must be one that the log can fulfil', async () => {
    const { witnesses, policy } = await setUp();
    const text = await witnesses.policyText();
    const usable = (changed: string) => () => assertUsable(parsePolicy(changed), LOG_NAME);
    expect(() => assertUsable(policy, LOG_NAME)).not.toThrow();
    expect(usable(text.replaceAll(/ https:\S+/g, ''))).toThrow('are not enough for its quorum');
    expect(usable(text.replace('https://w1', 'ftp://w1'))).toThrow('the URL of the witness W1');
    expect(usable(text.replace('https://w1', 'https://me:it@w1'))).toThrow('the URL of the witness W1');
    expect(usable('quorum none\n')).toThrow('no witness would be asked');
    const log = 'log.example/x+5800330c+ARPRGiaIwfx6xka5nXhdD/rqojPMjrjhm7OCuy+03Ymz';
    expect(usable(`log example.com+5800330c${log.slice(22)}\n${text}`)).toThrow(
      'other logs than audit.example.com/_heads',
    );
  });
});
