import { expect, it } from 'vitest';
import { IndexCheck } from '../../../lib/followers/indexing/index-check.ts';
import { recordRun } from '../../../lib/followers/indexing/index-records.ts';
import { readIndexSnapshot } from '../../../lib/index/format/index-state.ts';
import { canonicalJson } from '../../../lib/json/canonical.ts';
import { readHead } from '../../../lib/ledger/commit.ts';
import { readWatermark } from '../../../lib/ledger/items/watermark.ts';
import { allRecords, START, TRAIL } from '../../query/fixture.ts';
import { ProvenTrail } from '../../verify/answers/fixture.ts';

/** What the index states is held against the records, once. */

const alerts = async ({ table }: ProvenTrail) =>
  (await allRecords(table, '_system')).filter(({ record }) => record.event.type === 'security.alert');

it('finds true what the indexer states, merged runs too, and names a run that is not, no matter who stated it', async () => {
  const trail = new ProvenTrail();
  const { table, ledger } = trail;
  // Each visit is stopped after a step, which for a long run is a slice.
  const check = async () => {
    const { size } = await readHead(table, '_index');
    for (let revision = -1; ; ) {
      let looks = 0;
      const signal = {
        ...new AbortController().signal,
        get aborted() {
          return looks++ > 0;
        },
      } as AbortSignal;
      await new IndexCheck({ table, ledger, sliceRecords: 4 }).run('_index', { signal });
      const mark = await readWatermark(table, '_index', 'indexCheck');
      if (mark.size >= size || mark.revision === revision) return;
      ({ revision } = mark);
    }
  };
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
  // It stays an alarm, and is recorded once.
  await expect(check()).rejects.toMatchObject({ code: 'store_corrupt', message });
  expect(await alerts(trail)).toHaveLength(1);

  // A false statement of other records does not stand in for true ones; those that cover its records do.
  await recordRun(ledger, TRAIL, runs[0] ?? expect.fail(), runs);
  await new IndexCheck({ table, ledger }).run('_index');
  expect(await alerts(trail)).toHaveLength(1);
});

it('names what is stated by rules that it does not know, once', async () => {
  const trail = new ProvenTrail();
  const { table, ledger } = trail;
  await trail.append([{ id: 'e-1' }]);
  await trail.index();
  const [{ line } = expect.fail()] = await allRecords(table, '_index');
  const { event } = JSON.parse(line);
  for (const from of [1, 2]) {
    const details = { ...event.details, rules: 'ffffffffffffffff', run: { ...event.details.run, from, to: from + 1 } };
    const json = canonicalJson({ ...event, id: `unknown-${from}`, details });
    await ledger.append({ trail: '_index', submitter: 'sealtrail:indexer', events: [{ id: `unknown-${from}`, json }] });
  }
  await new IndexCheck({ table, ledger }).run('_index');
  const named = (await allRecords(table, '_system')).map(({ record }) => record.event);
  expect(named).toMatchObject([{ type: 'index.unchecked', resource: { id: TRAIL }, details: { record: 1 } }]);
});

it('looks at no other trail', async () => {
  const trail = new ProvenTrail();
  await trail.append([{}]);
  const { table, ledger } = trail;
  const before = table.faults.calls.length;
  await new IndexCheck({ table, ledger }).run(TRAIL);
  expect(table.faults.calls).toHaveLength(before);
});
