import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObjectEntry } from '../../../lib/store/ports.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { compareCheckpoints } from '../../../lib/verify/ledger/compare-archive.ts';
import { VerificationFindings } from '../../../lib/verify/ledger/ledger-report.ts';

/** Archived checkpoints by the thousand: of a range those in it are compared, and hardly another is even listed. */

const TRAIL = 'payments';
const nameOf = (size: number): string => `${TRAIL}/checkpoints/${size}`;

/** Counts what is listed. */
class CountedObjects extends MemoryObjects {
  listed = 0;

  override async *list(prefix: string, options?: { readonly after?: string }): AsyncGenerator<ObjectEntry, void, void> {
    for await (const entry of super.list(prefix, options)) {
      this.listed += 1;
      yield entry;
    }
  }
}

/** @returns the sizes that were compared: the ledger denies every one of them */
async function compared(objects: MemoryObjects, from: number, to: number, archived = 0): Promise<number[]> {
  const findings = new VerificationFindings();
  const ledger = { exactCheckpoint: async () => undefined };
  await compareCheckpoints({ objects, ledger, trail: TRAIL, from, to, archived, findings });
  expect(new Set(findings.problems.map(({ kind }) => kind)).size).toBeLessThan(2);
  return findings.problems.map(({ seq = -1 }) => seq);
}

async function archiveOf(sizes: Iterable<number>): Promise<CountedObjects> {
  const objects = new CountedObjects();
  for (const size of sizes) await objects.put(nameOf(size), Buffer.from(`${size}`));
  return objects;
}

/** Numbers of any length alike. */
const size = fc.integer({ min: 0, max: 6 }).chain((digits) => fc.integer({ min: 1, max: 10 ** digits }));

describe('the archived checkpoints of a range', () => {
  it('are all compared, and no others, however long their numbers are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(size, { maxLength: 60 }), size, size, async (sizes, a, b) => {
        const [from, to] = [Math.min(a, b) - 1, Math.max(a, b)];
        const expected = sizes.filter((one) => one > from && one <= to);
        expect((await compared(await archiveOf(sizes), from, to)).sort()).toEqual(expected.sort());
      }),
    );
  });

  it('are found among a great many without listing those', async () => {
    const objects = await archiveOf(Array.from({ length: 10_000 }, (_, n) => (n + 1) * 100));
    expect(await compared(objects, 299_264, 300_000)).toEqual([
      299_300, 299_400, 299_500, 299_600, 299_700, 299_800, 299_900, 300_000,
    ]);
    expect(objects.listed).toBeLessThan(20);
  });

  it('miss the archive’s newest where it is one of them, and only there', async () => {
    const objects = await archiveOf([]);
    expect(await compared(objects, 256, 400, 400)).toEqual([400]);
    expect(await compared(objects, 256, 400, 256)).toEqual([]);
    expect(await compared(objects, 256, 400, 500)).toEqual([]);
    expect(await compared(objects, 0, Number.POSITIVE_INFINITY, 500)).toEqual([500]);
  });
});
