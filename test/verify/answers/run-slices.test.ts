import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { StatedRun } from '../../../lib/index/format/statement.ts';
import { MemoryFiles } from '../../../lib/testing/memory/files.ts';
import { type RunProgress, RunSlice } from '../../../lib/verify/answers/run-slices.ts';
import { linesOf, type TestBlock, writeRun } from '../../index/run-files.ts';
import { someEvent } from '../../query/fixture.ts';

/** A run of any length is held against its records slice by slice, and it comes to the same. */

const someBlocks = fc
  .array(fc.array(someEvent, { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 6 })
  .map((all) => {
    let first = 0;
    return all.map((events, n): TestBlock => {
      const block = { first, receivedAt: 1_767_225_600_000 + n, events };
      first += events.length;
      return block;
    });
  });

async function holds(run: StatedRun, blocks: readonly TestBlock[], records: number): Promise<boolean> {
  for (let done: RunProgress | undefined; ; ) {
    const slice = new RunSlice(run, done, records);
    for (const block of blocks) slice.add({ ...block, lines: linesOf(block) });
    const found = await slice.end();
    if (typeof found === 'boolean') return found;
    expect(found.slices).toBe((done?.slices ?? 0) + 1);
    done = found;
  }
}

it('in slices of any size, it is true of its records and of no others', async () => {
  await fc.assert(
    fc.asyncProperty(someBlocks, fc.integer({ min: 1, max: 50 }), async (blocks, records) => {
      const run = await writeRun(new MemoryFiles(), blocks);
      expect(await holds(run, blocks, records)).toBe(true);
      for (const lie of [
        { root: run.counts },
        { counts: run.root },
        { leaves: run.leaves + 1 },
        { size: run.size + 1 },
      ]) {
        expect(await holds({ ...run, ...lie }, blocks, records)).toBe(false);
      }
    }),
    { numRuns: 25 },
  );
});
