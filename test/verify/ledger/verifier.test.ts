import { describe, expect, it } from 'vitest';
import { Verifier } from '../../../lib/followers/verification/verifier.ts';
import { blockKey, checkpointKey, watermarkKey } from '../../../lib/ledger/items/layout.ts';
import type { Item, Table } from '../../../lib/store/ports.ts';
import { MemorySigner } from '../../../lib/testing/memory/signer.ts';
import { MAX_PROBLEMS } from '../../../lib/verify/ledger/ledger-report.ts';
import { signer, TRAIL } from '../../ledger/fixture.ts';
import { append, archived, block, edit, flipped, forge, kinds, recorded, world } from './verified-world.ts';

/** The hot ledger is held against itself and the archive: what it may say, and how it keeps the time. */

describe('a ledger that no one touched', () => {
  it('is ok up to its newest checkpoint, and says what that does not speak of', async () => {
    const made = await archived();
    const report = await made.verifier.verify(TRAIL);
    expect(report).toMatchObject({ verdict: 'ok', mode: 'incremental', from: 0, to: 700, archivedTo: 700 });
    expect(report.checkpoint?.note).toBe((await made.ledger.checkpoint(TRAIL))?.note);
    expect(report.problems).toEqual([]);
    expect(report.notLookedAt).toEqual([
      'records 512 to 699 in the archive: no full tile there holds them yet',
      'the archive’s record files, bundles, partial tiles and tiles above level 0: sealtrail verify reads them',
    ]);
  });

  it('is looked at from the last verified checkpoint on, and from 0 on request', async () => {
    const made = await archived();
    await made.verifier.verify(TRAIL);
    await append(made, 50);
    expect(await made.verifier.verify(TRAIL)).toMatchObject({ verdict: 'ok', from: 700, to: 750, archivedTo: 700 });
    expect(await made.verifier.verify(TRAIL)).toMatchObject({ verdict: 'ok', from: 750, to: 750 });
    expect(await made.verifier.verify(TRAIL, 'full')).toMatchObject({ verdict: 'ok', from: 0, to: 750 });
    // The archive comes later, and then what was verified before is compared with it.
    await append(made, 50);
    await made.archiver.run(TRAIL, { force: true });
    const report = await made.verifier.verify(TRAIL);
    expect(report).toMatchObject({ verdict: 'ok', from: 750, to: 800, archivedFrom: 700, archivedTo: 800 });
  });

  it('is never called archived where it is not', async () => {
    const made = await world();
    await append(made, 300);
    const report = await made.verifier.verify(TRAIL);
    expect(report).toMatchObject({ verdict: 'ok', to: 300, archivedTo: 0 });
    expect(report.notLookedAt[0]).toBe('records 0 to 299 in the archive: no full tile there holds them yet');
  });

  it('is ok without a signature on its newest records, which it says', async () => {
    const absent = new MemorySigner();
    const made = await world({}, { signers: [absent], onUnsealed: () => undefined });
    await append(made, 3);
    absent.failures.push(new Error('away'));
    await append(made, 2);
    const report = await made.verifier.verify(TRAIL);
    expect(report).toMatchObject({ verdict: 'ok', to: 5, checkpoint: { size: 3 } });
    expect(report.notLookedAt).toContain('records 3 to 4 are under no checkpoint that was found right yet');
    await made.ledger.seal(TRAIL);
    expect(await made.verifier.verify(TRAIL)).toMatchObject({ from: 3, to: 5, checkpoint: { size: 5 } });
  });

  it('may grow meanwhile', async () => {
    const made = await archived();
    const growing = (async () => {
      for (let n = 0; n < 20; n++) await append(made, 20);
      await made.archiver.run(TRAIL, { force: true });
    })();
    const reports = [await made.verifier.verify(TRAIL), await made.verifier.verify(TRAIL, 'full')];
    await growing;
    reports.push(await made.verifier.verify(TRAIL), await made.verifier.verify(TRAIL, 'full'));
    expect(reports.map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(reports[3]).toMatchObject({ to: 1100, archivedTo: 1100 });
  });

  it('is recorded in _system, counted and kept', async () => {
    const made = await archived();
    await made.verifier.verify(TRAIL);
    made.clock += 90_500;
    expect(await made.verifier.status(TRAIL)).toMatchObject({
      runs: 1,
      failures: 0,
      secondsSinceOk: 90,
      report: { verdict: 'ok', to: 700 },
    });
    expect(await recorded(made)).toMatchObject([
      {
        type: 'system.verification_completed',
        severity: 'info',
        outcome: 'success',
        actor: { id: 'sealtrail', type: 'system' },
        resource: { type: 'trail', id: TRAIL },
        details: { mode: 'incremental', from: 0, to: 700, archivedTo: 700, checkpoint: 700 },
      },
    ]);
    expect(await made.verifier.verify('_system')).toMatchObject({ verdict: 'ok', to: 1 });
  });

  it('must exist', async () => {
    const made = await world();
    await expect(made.verifier.verify('nowhere')).rejects.toMatchObject({
      code: 'not_found',
      message: 'there is no trail nowhere',
    });
    expect(await made.verifier.status('nowhere')).toMatchObject({ runs: 0, lastOkAt: 0 });
  });
});

describe('what the verifier itself remembers', () => {
  it.each([
    ['is not readable', (item: Item) => ({ ...item.attributes, frontier: 'none' })],
    ['was moved on', (item: Item) => ({ ...item.attributes, frontier: flipped(item.attributes.frontier) })],
    ['names no signed checkpoint', (item: Item) => ({ ...item.attributes, note: 'size 700, honestly' })],
  ])('is damage when it %s, and then all is looked at, and the next one goes on', async (_, change) => {
    const made = await archived();
    await made.verifier.verify(TRAIL);
    await edit(made.table, watermarkKey(TRAIL, 'verifier'), change);
    const report = await made.verifier.verify(TRAIL);
    expect(report).toMatchObject({ verdict: 'damaged', from: 0, to: 700 });
    expect(kinds(report)).toContain('watermark_damaged');
    expect(await made.verifier.verify(TRAIL)).toMatchObject({ verdict: 'ok', from: 0, to: 700 });
  });

  it('is damage when the checkpoint it stands at was exchanged', async () => {
    const made = await archived();
    await made.verifier.verify(TRAIL);
    const note = await forge(signer, 700);
    await edit(made.table, checkpointKey(TRAIL, 700), () => ({ note }));
    const report = await made.verifier.verify(TRAIL);
    expect(report).toMatchObject({ verdict: 'damaged', from: 700 });
    expect(kinds(report)).toEqual(['checkpoint_mismatch']);
  });
});

describe('a report', () => {
  it('lists so many problems and counts the rest', async () => {
    const made = await world();
    for (let n = 0; n < MAX_PROBLEMS + 5; n++) await append(made, 1);
    for (let n = 0; n < MAX_PROBLEMS + 5; n++) {
      await edit(made.table, block(n), ({ attributes: a }) => ({ ...a, body: flipped(a.body, 12) }));
    }
    const report = await made.verifier.verify(TRAIL);
    expect(report.problems).toHaveLength(MAX_PROBLEMS);
    expect(report.moreProblems).toBe(5);
    expect((await made.verifier.status(TRAIL)).report).toEqual(report);
  });

  it('is one for all who ask for it at the same time', async () => {
    const made = await archived();
    const [one, two] = await Promise.all([made.verifier.verify(TRAIL), made.verifier.verify(TRAIL)]);
    expect(one).toBe(two);
    expect(await made.verifier.status(TRAIL)).toMatchObject({ runs: 1 });
  });

  it('is told although it cannot be recorded, but only if it tells of damage', async () => {
    const unrecorded: unknown[] = [];
    const made = await archived({ onUnrecorded: (trail, reason) => unrecorded.push([trail, reason]) });
    await made.ledger.close();
    await expect(made.verifier.verify(TRAIL)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'the log is shutting down',
    });
    expect(await made.verifier.status(TRAIL)).toMatchObject({ runs: 0 });
    await edit(made.table, block(300), () => undefined);
    expect(await made.verifier.verify(TRAIL)).toMatchObject({ verdict: 'damaged' });
    expect(unrecorded).toMatchObject([[TRAIL, { code: 'unavailable' }]]);
  });
});

describe('on a schedule', () => {
  const HOUR = 3_600_000;

  it('a trail is verified an hour after its first record, and then every hour', async () => {
    const made = await archived();
    const first = 1_795_000_001_000;
    await made.verifier.run(TRAIL);
    expect(made.verifier.revisit(TRAIL)).toBe(first + HOUR - made.clock);
    expect(await made.verifier.status(TRAIL)).toMatchObject({ runs: 0 });
    made.clock = first + HOUR;
    await made.verifier.run(TRAIL);
    await made.verifier.run(TRAIL);
    expect(made.verifier.revisit(TRAIL)).toBe(HOUR);
    expect(await made.verifier.status(TRAIL)).toMatchObject({ runs: 1, failures: 0, lastOkAt: made.clock });
    // Another process knows when the last one was.
    const { table, objects, ledger } = made;
    const next = new Verifier({ table, objects, ledger, now: () => made.clock });
    await next.run(TRAIL);
    expect(next.revisit(TRAIL)).toBe(HOUR);
  });

  it('a trail at rest is verified and not recorded again', async () => {
    const made = await archived();
    for (let n = 0; n < 3; n++) await made.verifier.run(TRAIL, { force: true });
    expect(await made.verifier.status(TRAIL)).toMatchObject({ runs: 3, failures: 0 });
    expect(await recorded(made)).toHaveLength(1);
  });

  it('a trail at rest is verified once a day, and an hour after the last time once it grows', async () => {
    const made = await archived();
    await made.verifier.run(TRAIL, { force: true });
    expect(made.verifier.revisit(TRAIL)).toBe(HOUR);
    await made.verifier.run(TRAIL, { force: true });
    expect(made.verifier.revisit(TRAIL)).toBe(24 * HOUR);
    made.clock += HOUR / 2;
    await made.verifier.run(TRAIL);
    expect(made.verifier.revisit(TRAIL)).toBe(23.5 * HOUR);
    await append(made, 1);
    await made.verifier.run(TRAIL);
    expect(made.verifier.revisit(TRAIL)).toBe(HOUR / 2);
    expect(await made.verifier.status(TRAIL)).toMatchObject({ runs: 2 });
  });

  it('damage is an alarm, once an hour', async () => {
    const made = await archived();
    await edit(made.table, block(300), () => undefined);
    await expect(made.verifier.run(TRAIL, { force: true })).rejects.toMatchObject({
      code: 'store_corrupt',
      message:
        `verification of trail ${TRAIL} found damage (1 in all): missing_records: ` +
        'records from 300 on are missing from the ledger and were not to go: the archive has them',
    });
    await made.verifier.run(TRAIL);
    expect(made.verifier.revisit(TRAIL)).toBe(HOUR);
    expect(await recorded(made)).toHaveLength(1);
  });

  it('one that is interrupted counts for nothing, and is made up for', async () => {
    const made = await archived();
    const stopping = new AbortController();
    const { ledger, table, objects } = made;
    const query = table.query.bind(table);
    let blocks = 0;
    const slow: Table = {
      get: (key) => table.get(key),
      transact: (writes) => table.transact(writes),
      close: () => table.close(),
      async *query(range) {
        for await (const item of query(range)) {
          if (range.partition === `block/${TRAIL}` && ++blocks === 4) stopping.abort();
          yield item;
        }
      },
    };
    const verifier = new Verifier({ table: slow, objects, ledger, now: () => made.clock });
    await verifier.run(TRAIL, { force: true, signal: stopping.signal });
    expect(blocks).toBe(4);
    expect(await verifier.status(TRAIL)).toMatchObject({ runs: 0, lastOkAt: 0 });
    expect(await ledger.head('_system')).toBeUndefined();
    await verifier.run(TRAIL, { force: true });
    expect(await verifier.status(TRAIL)).toMatchObject({ runs: 1, failures: 0 });
  });

  it('goes on where it was interrupted, and keeps each step that it has done', async () => {
    const made = await archived();
    const stopping = new AbortController();
    const { table, objects, ledger } = made;
    const options = { table, objects, ledger, now: () => made.clock, stepRecords: 150 };
    const puts: number[] = [];
    const watched: Table = {
      get: (key) => table.get(key),
      query: (range) => table.query(range),
      close: () => table.close(),
      transact: async (writes) => {
        const [write] = writes;
        if (write !== undefined && 'put' in write && write.put.sort === 'verifier') {
          puts.push(Number(write.put.attributes.size));
          if (puts.length === 2) stopping.abort();
        }
        return table.transact(writes);
      },
    };
    await new Verifier({ ...options, table: watched }).run(TRAIL, { force: true, signal: stopping.signal });
    expect(puts).toEqual([200, 400]);
    expect(await made.verifier.status(TRAIL)).toMatchObject({ runs: 0 });
    const report = await new Verifier(options).verify(TRAIL);
    expect(report).toMatchObject({ verdict: 'ok', from: 600, to: 700 });
    expect(await made.verifier.status(TRAIL)).toMatchObject({ runs: 1, failures: 0 });
    expect(await made.verifier.verify(TRAIL)).toMatchObject({ verdict: 'ok', from: 700, to: 700 });
  });

  it('finds in steps what it finds in one go, all of it', async () => {
    const made = await archived();
    for (const seq of [100, 500]) await made.table.transact([{ remove: blockKey(TRAIL, seq) }]);
    const { table, objects, ledger } = made;
    const inSteps = new Verifier({ table, objects, ledger, now: () => made.clock, stepRecords: 150 });
    const report = await inSteps.verify(TRAIL);
    const { problems } = await made.verifier.verify(TRAIL);
    expect(report.problems).toEqual(problems);
    expect(problems.map(({ seq }) => seq)).toEqual(expect.arrayContaining([100, 500]));
  });

  it('a trail that is not there is nothing to do', async () => {
    const made = await world();
    await made.verifier.run('nowhere', { force: true });
    expect(made.verifier.revisit('nowhere')).toBeUndefined();
  });
});
