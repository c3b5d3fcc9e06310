import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { logger, metrics } from '../../functions/telemetry.ts';
import { requestedVerification, sharedRun, TrailVerification } from '../../functions/trail-verification.ts';
import { verifyList } from '../../functions/work-lists.ts';
import { blockKey } from '../../lib/ledger/items/layout.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { append, bodyOf, type Deployed, deploy, wired } from './deployed.ts';

const FOREVER = new AbortController().signal;

let deployed: Deployed;
let count: MockInstance;
beforeEach(async () => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(logger, level).mockImplementation(() => undefined);
  count = vi.spyOn(metrics, 'addMetric').mockImplementation(() => metrics);
  deployed = await deploy();
  for (const trail of ['orders', 'payments']) await deployed.call(append(trail));
});
afterEach(() => vi.restoreAllMocks());

const counted = (): unknown[] =>
  count.mock.calls.filter(([name]) => name === 'VerificationFailures').map(([, , value]) => value);

describe('a verification on request', () => {
  const call = (method: 'GET' | 'POST', trail: string, body?: string) =>
    deployed.call({
      route: `${method} /v1/trails/{trail}/verifications`,
      parameters: { trail },
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });

  it('answers with the report, counts it, and records it in the trail _system', async () => {
    const result = await call('POST', 'orders', '{"mode":"full"}');
    expect(result.statusCode).toBe(200);
    expect(bodyOf(result)).toMatchObject({ trail: 'orders', mode: 'full', verdict: 'ok', from: 0, to: 1 });
    expect(counted()).toEqual([0]);
    const [record] = await systemEvents();
    expect(record).toMatchObject({ type: 'system.verification_completed', resource: { type: 'trail', id: 'orders' } });
    expect(bodyOf(await call('GET', 'orders'))).toMatchObject({ runs: 1, failures: 0 });
  });

  it('looks at a range alone, counts it, and refuses one that the trail does not have', async () => {
    await deployed.call(append('orders'));
    const result = await call('POST', 'orders', '{"from":1}');
    expect(bodyOf(result)).toMatchObject({ mode: 'range', range: { from: 1, to: 2 }, verdict: 'ok' });
    expect(counted()).toEqual([0]);
    const beyond = await call('POST', 'orders', '{"to":3}');
    expect(beyond.statusCode).toBe(400);
    expect(bodyOf(beyond)).toMatchObject({ code: 'invalid_parameter', field: 'to' });
    expect(counted()).toEqual([0]);
  });

  it('counts damage as the scheduled one does, and is answered all the same', async () => {
    await deployed.table.transact([{ remove: blockKey('orders', 0) }]);
    const result = await call('POST', 'orders');
    expect(bodyOf(result)).toMatchObject({ verdict: 'damaged', problems: [{ kind: 'missing_records' }] });
    expect(counted()).toEqual([1]);
    expect(await systemEvents()).toMatchObject([{ type: 'security.verification_failed', severity: 'critical' }]);
  });

  it('is begun once where the gateway gave up and the client asks again, and found under its id', async () => {
    const key = { 'content-type': 'application/json', 'idempotency-key': 'k' };
    const ask = (headers: Record<string, string>) =>
      deployed.call({
        route: 'POST /v1/trails/{trail}/verifications',
        parameters: { trail: 'orders' },
        headers,
        body: '{"mode":"full"}',
      });
    const gate = Promise.withResolvers<void>();
    const { ledger } = deployed.log;
    const head = ledger.head.bind(ledger);
    vi.spyOn(ledger, 'head').mockImplementation((trail) => gate.promise.then(() => head(trail)));
    const asked = await ask({ ...key, prefer: 'respond-async' });
    const again = await ask({ ...key, prefer: 'wait=0' });
    const other = await ask({ ...key, 'idempotency-key': 'l', prefer: 'wait=0' });
    expect([asked, again, other].map(({ statusCode }) => statusCode)).toEqual([202, 202, 202]);
    const { id } = bodyOf(asked);
    expect([bodyOf(again).id, bodyOf(other).id]).toEqual([id, id]);
    gate.resolve();
    const look = async () =>
      bodyOf(
        await deployed.call({
          route: 'GET /v1/trails/{trail}/verifications/{verification}',
          parameters: { trail: 'orders', verification: String(id) },
        }),
      );
    await expect.poll(look).toMatchObject({ id, state: 'done', report: { mode: 'full', verdict: 'ok' } });
    expect(counted()).toEqual([0]);
  });

  it('is what an invocation by itself asks for, and the schedule asks for none', () => {
    const verify = { trail: 'orders', id: 'f'.repeat(32) };
    expect(requestedVerification({ verify })).toEqual(verify);
    expect(requestedVerification({ source: 'aws.events', 'detail-type': 'Scheduled Event' })).toBeUndefined();
  });

  it('of a trail that is not there counts for nothing', async () => {
    expect((await call('POST', 'nothing')).statusCode).toBe(404);
    expect(counted()).toEqual([]);
  });

  it('leaves the signature under its record to the sealer: the function may not sign', async () => {
    const { table, objects, signer } = deployed;
    const log = wired({ table, objects, signers: [signer] }, { signs: false });
    const before = signer.signed;
    await new TrailVerification(log).verify('orders');
    expect(signer.signed).toBe(before);
    expect(count.mock.calls.map(([name]) => name)).not.toContain('Unsealed');
    expect((await log.ledger.seal('_system'))?.size).toBe(1);
  });

  async function systemEvents(): Promise<unknown[]> {
    const events: unknown[] = [];
    for await (const { lines } of deployed.log.ledger.blocks('_system', { from: 0, to: 100 })) {
      events.push(...lines.map((line) => JSON.parse(line).event));
    }
    return events;
  }
});

describe('the scheduled verification', () => {
  it('counts no failure where all is well, so that silence is no good news', async () => {
    await new TrailVerification(deployed.log).run(FOREVER);
    expect(counted()).toEqual([0]);
  });

  it('counts a trail that was damaged, and looks at the others too', async () => {
    await deployed.table.transact([{ remove: blockKey('orders', 0) }]);
    await new TrailVerification(deployed.log).run(FOREVER);
    expect(counted()).toEqual([1]);
    expect(logger.error).toHaveBeenCalledWith(
      'verification found damage',
      expect.objectContaining({
        trail: 'orders',
        reason: expect.stringContaining('verification of trail orders found'),
      }),
    );
  });

  it('does not take a trail that it could not look at for one that is right', async () => {
    const unavailable = new SealtrailError('unavailable', 'DynamoDB did not answer');
    vi.spyOn(deployed.log.ledger, 'head').mockRejectedValue(unavailable);
    await expect(new TrailVerification(deployed.log).run(FOREVER)).rejects.toMatchObject({
      code: 'unavailable',
      message: '2 trails could not be verified',
    });
    expect(counted()).toEqual([2]);
  });

  it('counts what it had no time for, and how long that has been waiting; the next one goes on with it', async () => {
    await new TrailVerification(deployed.log).run(FOREVER);
    await deployed.call(append('orders'));
    const list = verifyList(deployed.table);
    await list.note('orders', Date.now() - 7_200_000);
    count.mockClear();
    await expect(new TrailVerification(deployed.log).run(AbortSignal.abort())).rejects.toThrow('1 trails');
    expect(counted()).toEqual([1]);
    const lag = () => count.mock.calls.filter(([name]) => name === 'VerificationLag').map(([, , value]) => value);
    expect(lag()).toEqual([expect.toSatisfy((ms: number) => ms >= 7_200_000)]);
    await new TrailVerification(deployed.log).run(FOREVER);
    expect(counted()).toEqual([1, 0]);
    expect(lag()[1]).toBe(0);
    expect(await deployed.log.verifier.status('orders')).toMatchObject({ runs: 2, report: { from: 1, to: 2 } });
    expect(await list.all()).toEqual([]);
  });

  it('comes back each hour to a trail that is damaged', async () => {
    await deployed.table.transact([{ remove: blockKey('orders', 0) }]);
    await new TrailVerification(deployed.log).run(FOREVER);
    expect(await verifyList(deployed.table).find('orders')).toBeDefined();
    expect(await verifyList(deployed.table).find('payments')).toBeUndefined();
  });

  it('leaves a trail with more than a run may get through to lanes, and keeps it on the list until they are through', async () => {
    const list = verifyList(deployed.table);
    await new TrailVerification(deployed.log).run(FOREVER);
    await list.note('orders', Date.now() - 7_200_000);
    const verification = new TrailVerification(deployed.log);
    const extent = vi.spyOn(verification, 'extent').mockResolvedValue({ from: 0, to: 1_000_000_000 });
    const request = vi.fn();
    const help = { verifications: { request, revive: async () => 0 }, another: async () => undefined };
    count.mockClear();
    await verification.run(FOREVER, 900_000, help);
    expect(request.mock.calls).toEqual([['orders', 'incremental', { name: 'sealtrail' }]]);
    expect(counted()).toEqual([0]);
    const lag = count.mock.calls.find(([name]) => name === 'VerificationLag')?.[2];
    expect(lag).toBeGreaterThanOrEqual(7_200_000);
    expect((await list.find('orders'))?.dueAt).toBeLessThan(Date.now() - 7_000_000);
    extent.mockRestore();
    await verification.run(FOREVER, 900_000, help);
    expect(await list.find('orders')).toBeUndefined();
  });

  it('is shared where many trails wait, and goes on in another run where time ran out', async () => {
    const list = verifyList(deployed.table);
    await new TrailVerification(deployed.log).run(FOREVER);
    for (let n = 0; n < 500; n++) await list.note(`trail-${n}`);
    const shares: unknown[] = [];
    const ends = new AbortController();
    const revive = async (): Promise<number> => {
      ends.abort();
      return 0;
    };
    const help = {
      verifications: { request: async () => expect.fail(), revive },
      another: async (share: unknown) => void shares.push(share),
    };
    const run = new TrailVerification(deployed.log).run(ends.signal, 900_000, help);
    await expect(run).rejects.toThrow('could not be verified');
    expect(shares.slice(0, 3)).toEqual([1, 2, 3].map((at) => ({ at, of: 4 })));
    expect(sharedRun({ share: shares[0] })).toEqual({ at: 1, of: 4 });
    expect(sharedRun({ source: 'aws.events' })).toBeUndefined();
  });
});
