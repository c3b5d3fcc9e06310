import type { Worker } from 'node:worker_threads';
import { afterAll, expect, test, vi } from 'vitest';
import type { Preparation } from '../../../lib/event/preparation.ts';
import { DEFAULT_POLICY } from '../../../lib/privacy/policy.ts';
import { IntakePool } from '../../../lib/server/intake/intake-pool.ts';

const { workers } = vi.hoisted(() => ({ workers: [] as Worker[] }));

// The real threads, within reach of the test that has one die.
vi.mock('node:worker_threads', async (original) => {
  const real = await original<typeof import('node:worker_threads')>();
  class Watched extends real.Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      workers.push(this);
    }
  }
  return { ...real, Worker: Watched };
});

const EVENT = { type: 'data.update', actor: { id: 'ann' }, details: { note: 'x'.repeat(200) } };
const asked: Preparation = {
  trail: 'orders',
  body: Buffer.from(JSON.stringify({ events: Array.from({ length: 1000 }, () => EVENT) })),
  contentType: 'application/json',
  handling: 'strict',
  repeatable: undefined,
};

const errors: unknown[] = [];
const pool = new IntakePool({
  threads: 1,
  start: async () => ({ privacy: { default: { pii: 'include' } }, maskSecret: new Uint8Array(32) }),
  onError: (error) => errors.push(error),
});
afterAll(() => pool.close());

const ask = () => pool.prepare(asked, { ...DEFAULT_POLICY, pii: 'include' });

/** Asks until a thread answers. @returns what it was asked last */
async function askedOfThread(): Promise<unknown> {
  for (;;) {
    const events = ask();
    if (events instanceof Promise) return events;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a thread that dies at work is told of, its callers are to try again, and another one takes over', async () => {
  await askedOfThread();
  const lost = [ask(), ask()].map((events) =>
    Promise.resolve(events).then(
      () => 'prepared',
      ({ code, retryAfter, message }) => ({ code, retryAfter, message }),
    ),
  );
  await workers[0]?.terminate();
  const message = 'the events could not be prepared, and nothing was stored: try again';
  expect(await Promise.all(lost)).toEqual([
    { code: 'unavailable', retryAfter: 1, message },
    { code: 'unavailable', retryAfter: 1, message },
  ]);
  expect(errors).toHaveLength(1);
  expect(ask()).toHaveLength(1000); // here, until another thread is there
  expect(await askedOfThread()).toHaveLength(1000);
  expect(workers).toHaveLength(2);
  expect(errors).toHaveLength(1);
});
