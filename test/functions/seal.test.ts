import type { DynamoDBRecord } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { answer } from '../../functions/gateway.ts';
import { askReceipt, InvokedArchiver } from '../../functions/seal-requests.ts';
import { logger, metrics } from '../../functions/telemetry.ts';
import { TrailFollowing } from '../../functions/trail-following.ts';
import { Router } from '../../lib/api/core/router.ts';
import { ADMIN_ROUTES } from '../../lib/api/groups.ts';
import { wireLog } from '../../lib/app/log.ts';
import { checkCoseReceipt } from '../../lib/cose/receipt.ts';
import { Archiver } from '../../lib/followers/archive/archiver.ts';
import { LegalHoldOrders } from '../../lib/followers/legal-hold/legal-hold-requests.ts';
import { openCheckpoint } from '../../lib/log/checkpoint.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { invoked, type Said } from '../store/lambda/invocations.ts';
import { append, bodyOf, type Deployed, deploy } from './deployed.ts';
import { gatewayEvent, USER } from './events.ts';

/**
 * The promise: an administrator's call is answered as if the function did the work itself, which may neither sign nor write the
 * archive. It asks `follow` over Lambda's wire, here one on the loopback interface. The worst day: `follow` finds what someone
 * forged, is cut off, takes minutes, or is of another version.
 */

const FOREVER = new AbortController().signal;

let deployed: Deployed;
let following: TrailFollowing;
let error: MockInstance;
let count: MockInstance;
beforeEach(async () => {
  for (const level of ['info', 'warn'] as const) vi.spyOn(logger, level).mockImplementation(() => undefined);
  error = vi.spyOn(logger, 'error').mockImplementation(() => undefined);
  count = vi.spyOn(metrics, 'addMetric').mockImplementation(() => metrics);
  deployed = await deploy();
  following = new TrailFollowing(deployed.log);
});
afterEach(() => vi.restoreAllMocks());

const counted = (name: string): unknown[] => count.mock.calls.filter(([of]) => of === name).map(([, , value]) => value);
/** What was logged of what went wrong. */
const reasons = (): unknown[] => error.mock.calls.map(([, { reason }]) => reason);

/** As Lambda runs `follow`: what it is given and what it answers are JSON. */
const follow = async (payload: string): Promise<{ readonly answer: string }> => ({
  answer: JSON.stringify(await following.seal(JSON.parse(payload), FOREVER)),
});

/** The function `seal`, which reaches `follow` by `run`. */
async function sealing(
  run: (payload: string) => Promise<Said> = follow,
  { timeoutMs = 10_000 }: { readonly timeoutMs?: number } = {},
) {
  const { table } = deployed;
  const { ledger } = wireLog({ table, signers: [] }, { logName: 'audit.example.com', signs: false });
  const follower = await invoked(({ payload }) => run(payload), { timeoutMs });
  const services = {
    archiver: new InvokedArchiver(follower),
    legalHolds: new LegalHoldOrders({ table, ledger }),
    coseReceipt: (trail: string, seq: number) => askReceipt(follower, trail, seq),
  };
  const router = new Router(ADMIN_ROUTES);
  const call = (method: 'GET' | 'POST', path: string, trail: string, body?: string) => {
    const route = `${method} /v1/trails/{trail}/${path}`;
    const event = gatewayEvent({ route, parameters: { trail }, ...(body === undefined ? {} : { body }) });
    return answer(event, { router, services: async () => services, actions: ['admin'] });
  };
  const receipt = (seq: string, trail = 'orders') => {
    const route = 'GET /v1/trails/{trail}/events/{seq}/receipt';
    const event = gatewayEvent({ route, parameters: { trail, seq } });
    return answer(event, { router, services: async () => services, actions: ['admin', 'read', 'verify'] });
  };
  return { call, receipt, seal: (trail = 'orders') => call('POST', 'seals', trail) };
}

describe('a seal on request', () => {
  it('is made by follow, and answered with the checkpoint that covers the archive', async () => {
    await deployed.call(append('orders'));
    await deployed.call(append('orders'));
    const { seal } = await sealing();
    const result = await seal();
    expect(result.statusCode).toBe(200);
    const { trail, size, checkpoint } = bodyOf(result);
    expect({ trail, size }).toEqual({ trail: 'orders', size: 2 });
    const verifiers = await deployed.log.ledger.verifiers('orders');
    expect(openCheckpoint(String(checkpoint), 'audit.example.com/orders', verifiers)).toMatchObject({ size: 2 });
    expect(await deployed.log.archiver.status('orders')).toMatchObject({ size: 2, archived: 2, sealed: 2 });
    expect(counted('FollowerFailures')).toEqual([]);
  });

  it('of a trail without a record seals nothing, and says that there is none', async () => {
    const { seal } = await sealing();
    expect(bodyOf(await seal('nothing'))).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('is for the trails of the system too, and for no name that could be another key', async () => {
    const asked: string[] = [];
    const { seal } = await sealing((payload) => {
      asked.push(payload);
      return follow(payload);
    });
    expect((await seal('_system')).statusCode).toBe(404); // asked for, and without a record here
    expect((await seal('orders/../keys')).statusCode).toBe(400);
    expect(asked).toEqual(['{"seal":"_system"}']);
  });
});

describe('a COSE receipt on request', () => {
  const receipts = async (payload: string): Promise<{ readonly answer: string }> => ({
    answer: JSON.stringify(await following.receipt(JSON.parse(payload))),
  });

  it('is signed by follow, for a record and under the root that the log has signed', async () => {
    await deployed.call(append('orders'));
    await deployed.call(append('orders'));
    const { receipt } = await sealing(receipts);
    const result = await receipt('1');
    expect(result.statusCode).toBe(200);
    const { ledger } = deployed.log;
    const keys = await ledger.verifiers('orders');
    const line = (await ledger.record('orders', 1)) ?? '';
    const bytes = Buffer.from(String(bodyOf(result).receipt), 'base64');
    expect(checkCoseReceipt(bytes, line, () => keys)).toMatchObject({ size: 2, index: 1 });
  });

  it('is not there for what the log has not, nor for a name that could be another key', async () => {
    await deployed.call(append('orders'));
    const { receipt } = await sealing(receipts);
    expect(bodyOf(await receipt('7'))).toMatchObject({ status: 404, code: 'not_found' });
    expect((await receipt('0', 'orders/../keys')).statusCode).toBe(400);
    const odd = { receipt: { trail: '../keys', seq: 0 } };
    for (const request of [odd, { receipt: { trail: 'orders', seq: -1 } }, {}, null]) {
      expect(await following.receipt(request)).toMatchObject({ failed: { code: 'invalid_parameter' } });
    }
    const { receipt: old } = await sealing(async () => ({ answer: '{"sealed":null}' }));
    expect(bodyOf(await old('0'))).toMatchObject({ status: 503 });
  });
});

describe('a seal that fails', () => {
  it('because someone put an object in the way raises the alarm where it was found, and tells the caller that there is one', async () => {
    await deployed.call(append('orders'));
    await deployed.objects.put('orders/checkpoints/1', Buffer.from('not what the log would write'));
    const { seal } = await sealing();
    const result = await seal();
    expect(result.statusCode).toBe(500);
    expect(bodyOf(result)).toMatchObject({ code: 'archive_damaged' });
    expect(result.body).not.toContain('checkpoints/1');
    expect(counted('Tampering')).toEqual([1]);
    expect(error.mock.calls.map(([what]) => what)).toEqual([
      'what is stored is not what was sealed',
      'a request failed',
    ]);
    for (const reason of reasons()) expect(reason).toMatch(/object_differs: /);
  });

  it('because KMS is away says so, with the code that it has everywhere', async () => {
    const away = new SealtrailError('signer_unavailable', 'KMS did not sign: TimeoutError');
    deployed.signer.failures = [away, away];
    await deployed.call(append('orders'));
    const { seal } = await sealing();
    const result = await seal();
    expect([result.statusCode, result.headers?.['retry-after']]).toEqual([503, '1']);
    expect(bodyOf(result)).toMatchObject({ code: 'signer_unavailable' });
    expect(counted('FollowerFailures')).toEqual([1]);
    expect(counted('Tampering')).toEqual([]);
    expect((await seal()).statusCode).toBe(200);
  });

  it('by what no one foresaw keeps it in the log of follow', async () => {
    await deployed.call(append('orders'));
    vi.spyOn(Archiver.prototype, 'seal').mockRejectedValue(new TypeError('cannot read needle of undefined'));
    const wire: string[] = [];
    const { seal } = await sealing(async (payload) => {
      const said = await follow(payload);
      wire.push(said.answer);
      return said;
    });
    const result = await seal();
    expect(bodyOf(result)).toMatchObject({ code: 'internal' });
    expect(`${wire} ${result.body}`).not.toContain('needle');
    expect(reasons()).toEqual([
      expect.stringContaining('needle'),
      'internal: see the log of the function that follows',
    ]);
  });

  it('because follow was cut off can be asked for again; how it ended is in the log', async () => {
    const functionError = '{"errorType":"Sandbox.Timedout","errorMessage":"Task timed out after 300.00 seconds"}';
    const { seal } = await sealing(async () => ({ functionError }));
    const result = await seal();
    expect(result.statusCode).toBe(503);
    expect(bodyOf(result)).toMatchObject({
      ...{ code: 'unavailable', detail: 'the log is not available at the moment: try again' },
    });
    expect(reasons()).toEqual([expect.stringContaining('timed out after 300.00 seconds')]);
  });

  it('because all of the account’s functions are busy is a throttle', async () => {
    const { seal } = await sealing(async () => ({ status: 429, refusal: 'TooManyRequestsException' }));
    const result = await seal();
    expect(result.statusCode).toBe(503);
    expect(bodyOf(result)).toMatchObject({ code: 'throttled', detail: 'the log is busy: try again' });
  });

  it.each([
    ['a version that swept instead', 'null'],
    ['one with a code that this one does not know', '{"failed":{"code":"too_new","message":"?"}}'],
    ['one with a code that is no code', '{"failed":{"code":"toString","message":"?"}}'],
    ['one that says both', '{"sealed":{"size":-1,"note":""}}'],
  ])('because what follow answered is no answer, such as of %s, is to be tried again', async (_, said) => {
    const { seal } = await sealing(async () => ({ answer: said }));
    const result = await seal();
    expect(result.statusCode).toBe(503);
    expect(bodyOf(result)).toMatchObject({ code: 'unavailable' });
    expect(reasons()).toEqual([expect.stringMatching(/^unavailable: a request to seal was not answered/)]);
  });
});

describe('a seal that takes longer than an answer may', () => {
  it('goes on, and is found done when it is asked for again', async () => {
    await deployed.call(append('orders'));
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const done: Promise<unknown>[] = [];
    const { seal } = await sealing(
      (payload) => {
        const made = held.then(() => follow(payload));
        done.push(made);
        return made;
      },
      { timeoutMs: 300 },
    );
    const first = await seal();
    expect(first.statusCode).toBe(503);
    expect(bodyOf(first)).toMatchObject({
      ...{ code: 'outcome_unknown', detail: 'this takes longer than an answer may, and goes on: ask again' },
    });
    letGo();
    await Promise.all(done);
    const { writes } = deployed.objects.faults;
    expect(bodyOf(await seal())).toMatchObject({ trail: 'orders', size: 1 });
    expect(deployed.objects.faults.writes).toBe(writes);
  });

  it('longer than follow has time for is stopped in good order, and is completed by the next one', async () => {
    await deployed.call(append('orders'));
    expect(await following.seal({ seal: 'orders' }, AbortSignal.abort())).toEqual({
      failed: { code: 'unavailable', message: 'the seal of trail orders was stopped: ask again' },
    });
    const { seal } = await sealing();
    expect(bodyOf(await seal())).toMatchObject({ size: 1 });
  });
});

describe('a request to seal', () => {
  it.each([[{ seal: 'orders/../keys' }], [{ seal: '' }], [{ seal: 7 }], [{ seal: 'orders', force: true }], [null]])(
    'is refused by follow when it is %j, before anything is looked at',
    async (order) => {
      const reads = vi.spyOn(deployed.table, 'get');
      expect(await following.seal(order, FOREVER)).toEqual({
        failed: { code: 'invalid_trail', message: 'a request to seal must name a trail' },
      });
      expect(reads).not.toHaveBeenCalled();
    },
  );
});

describe('a legal hold', () => {
  const HOLD = '{"held":true,"reason":"case 7"}';
  /** The stream record of a trail's first append. */
  const begun = (trail: string): DynamoDBRecord => ({
    ...{ eventID: 'id-1', eventName: 'INSERT' },
    dynamodb: { Keys: { partition: { S: `head/${trail}` }, sort: { S: 'head' } }, SequenceNumber: '1' },
  });

  it('is noted and recorded without a signature, and follow signs the record and carries the hold to the archive', async () => {
    await deployed.call(append('orders'));
    await deployed.log.archiver.seal('orders');
    const { signed } = deployed.signer;
    const { call } = await sealing();
    const result = await call('POST', 'legal-hold', 'orders', HOLD);
    expect(bodyOf(result)).toMatchObject({ trail: 'orders', held: true, by: USER, reason: 'case 7', objects: 0 });
    expect(deployed.signer.signed).toBe(signed);
    expect(await deployed.log.ledger.checkpoint('_system')).toBeUndefined();

    await following.batch([begun('_system')], FOREVER);
    expect(await deployed.log.ledger.checkpoint('_system')).toMatchObject({ size: 1 });
    await following.sweep(FOREVER);
    const holds = new Set<boolean>();
    for await (const { key, version } of deployed.objects.versions('orders/')) {
      holds.add(await deployed.objects.isHeld(key, version));
    }
    expect(holds).toEqual(new Set([true]));
    expect(bodyOf(await call('GET', 'legal-hold', 'orders'))).toMatchObject({
      held: true,
      objects: expect.any(Number),
    });
  });

  it('asks nothing of follow, which may be busy', async () => {
    await deployed.call(append('orders'));
    const { call } = await sealing(() => Promise.reject(new Error('not to be asked')));
    expect((await call('POST', 'legal-hold', 'orders', HOLD)).statusCode).toBe(200);
    expect((await call('GET', 'legal-hold', 'orders')).statusCode).toBe(200);
  });
});
