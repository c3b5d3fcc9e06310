import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { events, openLedger, TRAIL } from './fixture.ts';

/** A trail of blocks with these sizes. */
async function trailOf(sizes: readonly number[]) {
  const ledger = openLedger(new MemoryTable());
  for (const [n, size] of sizes.entries()) {
    await ledger.append({ trail: TRAIL, submitter: 'app', events: events(`b${n}`, size) });
  }
  return ledger;
}

describe('reading blocks', () => {
  it('returns exactly the blocks that overlap the range, whole, in either order', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(40), fc.nat(40), fc.boolean(), async (blocks, from, to, descending) => {
        const ledger = await trailOf(blocks);
        const all = blocks.map((count, n) => ({ first: blocks.slice(0, n).reduce((sum, c) => sum + c, 0), count }));
        const expected = all.filter(({ first, count }) => first < to && first + count > from && from < to);
        if (descending) expected.reverse();
        const order = descending ? 'descending' : 'ascending';
        const read = await Array.fromAsync(ledger.blocks(TRAIL, { from, to, order }));
        expect(read.map(({ first, count }) => ({ first, count }))).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it('finds any record by its number, and nothing beyond the end', async () => {
    const ledger = await trailOf([3, 1, 5]);
    for (let seq = 0; seq < 9; seq++) expect(JSON.parse((await ledger.record(TRAIL, seq)) ?? '').seq).toBe(seq);
    expect(await ledger.record(TRAIL, 9)).toBeUndefined();
    expect(await ledger.record('nowhere', 0)).toBeUndefined();
  });

  it('finds the newest checkpoint, the smallest one that covers a size, and an exact one', async () => {
    const ledger = await trailOf([3, 1, 5]);
    expect((await ledger.checkpoint(TRAIL))?.size).toBe(9);
    expect((await ledger.checkpoint(TRAIL, 2))?.size).toBe(3);
    expect((await ledger.checkpoint(TRAIL, 4))?.size).toBe(4);
    expect(await ledger.checkpoint(TRAIL, 10)).toBeUndefined();
    expect((await ledger.exactCheckpoint(TRAIL, 4))?.note).toContain('audit.example.com/payments\n4\n');
    expect(await ledger.exactCheckpoint(TRAIL, 5)).toBeUndefined();
  });
});
