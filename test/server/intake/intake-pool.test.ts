import { afterEach, describe, expect, test } from 'vitest';
import { type Preparation, prepareHere } from '../../../lib/event/preparation.ts';
import { type PrivacyConfig, policyFor } from '../../../lib/privacy/config/privacy-config.ts';
import { maskTags, withTags } from '../../../lib/privacy/mask-tag.ts';
import { IntakePool } from '../../../lib/server/intake/intake-pool.ts';

const PRIVACY: PrivacyConfig = { trails: [{ trail: 'debug', redactKeys: ['colour'], pii: 'include' }] };
const SECRET = new Uint8Array(32).fill(7);
const policyOf = (trail: string) => {
  const policy = policyFor(trail, PRIVACY);
  return policy.pii === 'mask' ? withTags(policy, maskTags(SECRET)) : policy;
};

/** A batch that is large enough for a thread, unless it is of one event. */
function batch(trail: string, events: number, first = 0): Preparation {
  const one = (n: number) => ({
    type: 'data.update',
    actor: { id: `ann-${first + n}@example.com` },
    details: { colour: 'red', password: 'hunter2', note: `é ${'x'.repeat(100)}`, line: 'a\nb' },
  });
  const body = Buffer.from(JSON.stringify({ events: Array.from({ length: events }, (_, n) => one(n)) }));
  const repeatable = { trail, identity: 'shop', key: `key-${first}`, bodyHash: 'ab' };
  return { trail, body, contentType: 'application/json', handling: 'strict', repeatable };
}

const pools: IntakePool[] = [];
const errors: unknown[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  errors.length = 0;
});

function poolOf(threads: number): IntakePool {
  const start = async () => ({ privacy: PRIVACY, maskSecret: SECRET });
  const pool = new IntakePool({ threads, start, onError: (error) => errors.push(error) });
  pools.push(pool);
  return pool;
}

const prepare = async (pool: IntakePool, preparation: Preparation) =>
  pool.prepare(preparation, policyOf(preparation.trail));

/** Asks until a thread answers: before, this one does the work. */
async function started(pool: IntakePool): Promise<void> {
  while (!(pool.prepare(batch('warm', 40), policyOf('warm')) instanceof Promise)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await prepare(pool, batch('warm', 1));
}

describe('events that threads prepare', () => {
  test('are what this thread makes of them, by the policy of their trail', async () => {
    const pool = poolOf(1);
    await started(pool);
    for (const trail of ['orders', 'debug']) {
      const asked = batch(trail, 100);
      const events = pool.prepare(asked, policyOf(trail));
      expect(events).toBeInstanceOf(Promise);
      expect(await events).toEqual(prepareHere(asked, policyOf(trail)));
    }
    expect(errors).toEqual([]);
  });

  test('are refused with the same error, and the thread goes on', async () => {
    const pool = poolOf(1);
    await started(pool);
    const asked = batch('orders', 100);
    const bad = {
      ...asked,
      body: Buffer.from(asked.body.toString().replace(/"data\.update"(?!.*"data\.update")/, '7')),
    };
    const error = await prepare(pool, bad).catch((thrown) => thrown);
    expect(error).toMatchObject({ name: 'SealtrailError', code: 'invalid_event', field: 'events[99].type' });
    expect(await prepare(pool, asked)).toHaveLength(100);
  });

  test('come back in the order of their requests, small ones behind large ones too', async () => {
    const pool = poolOf(2);
    await started(pool);
    const order: number[] = [];
    const sizes = [300, 1, 40, 1, 200, 1, 40];
    const work = sizes.map(async (size, n) => {
      await prepare(pool, batch('orders', size, n * 1000));
      order.push(n);
    });
    await Promise.all(work);
    expect(order).toEqual(sizes.map((_, n) => n));
  });

  test('are prepared here where they are few, where there is no thread, and where it takes no more', async () => {
    expect(poolOf(0).prepare(batch('orders', 100), policyOf('orders'))).toHaveLength(100);
    const pool = poolOf(1);
    await started(pool);
    expect(pool.prepare(batch('orders', 1), policyOf('orders'))).toHaveLength(1);
    const trails = ['a', 'b', 'c', 'd'];
    const events = trails.map((trail) => pool.prepare(batch(trail, 100), policyOf(trail)));
    expect(events.map((one) => one instanceof Promise)).toEqual([true, true, false, false]);
    await Promise.all(events);
  });
});

describe('a thread', () => {
  test('that dies takes no event along unnoticed: callers are told to try again, and another one comes', async () => {
    const pool = new IntakePool({
      threads: 1,
      // Not what a thread can start with.
      start: async () => ({ privacy: PRIVACY, maskSecret: new Uint8Array(1) }),
      onError: (error) => errors.push(error),
    });
    pools.push(pool);
    expect(await prepare(pool, batch('orders', 100))).toHaveLength(100);
    await expect.poll(() => errors.length).toBe(1);
    expect(await prepare(pool, batch('orders', 100))).toHaveLength(100);
    expect(errors).toHaveLength(1); // not at once again
  });

  test('that cannot be started is told of once, and the work is done here', async () => {
    const start = async (): Promise<never> => {
      throw new Error('the secret is not readable');
    };
    const pool = new IntakePool({ threads: 1, start, onError: (error) => errors.push(error) });
    pools.push(pool);
    for (let n = 0; n < 3; n++) {
      expect(await prepare(pool, batch('orders', 100))).toHaveLength(100);
      await new Promise(setImmediate);
    }
    expect(errors).toEqual([new Error('the secret is not readable')]);
  });

  test('ends with its pool, and what it was given before is answered or refused', async () => {
    const pool = poolOf(1);
    await started(pool);
    const work = prepare(pool, batch('orders', 300));
    const outcome = work.then(
      (events) => events.length,
      (error) => error.code,
    );
    await pool.close();
    expect([300, 'unavailable']).toContain(await outcome);
    expect(pool.prepare(batch('orders', 100), policyOf('orders'))).toHaveLength(100);
  });
});
