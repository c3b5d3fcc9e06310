import { expect, it } from 'vitest';
import { pauseMs } from '../../lib/base/backoff.ts';

const PACE = { firstMs: 100, maxMs: 450 };
const pauses = (random: number, jitter?: number) =>
  [1, 2, 3, 4, 5, 2000].map((failures) =>
    pauseMs(failures, { ...PACE, ...(jitter === undefined ? {} : { jitter }) }, () => random),
  );

it('doubles up to the longest pause', () => {
  expect(pauses(1)).toEqual([100, 200, 400, 450, 450, 450]);
});

it('is random in all of it, or in a share', () => {
  expect(pauses(0)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(pauses(0.5)).toEqual([50, 100, 200, 225, 225, 225]);
  expect(pauses(0, 0.5)).toEqual([50, 100, 200, 225, 225, 225]);
});
