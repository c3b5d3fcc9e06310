import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { VerificationReport, VerificationRequest } from '../../../lib/contract/verification.ts';
import { VerificationWorker } from '../../../lib/followers/verification/verification-worker.ts';
import { Verifications } from '../../../lib/followers/verification/verifications.ts';
import { verificationKey, verificationScopeKey } from '../../../lib/ledger/items/layout.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import type { VerificationCourse } from '../../../lib/verify/ledger/verification-run.ts';

/**
 * What is promised to who asks for a verification: an id at once, one verification however often and by however many it is
 * asked for, and in the end a report or a reason, whatever happens to the processes that do it.
 */

const TRAIL = 'orders';
const ASKER = { name: 'auditor' };
const MINUTE = 60_000;

const reportOn = (trail: string): VerificationReport => ({
  ...{ trail, mode: 'full', verdict: 'ok', from: 0, to: 10, archivedFrom: 0, archivedTo: 0, expired: 0, problems: [] },
  ...{ moreProblems: 0, notLookedAt: [], startedAt: Date.now(), ms: 1 },
});

/** A verification under way, to be ended by the test. */
interface UnderWay {
  readonly request: VerificationRequest | undefined;
  readonly course: VerificationCourse;
  readonly end: PromiseWithResolvers<VerificationReport>;
}

/** A deployment of several processes, whose verifier verifies what the test says. */
class World {
  readonly table = new MemoryTable();
  readonly started: string[] = [];
  readonly underWay: UnderWay[] = [];
  readonly told: unknown[] = [];

  process(): Verifications {
    return new Verifications({
      table: this.table,
      verifier: {
        verify: (_, request, course = {}) => {
          const end = Promise.withResolvers<VerificationReport>();
          course.signal?.addEventListener('abort', () =>
            end.reject(new SealtrailError('unavailable', 'the verification was interrupted')),
          );
          this.underWay.push({ request, course, end });
          return end.promise;
        },
      },
      start: async (_, id) => void this.started.push(id),
      onError: (error) => this.told.push(error),
    });
  }

  /** Resolves with the nth verification once it is under way. */
  async nth(n: number): Promise<UnderWay> {
    for (let turns = 0; this.underWay.length < n && turns < 1000; turns++) await new Promise(setImmediate);
    return this.underWay[n - 1] ?? expect.fail();
  }
}

let world: World;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
  world = new World();
});
afterEach(() => vi.useRealTimers());

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

describe('a verification that is asked for', () => {
  it('has an id at once, and a record of how far it is, and of what came of it', async () => {
    const verifications = world.process();
    const { id, state } = await verifications.request(TRAIL, 'full', ASKER);
    expect([state, world.started]).toEqual(['queued', [id]]);
    const run = verifications.run(TRAIL, id);
    const { request, course, end } = await world.nth(1);
    expect(request).toBe('full');
    course.onProgress?.(4, 10);
    await pass(5_000);
    const elsewhere = world.process();
    expect(await elsewhere.get(TRAIL, id)).toMatchObject({ state: 'running', progress: { at: 4, of: 10 } });
    end.resolve(reportOn(TRAIL));
    await run;
    const done = await elsewhere.get(TRAIL, id);
    expect(done).toMatchObject({ state: 'done', requestedBy: 'auditor', report: { verdict: 'ok' } });
    expect(done).not.toHaveProperty('lease');
    expect(await elsewhere.get('payments', id)).toBeUndefined();
  });

  it('is one, however often it is asked for while it is under way, and by whom', async () => {
    const asked = await Promise.all(
      ['auditor', 'admin', 'auditor'].map((name) => world.process().request(TRAIL, 'full', { name })),
    );
    const [{ id } = expect.fail()] = asked;
    expect(new Set(asked.map((job) => job.id)).size).toBe(1);
    await Promise.all([1, 2, 3].map(() => Promise.race([world.process().run(TRAIL, id), world.nth(1)])));
    expect(world.underWay).toHaveLength(1);
    expect((await world.process().request(TRAIL, 'incremental', ASKER)).id).not.toBe(id);
    expect((await world.process().request(TRAIL, { from: 1 }, ASKER)).id).not.toBe(id);
    expect((await world.process().request('payments', 'full', ASKER)).id).not.toBe(id);
  });

  it('is begun anew once the last one is done, but not for the same idempotency key of the same role', async () => {
    const role = 'arn:aws:sts::123456789012:assumed-role/auditor';
    const ask = (session: string, idempotencyKey: string) =>
      world.process().request(TRAIL, 'full', { name: `${role}/${session}`, idempotencyKey });
    const { id } = await ask('one', 'k');
    const run = world.process().run(TRAIL, id);
    (await world.nth(1)).end.resolve(reportOn(TRAIL));
    await run;
    expect(await ask('two', 'k')).toMatchObject({ id, state: 'done', requestedBy: `${role}/one` });
    expect(await ask('two', 'l')).toMatchObject({ state: 'queued' });
    const other = world.process().request(TRAIL, 'incremental', { name: `${role}/x`, idempotencyKey: 'k' });
    await expect(other).rejects.toMatchObject({ code: 'idempotency_conflict' });
  });

  it('is refused when too many of its trail wait already', async () => {
    for (let from = 0; from < 6; from++) await world.process().request(TRAIL, { from }, ASKER);
    const more = world.process().request(TRAIL, { from: 6 }, ASKER);
    await expect(more).rejects.toMatchObject({ code: 'rate_limited', retryAfter: 5 });
    expect(await world.process().request(TRAIL, { from: 5 }, ASKER)).toMatchObject({ state: 'queued' });
  });

  it('is waited for as long as the asker likes', async () => {
    vi.useRealTimers();
    const verifications = world.process();
    const job = await verifications.request(TRAIL, 'full', ASKER);
    expect(await verifications.settled(job, 20)).toMatchObject({ state: 'queued' });
    const waiting = verifications.settled(job, 10_000);
    const run = verifications.run(TRAIL, job.id);
    (await world.nth(1)).end.resolve(reportOn(TRAIL));
    await run;
    expect(await waiting).toMatchObject({ state: 'done' });
  });
});

describe('the process that does it', () => {
  it('is left alone while it gives signs of life, and replaced a minute after the last one', async () => {
    const { id } = await world.process().request(TRAIL, 'full', ASKER);
    const slow = world.process().run(TRAIL, id);
    const first = await world.nth(1);
    await pass(10 * MINUTE);
    await world.process().run(TRAIL, id);
    expect(world.underWay).toHaveLength(1);
    // Its machine stops, and goes on when another process has taken over.
    vi.setSystemTime(Date.now() + MINUTE + 1);
    await world.process().get(TRAIL, id);
    expect(world.started).toEqual([id, id]);
    const next = world.process().run(TRAIL, id);
    const second = await world.nth(2);
    await pass(5_000);
    await slow;
    expect(first.course.signal?.aborted).toBe(true);
    second.end.resolve(reportOn(TRAIL));
    await next;
    expect(await world.process().get(TRAIL, id)).toMatchObject({ state: 'done', attempts: 2 });
  });

  it('may be gone before it began: who looks has another one begin', async () => {
    const { id } = await world.process().request(TRAIL, 'full', ASKER);
    await world.process().get(TRAIL, id);
    expect(world.started).toHaveLength(1);
    vi.setSystemTime(Date.now() + MINUTE + 1);
    await world.process().get(TRAIL, id);
    await world.process().request(TRAIL, 'full', ASKER);
    expect(world.started).toEqual([id, id, id]);
  });

  it('may be gone three times: then it counts as failed, which is no report', async () => {
    const start = Date.now();
    const { id } = await world.process().request(TRAIL, 'full', ASKER);
    for (let n = 1; n <= 3; n++) {
      void world.process().run(TRAIL, id);
      await world.nth(n);
      vi.clearAllTimers(); // Sets the clock back, too.
      vi.setSystemTime(start + n * (MINUTE + 1));
    }
    await world.process().run(TRAIL, id);
    const job = await world.process().get(TRAIL, id);
    expect(job).toMatchObject({ state: 'failed', error: { code: 'internal' } });
    expect(job).not.toHaveProperty('report');
    expect(world.told).toEqual([expect.objectContaining({ code: 'internal' })]);
  });

  it('tries again what may pass, and says what does not', async () => {
    const ended = async (n: number, from: number, error: Error) => {
      const { id } = await world.process().request(TRAIL, { from }, ASKER);
      const run = world.process().run(TRAIL, id);
      (await world.nth(n)).end.reject(error);
      await run;
      return world.process().get(TRAIL, id);
    };
    const away = new SealtrailError('unavailable', 'the store is away');
    expect(await ended(1, 1, away)).toMatchObject({ state: 'queued' });
    const beyond = new SealtrailError('invalid_parameter', 'from: must be below 1', { field: 'from' });
    const error = { code: 'invalid_parameter', message: 'from: must be below 1', field: 'from' };
    expect(await ended(2, 2, beyond)).toMatchObject({ state: 'failed', error });
    const secret = new Error('password hunter2');
    const failed = await ended(3, 3, secret);
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'internal' } });
    expect(JSON.stringify(failed)).not.toContain('hunter2');
    expect(world.told).toEqual([away, secret]);
  });

  it('may be gone with its lease: a process that is alone takes it up at once, and only what is not done', async () => {
    const { id } = await world.process().request(TRAIL, 'full', ASKER);
    void world.process().run(TRAIL, id);
    await world.nth(1);
    const worker = new VerificationWorker({ verifications: world.process(), onError: expect.fail });
    await worker.takeUp(TRAIL);
    (await world.nth(2)).end.resolve(reportOn(TRAIL));
    await vi.waitFor(async () =>
      expect(await world.process().get(TRAIL, id)).toMatchObject({ state: 'done', attempts: 2 }),
    );
    await worker.takeUp(TRAIL);
    await worker.stop();
    expect(world.underWay).toHaveLength(2);
  });

  it('that could not get through comes back to it by itself', async () => {
    const { id } = await world.process().request(TRAIL, 'full', ASKER);
    const worker = new VerificationWorker({ verifications: world.process(), onError: expect.fail, againMs: 1 });
    worker.wake(TRAIL, id);
    vi.setSystemTime(Date.now() + MINUTE + 1);
    (await world.nth(1)).end.reject(new SealtrailError('unavailable', 'the store is away'));
    await vi.waitFor(() => expect(world.started.length).toBeGreaterThan(1));
    await worker.stop();
    expect(world.started.at(-1)).toBe(id);
  });

  it('that must stop leaves it to be begun again, or says that there was not enough time', async () => {
    const { id } = await world.process().request(TRAIL, 'full', ASKER);
    const worker = new VerificationWorker({ verifications: world.process(), onError: expect.fail });
    worker.wake(TRAIL, id);
    await world.nth(1);
    await worker.stop();
    worker.wake(TRAIL, id);
    expect(await world.process().get(TRAIL, id)).toMatchObject({ state: 'queued', attempts: 0 });
    expect([world.underWay.length, world.told]).toEqual([1, []]);
    const time = new AbortController();
    const run = world.process().run(TRAIL, id, { signal: time.signal, whenEnded: 'goes_on' });
    await world.nth(2);
    time.abort();
    await run;
    const told = { code: 'unavailable', message: expect.stringContaining('longer') };
    expect(await world.process().get(TRAIL, id)).toMatchObject({ state: 'failed', error: told });
  });
});

it('items that cannot be read are named, and keep no other verification of the trail from being done', async () => {
  const process = world.process();
  const garbled = { attributes: { garbled: 'x' } };
  await world.table.transact([{ put: { ...verificationKey(TRAIL, 'broken'), ...garbled } }]);
  await world.table.transact([{ put: { ...verificationScopeKey(TRAIL, 'full'), ...garbled } }]);
  const { id } = await process.request(TRAIL, 'full', ASKER);
  expect(world.started).toEqual([id]);
  expect(await process.revive(TRAIL)).toBe(1);
  expect((await process.request(TRAIL, 'full', ASKER)).id).toBe(id);
  await world.table.transact([{ put: { ...verificationKey(TRAIL, id), ...garbled } }]);
  const again = await process.request(TRAIL, 'full', ASKER);
  expect(again.id).not.toBe(id);
  expect(world.told.map(String)).toContainEqual(expect.stringContaining('verifier/job/broken is not readable'));
});
