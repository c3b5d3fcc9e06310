import { expect, test } from 'vitest';
import type { Problem } from '../../../lib/verify/report/problem.ts';
import { groupProblems } from '../../../lib/verify/report/problem-groups.ts';

const of = (kind: Problem['kind'], more: Partial<Problem>): Problem => ({ kind, message: 'words', ...more });
const segment = { trail: 'orders', object: 'orders/records/a' };

test('problems of one kind with the records of one object are one group, from the first to the last record', () => {
  const first = of('record_mismatch', { ...segment, seq: 3 });
  const between = of('wrong_seq', { ...segment, seq: 4 });
  const groups = groupProblems([
    first,
    between,
    of('record_mismatch', { ...segment, seq: 5, lastSeq: 90 }),
    of('record_mismatch', { ...segment, seq: 7 }),
  ]);
  expect(groups).toEqual([
    { first, more: 2, upTo: 90 },
    { first: between, more: 0 },
  ]);
});

test('what is about another object, another trail, or no record stands for itself', () => {
  const apart = [
    of('record_mismatch', { ...segment, seq: 3 }),
    of('record_mismatch', { ...segment, object: 'orders/records/b', seq: 3 }),
    of('record_mismatch', { ...segment, trail: 'payments', seq: 3 }),
    of('no_checkpoint', { trail: 'orders', seq: 1 }),
    of('no_checkpoint', { trail: 'orders', seq: 2 }),
    of('unknown_object', segment),
    of('unknown_object', segment),
  ];
  expect(groupProblems(apart)).toEqual(apart.map((first) => ({ first, more: 0 })));
});
