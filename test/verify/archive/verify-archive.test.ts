import { describe, expect, test } from 'vitest';
import { verifyArchive } from '../../../lib/verify/archive/verify-archive.ts';
import { parseTrustedKeys } from '../../../lib/verify/evidence/trust.ts';
import { buildTrail, KEY, LOG, objectsOf, TRAIL, UNSTATED } from '../archive-builder.ts';

const trust = parseTrustedKeys(KEY.pem);

describe('an intact archive', () => {
  test.each([
    ['one record', { runs: [1], seals: [1] }],
    ['two runs, the first sealed', { runs: [3, 10], seals: [3] }],
    ['just under a tile', { runs: [100, 255], seals: [100, 255] }],
    ['a tile', { runs: [256], seals: [256] }],
    ['just over a tile', { runs: [200, 256, 257], seals: [200, 257] }],
    ['several tiles and seals', { runs: [1, 300, 512, 700, 1000], seals: [1, 300, 512, 700] }],
    ['several days', { runs: [600, 1000], seals: [600], start: Date.UTC(2026, 0, 1), stepMs: 3_600_000 }],
  ])('of %s is ok, all of it', async (_, plan) => {
    const { archive, leaves, receivedAt } = buildTrail(plan);
    const report = await verifyArchive(await objectsOf(archive), { trust });
    expect(report.problems).toEqual([]);
    const size = leaves.length;
    expect(report).toMatchObject({ verdict: 'ok', logName: LOG, logNameFrom: 'archive', skipped: [UNSTATED] });
    expect(report.trails).toMatchObject([
      {
        trail: TRAIL,
        verdict: 'ok',
        covered: { from: 0, to: size },
        records: size,
        newest: { size },
        firstAt: receivedAt(0),
        lastAt: receivedAt(size - 1),
      },
    ]);
    expect(report.timeline?.records.reduce((sum, count) => sum + count, 0)).toBe(size);
  });
});
