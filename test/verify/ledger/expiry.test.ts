import { describe, expect, it } from 'vitest';
import { watermarkKey } from '../../../lib/ledger/items/layout.ts';
import { TRAIL } from '../../ledger/fixture.ts';
import { DAY, expire } from './expired-world.ts';
import { append, archived, block, edit, flipped, kinds, overwrite, type World } from './verified-world.ts';

/** What has left the hot store, as it was to, is verified from the archive and no damage; what was removed is. */

/** Of 700 records in blocks of 100 the first 500 have gone. */
async function expired(): Promise<World> {
  const made = await archived();
  expect(await expire(made, 31)).toBe(5);
  return made;
}

describe('records that have left the hot store', () => {
  it.each(['full', 'incremental'] as const)('are verified from the archive, and counted: %s', async (mode) => {
    const { verifier } = await expired();
    expect(await verifier.verify(TRAIL, mode)).toMatchObject({ verdict: 'ok', from: 0, to: 700, expired: 500 });
  });

  it('are behind an incremental verification that has seen them in the hot store', async () => {
    const made = await archived();
    expect(await made.verifier.verify(TRAIL)).toMatchObject({ verdict: 'ok', expired: 0 });
    await expire(made, 31);
    await append(made, 10);
    expect(await made.verifier.verify(TRAIL)).toMatchObject({ verdict: 'ok', from: 700, to: 710 });
    expect(await made.verifier.verify(TRAIL, 'full')).toMatchObject({ verdict: 'ok', from: 0, to: 710, expired: 500 });
  });

  it('are no damage where a block is only partly removed', async () => {
    const made = await archived();
    await expire(made, 29);
    made.clock += 2 * DAY;
    await edit(made.table, block(200), ({ attributes: a }) => ({ ...a, parts: 2 }));
    expect(await made.verifier.verify(TRAIL, 'full')).toMatchObject({ verdict: 'ok', expired: 100 });
  });

  it('are damage, and the rest is looked at, where the archive is not what was sealed', async () => {
    const made = await expired();
    await overwrite(made, `${TRAIL}/tile/entries/000`, (bytes) => flipped(bytes, 50));
    const report = await made.verifier.verify(TRAIL, 'full');
    expect(kinds(report)).toEqual(['damaged_bundle']);
    expect(report).toMatchObject({
      problems: [{ seq: 0, object: `${TRAIL}/tile/entries/000` }],
      expired: 244,
    });
  });
});

describe('a block that was not to go', () => {
  it('is missing before its time, though the archive has it', async () => {
    const made = await archived();
    await expire(made, 29);
    await edit(made.table, block(300), () => undefined);
    const report = await made.verifier.verify(TRAIL, 'full');
    expect(report).toMatchObject({ expired: 0, moreProblems: 0, problems: [{ kind: 'missing_records', seq: 300 }] });
  });

  it('is missing where nothing was stamped', async () => {
    const made = await archived();
    await edit(made.table, block(0), () => undefined);
    await edit(made.table, block(100), () => undefined);
    const { problems } = await made.verifier.verify(TRAIL, 'full');
    expect(problems).toEqual([
      {
        kind: 'missing_records',
        seq: 0,
        message: 'records from 0 on are missing from the ledger and were not to go: the archive has them',
      },
    ]);
  });

  it('is missing where what the expirer remembers is damaged', async () => {
    const made = await expired();
    await edit(made.table, watermarkKey(TRAIL, 'expirer'), ({ attributes: a }) => ({ ...a, eras: '[[0,-1]]' }));
    expect(kinds(await made.verifier.verify(TRAIL, 'full'))).toEqual(['missing_records']);
  });

  it.each([
    ['one that the archive does not have', 600, 0],
    ['one that has another time', 100, 1],
  ])('shows by its time to expire at, before it is gone: %s', async (_, first, expiresAt) => {
    const made = await archived();
    await expire(made, 0);
    await made.table.transact([{ update: block(first), set: {}, expiresAt }]);
    const report = await made.verifier.verify(TRAIL, 'full');
    expect(report.problems).toMatchObject([{ kind: 'wrong_expiry', seq: first }]);
  });
});
