import { expect, it } from 'vitest';
import { IndexCheck } from '../../../lib/followers/indexing/index-check.ts';
import { recordRun } from '../../../lib/followers/indexing/index-records.ts';
import { readIndexSnapshot } from '../../../lib/index/format/index-state.ts';
import { allRecords, START, TRAIL } from '../../query/fixture.ts';
import { ProvenTrail } from '../../verify/answers/fixture.ts';

/** What the index states is held against the records, once. */

const alerts = async ({ table }: ProvenTrail) =>
  (await allRecords(table, '_system')).filter(({ record }) => record.event.type === 'security.alert');

it('finds true what the indexer states, merged runs too, and names a run that is not, no matter who stated it', async () => {
  const trail = new ProvenTrail();
  const { table, ledger } = trail;
  const check = () => new IndexCheck({ table, ledger }).run('_index');
  for (let n = 0; n < 17; n++) {
    await trail.append([{ id: `e-${n}`, actor: { id: `actor-${n % 3}` } }, { id: `f-${n}` }], START + n);
    await trail.index();
    await check();
  }
  expect(await alerts(trail)).toEqual([]);

  const { runs } = await readIndexSnapshot(table, TRAIL);
  const lying = { ...(runs[0] ?? expect.fail()), root: new Uint8Array(32).fill(1) };
  const record = await recordRun(ledger, TRAIL, lying, [lying, ...runs.slice(1)]);
  const message = `record ${record} of _index states a run 0 to ${lying.size} of trail ${TRAIL} that its records do not make`;
  await expect(check()).rejects.toMatchObject({ code: 'store_corrupt', message });
  expect(await alerts(trail)).toHaveLength(1);
  await check();
  expect(await alerts(trail)).toHaveLength(1);
});

it('looks at no other trail', async () => {
  const trail = new ProvenTrail();
  await trail.append([{}]);
  const { table, ledger } = trail;
  const before = table.faults.calls.length;
  await new IndexCheck({ table, ledger }).run(TRAIL);
  expect(table.faults.calls).toHaveLength(before);
});
