import { expect, it } from 'vitest';
import { Limiter } from '../../lib/base/limiter.ts';

it('runs so many works at once, in the order in which they came', async () => {
  const limiter = new Limiter(2);
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const works = gates.map(({ promise }, n) =>
    limiter.run(async () => {
      begun.push(n);
      await promise;
      return n;
    }),
  );
  expect(begun).toEqual([0, 1]);
  gates[1]?.resolve();
  await works[1];
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  for (const { resolve } of gates) resolve();
  expect(await Promise.all(works)).toEqual([0, 1, 2, 3]);
});

it('goes on after a work that failed', async () => {
  const limiter = new Limiter(1);
  const failed = limiter.run(() => Promise.reject(new Error('failed')));
  const next = limiter.run(async () => 'next');
  await expect(failed).rejects.toThrow('failed');
  expect(await next).toBe('next');
});
