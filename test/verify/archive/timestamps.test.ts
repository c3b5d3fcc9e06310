import { afterAll, describe, expect, it } from 'vitest';
import { newNonce, timestampRequest } from '../../../lib/tsp/request.ts';
import { parseTrustedKeys, renderReport, type VerifyOptions, verifyArchive } from '../../../lib/verify/index.ts';
import { Authority } from '../../tsp/authority.ts';
import { type Archive, buildTrail, KEY, objectsOf, type TrailPlan } from '../archive-builder.ts';

/** The promise: with authorities given, what is not under a time-stamp that holds is named; without, none is called right. */

const service = new Authority();
const stranger = new Authority();
afterAll(() => Promise.all([service.close(), stranger.close()]));

const DAY = 86_400_000;
const trust = parseTrustedKeys(KEY.pem);

/** A trail of ten records, sealed at 4 and 10, both seals under a time-stamp of now. */
function archiveOf(plan: Partial<TrailPlan> = {}): Archive {
  const start = Date.now() - 10 * DAY;
  const { archive } = buildTrail({ runs: [4, 10], seals: [4, 10], start, ...plan });
  for (const size of [4, 10]) stampIn(archive, size);
  return archive;
}

function stampIn(archive: Archive, size: number, by = service): void {
  const checkpoint = archive.get(`orders/checkpoints/${size}`) ?? Buffer.alloc(0);
  archive.set(`orders/checkpoints/${size}.tsr`, by.reply(timestampRequest(checkpoint, newNonce())));
}

async function judge(archive: Archive, more: Partial<VerifyOptions> = {}) {
  const report = await verifyArchive(await objectsOf(archive), { trust, authorities: service.root, ...more });
  const problems = report.problems.map(({ kind, object, seq, lastSeq }) => [kind, object, seq, lastSeq]);
  return { report, problems, skipped: report.skipped.map(({ why }) => why) };
}

describe('an archive whose seals are under time-stamps', () => {
  it('is ok, and the report says since when and by whom', async () => {
    const { report, problems } = await judge(archiveOf());
    expect([problems, report.verdict]).toEqual([[], 'ok']);
    const newest = { size: 10, time: expect.any(Number), service: 'O=Example, CN=Test stamps' };
    expect(report.trails[0]?.timestamps).toEqual({ found: 2, held: 2, newest });
    expect(renderReport(report)).toMatch(/Time-stamps.*10 of 10.*O=Example, CN=Test stamps.*2 of 2/s);
  });

  it('is as before without authorities, and its time-stamps are said not to be looked at', async () => {
    const archive = archiveOf();
    archive.set('orders/checkpoints/4.tsr', Buffer.from('planted'));
    const report = await verifyArchive(await objectsOf(archive), { trust });
    expect([report.verdict, report.problems, report.trails[0]?.timestamps]).toEqual(['ok', [], undefined]);
    expect(report.skipped).toContainEqual({ trail: 'orders', why: expect.stringMatching(/^2 time-stamps .*--tsa-ca/) });
  });

  it('may end with records that are too new for one', async () => {
    const archive = archiveOf({ start: Date.now() - DAY });
    archive.delete('orders/checkpoints/10.tsr');
    const { problems, report } = await judge(archive);
    expect(problems).toEqual([]);
    expect(report.skipped).toContainEqual({
      trail: 'orders',
      records: { from: 4, to: 10 },
      why: 'not under a time-stamp yet: received within the last two days',
    });
  });

  it('has none for a range', async () => {
    const { report } = await judge(archiveOf(), { trails: ['orders'], range: { from: 2, to: 4 } });
    expect([report.trails[0]?.timestamps, report.problems]).toEqual([undefined, []]);
  });
});

describe('an archive', () => {
  it('without a time-stamp over the newest records is not_timestamped', async () => {
    const archive = archiveOf();
    archive.delete('orders/checkpoints/10.tsr');
    expect((await judge(archive)).problems).toEqual([['not_timestamped', undefined, 4, 9]]);
    archive.delete('orders/checkpoints/4.tsr');
    const { problems, report } = await judge(archive);
    expect(problems).toEqual([['not_timestamped', undefined, 0, 9]]);
    expect([report.verdict, report.trails[0]?.timestamps]).toEqual(['incomplete', { found: 0, held: 0 }]);
  });

  it('with one by a service that no authority vouches for is not_timestamped', async () => {
    const archive = archiveOf();
    stampIn(archive, 10, stranger);
    expect((await judge(archive)).problems).toEqual([
      ['not_timestamped', undefined, 4, 9],
      ['not_timestamped', 'orders/checkpoints/10.tsr', undefined, undefined],
    ]);
    const both = await judge(archive, { authorities: service.root + stranger.root });
    expect(both.problems).toEqual([]);
  });

  it('with one over another checkpoint has a bad_timestamp: the root, the key or a byte of it differs', async () => {
    const good = archiveOf();
    for (const other of [
      archiveOf({ event: (seq) => `{"id":"x-${seq}","type":"data.read"}` }),
      archiveOf({ logName: 'b.example' }),
    ]) {
      const archive = new Map(good).set(
        'orders/checkpoints/10.tsr',
        other.get('orders/checkpoints/10.tsr') ?? Buffer.alloc(0),
      );
      const { problems, report } = await judge(archive);
      expect(problems).toContainEqual(['bad_timestamp', 'orders/checkpoints/10.tsr', undefined, undefined]);
      expect(report.verdict).toBe('damaged');
    }
    const planted = new Map(good).set('orders/checkpoints/10.tsr', Buffer.from('planted'));
    expect((await judge(planted)).problems).toContainEqual([
      'bad_timestamp',
      'orders/checkpoints/10.tsr',
      undefined,
      undefined,
    ]);
  });

  it('with one from before its records were received has a bad_timestamp: a clock was wrong, or turned back', async () => {
    // Seven minutes ahead: five are allowed.
    const { problems } = await judge(archiveOf({ start: Date.now() + 420_000 }));
    expect(problems).toContainEqual(['bad_timestamp', 'orders/checkpoints/10.tsr', 9, undefined]);
    expect(problems).toContainEqual(['bad_timestamp', 'orders/checkpoints/4.tsr', 3, undefined]);
  });

  it('with one over a checkpoint that is gone has a missing_checkpoint', async () => {
    const archive = archiveOf();
    archive.delete('orders/checkpoints/4');
    const { problems } = await judge(archive);
    expect(problems).toContainEqual(['missing_checkpoint', 'orders/checkpoints/4', undefined, undefined]);
    for (const name of ['orders/checkpoints/04.tsr', 'orders/checkpoints/4.tsq', 'orders/4.tsr']) {
      const planted = archiveOf().set(name, Buffer.from('planted'));
      expect((await judge(planted)).problems).toEqual([['unknown_object', name, undefined, undefined]]);
    }
  });
});
