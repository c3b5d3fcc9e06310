import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TimelineCounter } from '../../../lib/verify/report/timeline.ts';

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

describe('a timeline', () => {
  const times = fc.array(
    fc.oneof(
      fc.nat(10_000),
      fc.integer({ min: 0, max: 1e13 }),
      fc.integer({ min: 1_795_251_600_000, max: 1_795_351_600_000 }),
    ),
    { minLength: 1, maxLength: 200 },
  );

  test('counts every record once, in at most 240 bins of a width that a reader can name', () => {
    fc.assert(
      fc.property(times, (all) => {
        const counter = new TimelineCounter();
        for (const at of all) counter.addRecord(at);
        const timeline = counter.finish() ?? expect.fail('nothing was counted');
        expect(sum(timeline.records)).toBe(all.length);
        expect(timeline.records.length).toBeLessThanOrEqual(240);
        expect(timeline.checkpoints.length).toBe(timeline.records.length);
        expect(timeline.start % timeline.binMs).toBe(0);
        expect(timeline.start).toBeLessThanOrEqual(Math.min(...all));
        expect(timeline.start + timeline.binMs * timeline.records.length).toBeGreaterThan(Math.max(...all));
        const day = 86_400_000;
        expect(timeline.binMs < day ? day % timeline.binMs : timeline.binMs % day).toBe(0);
      }),
    );
  });

  test('of parts that are joined is the timeline of the whole, as far as its bins allow', () => {
    fc.assert(
      fc.property(times, times, (a, b) => {
        const [first, second, whole] = [new TimelineCounter(), new TimelineCounter(), new TimelineCounter()];
        for (const at of a) first.addRecord(at);
        for (const at of b) second.addCheckpoint(at);
        for (const at of a) whole.addRecord(at);
        for (const at of b) whole.addCheckpoint(at);
        first.merge(second.counts());
        const joined = first.finish();
        expect(joined?.binMs).toBe(whole.finish()?.binMs);
        expect(sum(joined?.records ?? [])).toBe(a.length);
        expect(sum(joined?.checkpoints ?? [])).toBe(b.length);
      }),
    );
  });

  test('puts a record in the bin of its time', () => {
    const counter = new TimelineCounter();
    for (const minute of [0, 1, 1, 59]) counter.addRecord(Date.UTC(2026, 10, 21, 9, minute));
    const { binMs, start, records } = counter.finish() ?? expect.fail('nothing was counted');
    expect({ binMs, start: new Date(start).toISOString() }).toEqual({
      binMs: 15_000,
      start: '2026-11-21T09:00:00.000Z',
    });
    expect([records[0], records[4], records.at(-1), records.length]).toEqual([1, 2, 1, 237]);
  });

  test('of nothing is none', () => {
    expect(new TimelineCounter().finish()).toBeUndefined();
  });
});
