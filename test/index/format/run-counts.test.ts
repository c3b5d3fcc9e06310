import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountsBuilder, decodeCounts, HOUR_MS, MINUTE_MS } from '../../../lib/index/format/run-counts.ts';

/** The promise: the counts of the same records are the same bytes, in whatever order of time they were added. */

interface Received {
  readonly minute: number;
  readonly actor: number;
}

const records = fc.array(fc.record({ minute: fc.nat(300), actor: fc.nat(150) }), { maxLength: 400 });

function counted(all: readonly Received[]): Uint8Array {
  const counts = new CountsBuilder();
  for (const { minute, actor } of all) {
    counts.addRecord(minute * MINUTE_MS);
    counts.count(counts.placeOf('actor', `actor-${actor}`));
  }
  return counts.encode();
}

describe('counts of a run', () => {
  it('are those of a look at every record', () => {
    fc.assert(
      fc.property(records, (all) => {
        const { values, hours } = decodeCounts(counted(all));
        const perHour = Object.groupBy(all, ({ minute }) => Math.floor((minute * MINUTE_MS) / HOUR_MS));
        expect(hours.map(({ hour, total }) => [`${hour}`, total])).toEqual(
          Object.entries(perHour).map(([hour, some = []]) => [hour, some.length]),
        );
        for (const { hour, values: found } of hours) {
          for (let i = 0; i < found.length; i += 2) {
            const [, name] = values[found[i] ?? 0] ?? [];
            const same = perHour[hour]?.filter(({ actor }) => name === `actor-${actor}`) ?? [];
            expect(found[i + 1]).toBe(same.length);
          }
        }
      }),
    );
  });

  it('do not depend on the order of records, nor on the parts that they were added in', () => {
    fc.assert(
      fc.property(records, fc.nat(400), (all, at) => {
        const whole = counted(all);
        expect(counted(all.toSorted((a, b) => b.minute - a.minute))).toEqual(whole);
        const joined = new CountsBuilder();
        for (const part of [all.slice(0, at), all.slice(at)]) joined.addRun(decodeCounts(counted(part)));
        expect(joined.encode()).toEqual(whole);
      }),
    );
  });
});
