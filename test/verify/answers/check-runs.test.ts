import { describe, expect, it } from 'vitest';
import { Archiver } from '../../../lib/followers/archive/archiver.ts';
import { recordRun } from '../../../lib/followers/indexing/index-records.ts';
import { readIndexSnapshot } from '../../../lib/index/format/index-state.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { checkRuns } from '../../../lib/verify/answers/check-runs.ts';
import { START, TRAIL } from '../../query/fixture.ts';
import { ProvenTrail } from './fixture.ts';

/** Who has the records can tell whether the index is true. */

async function indexed(): Promise<ProvenTrail> {
  const trail = new ProvenTrail();
  for (let n = 0; n < 18; n++) {
    await trail.append(
      Array.from({ length: 3 }, (_, i) => ({ id: `e-${n}-${i}`, actor: { id: `actor-${(n + i) % 5}` } })),
      START + n * 1_000_000,
    );
    await trail.index();
  }
  return trail;
}

async function archived({ table, ledger }: ProvenTrail): Promise<MemoryObjects> {
  const objects = new MemoryObjects();
  const archiver = new Archiver({ objects, table, ledger });
  for (const trail of [TRAIL, '_index']) await archiver.seal(trail);
  return objects;
}

describe('the runs that an index states', () => {
  it('are what their records make them, the merged ones too', async () => {
    const report = await checkRuns(await archived(await indexed()));
    expect(report.doubted).toEqual([]);
    expect(report.runs).toBeGreaterThan(18);
    expect(await checkRuns(await archived(await indexed()), { trails: ['others'] })).toEqual({ runs: 0, doubted: [] });
  });

  it('are looked at in slices where they are long, with the same outcome', async () => {
    const trail = await indexed();
    const { runs } = await readIndexSnapshot(trail.table, TRAIL);
    const first = runs[0] ?? expect.fail();
    expect(first.size).toBeGreaterThan(16);
    const lying = { ...first, root: new Uint8Array(32).fill(1) };
    const record = await recordRun(trail.ledger, TRAIL, lying, [lying, ...runs.slice(1)]);
    await trail.ledger.seal('_index');
    const objects = await archived(trail);
    const whole = await checkRuns(objects);
    expect(whole.doubted).toMatchObject([{ record, isFalse: true }]);
    for (const sliceRecords of [1, 4, 17]) expect(await checkRuns(objects, { sliceRecords })).toEqual(whole);
  });

  it('have records', async () => {
    const trail = await indexed();
    const { runs } = await readIndexSnapshot(trail.table, TRAIL);
    const first = runs[0] ?? expect.fail();
    const record = await recordRun(trail.ledger, TRAIL, { ...first, first: 3, size: 0 }, runs);
    await trail.ledger.seal('_index');
    const { doubted } = await checkRuns(await archived(trail));
    expect(doubted).toContainEqual({
      ...{ trail: TRAIL, from: 3, to: 3, record, isFalse: true, reason: 'a run has at least one record' },
    });
  });

  it.each([
    ['a run without some of its records', 'its root or its counts are not those of its records', { leaves: 7 }],
    ['other counts', 'its root or its counts are not those of its records', { counts: new Uint8Array(32) }],
  ])('are named where they lie: %s', async (_, reason, lie) => {
    const trail = await indexed();
    const { runs } = await readIndexSnapshot(trail.table, TRAIL);
    const last = runs.at(-1) ?? expect.fail();
    const lying = { ...last, ...lie };
    const record = await recordRun(trail.ledger, TRAIL, lying, [...runs.slice(0, -1), lying]);
    await trail.ledger.seal('_index');
    const { doubted } = await checkRuns(await archived(trail));
    expect(doubted).toEqual([
      { trail: TRAIL, from: last.first, to: last.first + last.size, record, isFalse: true, reason },
    ]);
  });

  it('are named where their list is not that of what was stated', async () => {
    const trail = await indexed();
    const { runs } = await readIndexSnapshot(trail.table, TRAIL);
    const [first, last] = [runs[0] ?? expect.fail(), runs.at(-1) ?? expect.fail()];
    const record = await recordRun(trail.ledger, TRAIL, last, [{ ...first, leaves: 1 }, ...runs.slice(1)]);
    await trail.ledger.seal('_index');
    const { doubted } = await checkRuns(await archived(trail));
    expect(doubted).toMatchObject([{ record, isFalse: true, reason: expect.stringContaining('its list of runs') }]);
  });
});
