import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classOf, endOf, mergedRun, nextMerge, type Run, TOP_CLASS } from '../../../lib/index/format/runs.ts';

/** Runs of these sizes, one after the other. */
function runsOf(sizes: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (const size of sizes) {
    const last = runs.at(-1);
    runs.push({ first: last === undefined ? 0 : endOf(last), size });
  }
  return runs;
}

/** Merges until there is nothing to merge. */
function settle(runs: readonly Run[], onMerge: (parts: readonly Run[], merged: Run) => void = () => undefined): Run[] {
  let now = [...runs];
  for (let merge = nextMerge(now); merge !== undefined; merge = nextMerge(now)) {
    const parts = now.slice(merge.start, merge.end);
    const merged = mergedRun(parts);
    onMerge(parts, merged);
    now = [...now.slice(0, merge.start), merged, ...now.slice(merge.end)];
  }
  return now;
}

/** Sizes from a few records to more than the top class asks for. */
const someSize = fc.oneof(
  fc.constant(1),
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: 5000 }),
  fc.integer({ min: 1, max: 2 ** 20 }),
);

describe('the class of a run', () => {
  it('grows with each sixteenfold of its size, in the end in steps of four, up to 2^20 records', () => {
    const bounds = [
      1,
      15,
      16,
      255,
      256,
      4095,
      4096,
      65_535,
      65_536,
      2 ** 18 - 1,
      2 ** 18,
      2 ** 20 - 1,
      2 ** 20,
      2 ** 40,
    ];
    expect(bounds.map(classOf)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
  });
});

describe('merging', () => {
  it('leaves fewer than sixteen runs of a class, none behind one of a lower class, whatever came', () => {
    fc.assert(
      fc.property(fc.array(someSize, { maxLength: 300, size: 'max' }), (sizes) => {
        let runs: Run[] = [];
        for (const run of runsOf(sizes)) {
          runs = settle([...runs, run]);
          const classes = runs.map(({ size }) => classOf(size));
          expect(classes).toEqual(classes.toSorted((a, b) => b - a));
          for (let each = 0; each < TOP_CLASS; each++) {
            expect(classes.filter((found) => found === each).length).toBeLessThan(each < 4 ? 16 : 4);
          }
        }
        expect(runs).toEqual(runsOf(runs.map(({ size }) => size)));
        expect(runs.reduce((sum, { size }) => sum + size, 0)).toBe(sizes.reduce((sum, size) => sum + size, 0));
      }),
      { numRuns: 50 },
    );
  });

  it('never makes a run whose items could meet those of the first of its parts', () => {
    fc.assert(
      fc.property(fc.array(someSize, { maxLength: 100, size: 'max' }), (sizes) => {
        settle(runsOf(sizes), (parts, merged) => {
          expect(parts.length).toBeGreaterThan(1);
          expect(classOf(merged.size)).toBeGreaterThan(classOf(parts[0]?.size ?? 0));
          for (const part of parts.slice(1)) expect(part.first).not.toBe(merged.first);
        });
      }),
    );
  });

  it('rewrites a record about once per class, however slowly a trail grows', () => {
    let rewritten = 0;
    let runs: Run[] = [];
    for (let first = 0; first < 20_000; first++) {
      runs = settle([...runs, { first, size: 1 }], (_, merged) => {
        rewritten += merged.size;
      });
    }
    expect(rewritten / 20_000).toBeLessThan(classOf(20_000) + 1);
    expect(runs.length).toBeLessThan(16 * 4);
  });

  it('leaves runs of the top class alone', () => {
    const top = runsOf([2 ** 20, 2 ** 21, 2 ** 20]);
    expect(nextMerge(top)).toBeUndefined();
    expect(nextMerge([...top, { first: 2 ** 22, size: 65_536 }])).toBeUndefined();
    expect(nextMerge([])).toBeUndefined();
  });
});
