import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { wireLog } from '../../../lib/app/log.ts';
import { Archiver } from '../../../lib/followers/archive/archiver.ts';
import {
  assertUsableService,
  Timestamper,
  type TimestampSettings,
} from '../../../lib/followers/timestamps/timestamper.ts';
import { watermarkKey } from '../../../lib/ledger/items/layout.ts';
import { MemoryFiles } from '../../../lib/testing/memory/files.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { parseAuthorities } from '../../../lib/tsp/authorities.ts';
import { checkTimestamp } from '../../../lib/tsp/check-timestamp.ts';
import { Authority } from '../../tsp/authority.ts';

/** The promise: each seal gets a time-stamp, and nothing waits for the service. */

const service = new Authority();
const url = await service.listen();
afterAll(() => service.close());

async function setUp(more: Partial<TimestampSettings> = {}) {
  service.mood = 'well';
  service.requests = 0;
  const settings = { url, authorities: service.root, ...more };
  const objects = new MemoryObjects();
  const table = new MemoryTable();
  const log = wireLog(
    { table, objects, files: new MemoryFiles(), signers: [new MemorySigner()] },
    { logName: 'a.example' },
  );
  const { ledger } = log;
  const clock = { now: Date.now() };
  const lockFor = () => ({ ms: 1000 });
  const made = () => new Timestamper({ table, objects, ledger, settings, lockFor, now: () => clock.now });
  const archiver = new Archiver({ table, objects, ledger });
  let sent = 0;
  const seal = async (trail: string) => {
    const id = `e-${sent++}`;
    await ledger.append({ trail, submitter: 'shop', events: [{ id, json: `{"id":"${id}","type":"a.b"}` }] });
    await archiver.seal(trail);
  };
  const held = async (trail: string, size: number) => {
    const [checkpoint, response] = await Promise.all(
      ['', '.tsr'].map((suffix) => objects.get(`${trail}/checkpoints/${size}${suffix}`)),
    );
    if (checkpoint === undefined || response === undefined) return undefined;
    return checkTimestamp(response, checkpoint, { authorities: parseAuthorities(service.root) });
  };
  return { objects, table, clock, follower: made(), made, seal, held };
}

describe('with a service that answers', () => {
  it('archives a time-stamp over the checkpoint of each seal, locked like all else, and asks once for each', async () => {
    const { follower, seal, held, objects } = await setUp();
    await follower.run('orders');
    expect(service.requests).toBe(0);
    for (const size of [1, 2]) {
      await seal('orders');
      await follower.run('orders');
      await follower.run('orders');
      expect(await held('orders', size)).toMatchObject({ service: 'O=Example, CN=Test stamps' });
    }
    expect(service.requests).toBe(2);
    expect(await follower.status('orders')).toEqual({ sealed: 2, stamped: 2, lagMs: 0 });
    expect(objects.lockedUntil('orders/checkpoints/2.tsr')).toBeDefined();
  });

  it('goes on where a process died before it noted what it archived, and takes nothing else for it', async () => {
    const { follower, seal, held, objects } = await setUp();
    await seal('orders');
    await seal('other');
    await follower.run('orders');
    const first = await objects.get('orders/checkpoints/1.tsr');

    // A time-stamp of the process before, over the same checkpoint: its request had another nonce.
    const before = await setUp();
    await before.seal('orders');
    await before.follower.run('orders');
    const twice = before.made();
    await before.table.transact([{ remove: watermarkKey('orders', 'timestamps') }]);
    await twice.run('orders');
    expect(await before.held('orders', 1)).toBeDefined();
    expect((await twice.status('orders')).stamped).toBe(1);

    await objects.put('other/checkpoints/1.tsr', first ?? new Uint8Array());
    await expect(follower.run('other')).rejects.toMatchObject({ code: 'object_differs' });
    // Nothing can be put in its place, so the alarm is raised once, and the next seal has its own.
    await follower.run('other');
    await seal('other');
    await follower.run('other');
    expect(await held('other', 2)).toBeDefined();
  });
});

describe('with a service that does not', () => {
  it('waits longer each time, says how long, and alarms once', async () => {
    const { follower, seal, held, clock } = await setUp({ alarmMs: 60_000 });
    service.mood = 'dead';
    await seal('orders');
    await follower.run('orders');
    expect(await follower.status('orders')).toEqual({ sealed: 1, stamped: 0, lagMs: 0, error: 'it answered 503' });
    expect(follower.revisit('orders')).toBeGreaterThan(0);
    await follower.run('orders');
    expect(service.requests).toBe(1);
    clock.now += 60_000;
    await expect(follower.run('orders')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^for 60 seconds .* newest seal of orders: http.* it answered 503$/),
    });
    await follower.run('orders');
    expect(service.requests).toBe(2);
    expect(await follower.status('orders')).toMatchObject({ lagMs: 60_000 });
    service.mood = 'well';
    clock.now += 60_000;
    await follower.run('orders');
    expect(await held('orders', 1)).toBeDefined();
    expect(await follower.status('orders')).toEqual({ sealed: 1, stamped: 1, lagMs: 0 });
  });

  it.each([
    ['an answer to another request', 'other'],
    ['no answer at all', 'junk'],
  ] as const)('archives nothing for %s', async (_, kind) => {
    const { follower, seal, objects } = await setUp();
    const other = await setUp();
    await other.seal('orders');
    await other.follower.run('orders');
    const foreign = Buffer.from((await other.objects.get('orders/checkpoints/1.tsr')) ?? []);
    service.mood = kind === 'other' ? foreign : Buffer.alloc(100_000);
    await seal('orders');
    await follower.run('orders');
    expect(await objects.get('orders/checkpoints/1.tsr')).toBeUndefined();
    expect((await follower.status('orders')).error).toMatch(kind === 'other' ? /over other bytes/ : /longer than/);
  });

  it('refuses a certificate of an authority that it was not told to trust', async () => {
    const stranger = new Authority();
    onTestFinished(() => stranger.close());
    const { follower, seal } = await setUp({ authorities: stranger.root });
    await seal('orders');
    await follower.run('orders');
    expect((await follower.status('orders')).error).toMatch(/authority that is trusted/);
  });
});

it('takes the URL of a service over HTTP, without a user', () => {
  for (const url of ['http://tsa.example/', 'https://tsa.example/tsr']) assertUsableService({ url });
  for (const url of ['', 'tsa.example', 'file:///etc/passwd', 'https://me:pw@tsa.example/']) {
    expect(() => assertUsableService({ url })).toThrow(expect.objectContaining({ code: 'invalid_parameter' }));
  }
});
