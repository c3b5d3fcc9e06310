import { describe, expect, test } from 'vitest';
import { copyOf } from '../archive-builder.ts';
import { archiveOf, SIZES, verify } from '../damage.ts';
import { checkpoints } from '../damage-checkpoints.ts';
import { missing, spoiled } from '../damage-objects.ts';
import { places } from '../damage-places.ts';
import { records, signed } from '../damage-records.ts';

describe.each(SIZES)('damage to an archive of %i records', (size) => {
  const table = [...missing, ...spoiled, ...records, ...signed, ...checkpoints, ...places];
  const rows = table.filter((damage) => (damage.sizes ?? SIZES).includes(size));

  test('there is none to begin with', async () => {
    expect(await verify(archiveOf(size).archive)).toMatchObject({ verdict: 'ok', problems: [] });
  });

  test.each(rows)('$name: $kinds', async ({ kinds, edit }) => {
    const original = archiveOf(size);
    const archive = copyOf(original.archive);
    const where = edit(archive, size, original);
    const report = await verify(archive);
    expect(report.verdict).not.toBe('ok');
    const found = report.problems.filter(({ kind }) => kinds.includes(kind));
    expect({ problems: report.problems, found }).toMatchObject({
      found: expect.arrayContaining([expect.objectContaining(where)]),
    });
    // Whatever was wrong, the whole archive was read: all that is there and fits was counted.
    if (report.trails.length === 1) expect(report.trails[0]?.records).toBeGreaterThanOrEqual(Math.max(0, size - 260));
  });
});
