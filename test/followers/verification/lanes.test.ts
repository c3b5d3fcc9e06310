import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { VerificationReport, VerificationRequest } from '../../../lib/contract/verification.ts';
import type { LaneVerifier } from '../../../lib/followers/verification/verification-lanes.ts';
import { Verifications } from '../../../lib/followers/verification/verifications.ts';
import type { Table } from '../../../lib/store/ports.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import type { Verified } from '../../../lib/verify/ledger/verification-run.ts';
import type { VerifiedPart } from '../../../lib/verify/ledger/verified-part.ts';
import { TRAIL } from '../../ledger/fixture.ts';
import { inVirtualTime } from '../../simulation/virtual-time.ts';
import {
  append,
  block,
  edit,
  flipped,
  kinds,
  recorded,
  type World,
  world,
} from '../../verify/ledger/verified-world.ts';

/**
 * Verifications of more than one run can do: they come to their end however often runs are cut short, and find what one run
 * without an end would have found.
 */

/** Runs what was started, as Lambda does: each in a process of its own that is cut short after so many steps. */
async function runAll(made: World, request: VerificationRequest, steps: number): Promise<VerificationReport> {
  const queue: string[] = [];
  let runs = 0;
  const processOf = (signal?: AbortController): Verifications => {
    let left = steps;
    const inLanes: LaneVerifier = {
      extent: (...args) => made.verifier.extent(...args),
      verifyStretch: (...args) => {
        if (left-- <= 0) signal?.abort();
        return made.verifier.verifyStretch(...args);
      },
      conclude: (...args) => made.verifier.conclude(...args),
    };
    return new Verifications({
      ...{ table: made.table, verifier: made.verifier, inLanes, laneRecords: 500, stepRecords: 200 },
      start: async (_, id) => void queue.push(id),
      onError: (error) => expect.fail(String(error)),
      now: () => made.clock,
    });
  };
  const { id } = await processOf().request(TRAIL, request, { name: 'auditor' });
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    expect(runs++).toBeLessThan(100);
    const ends = new AbortController();
    await processOf(ends).run(TRAIL, next, { signal: ends.signal, whenEnded: 'goes_on' });
  }
  const job = await processOf().get(TRAIL, id);
  expect(job).toMatchObject({ state: 'done' });
  return job?.report ?? expect.fail();
}

/** 2,000 records in blocks of 70, 1,700 of them archived. */
async function large(): Promise<World> {
  const made = await world();
  for (let size = 0; size < 2_000; size += 70) {
    made.clock += 1000;
    await append(made, Math.min(70, 2_000 - size));
    if (size === 1_680) await made.archiver.run(TRAIL, { force: true });
  }
  return made;
}

const FIGURES = [
  'verdict',
  'from',
  'to',
  'archivedFrom',
  'archivedTo',
  'expired',
  'notLookedAt',
  'checkpoint',
] as const;
const figures = (report: VerificationReport | undefined) => FIGURES.map((name) => report?.[name]);

describe('a verification in lanes', () => {
  it.each<[VerificationRequest]>([['full'], ['incremental']])(
    '%s comes to the same as one run, however often its runs are cut short',
    async (request) => {
      const made = await large();
      const report = await runAll(made, request, 1);
      const whole = await (await large()).verifier.verify(TRAIL, request);
      expect(report).toMatchObject({ trail: TRAIL, mode: request, problems: [], moreProblems: 0 });
      expect(figures(report).slice(0, 7)).toEqual(figures(whole).slice(0, 7));
      expect(report.checkpoint?.size).toBe(2_000);
      expect((await made.verifier.status(TRAIL)).report).toEqual(report);
      expect(await recorded(made)).toMatchObject([{ type: 'system.verification_completed' }]);
      // The next one goes on from where it ended.
      made.clock += 1000;
      await append(made, 10);
      expect(await made.verifier.verify(TRAIL)).toMatchObject({ verdict: 'ok', from: 2_000, to: 2_010 });
    },
  );

  it('of a range says what it says of a range, and moves no place', async () => {
    const made = await large();
    const report = await runAll(made, { from: 300, to: 1_500 }, 2);
    expect(report).toMatchObject({ mode: 'range', range: { from: 300, to: 1_500 }, verdict: 'ok', from: 256 });
    expect(report.to).toBeGreaterThanOrEqual(1_500);
    expect(report.notLookedAt).toEqual((await made.verifier.verify(TRAIL, { from: 300, to: 1_500 })).notLookedAt);
    expect(await made.verifier.verify(TRAIL)).toMatchObject({ from: 0, to: 2_000 });
  });

  it('finds damage in any lane, tells it once, and goes on behind it', async () => {
    const made = await large();
    const body = (item: { attributes: Record<string, unknown> }) => flipped(item.attributes.body, 30);
    for (const first of [70, 980])
      await edit(made.table, block(first), (item) => ({ ...item.attributes, body: body(item) }));
    const report = await runAll(made, 'full', 1);
    const whole = await made.verifier.verify(TRAIL, 'full');
    expect(report.verdict).toBe('damaged');
    expect(kinds(report).sort()).toEqual(kinds(whole).sort());
    const malformed = ({ problems }: VerificationReport) =>
      problems.filter(({ kind }) => kind === 'malformed_block').map(({ seq }) => seq);
    expect(malformed(report)).toEqual([70, 980]);
    expect((await made.verifier.status(TRAIL)).damagedAt).toBeDefined();
  });

  it('finds what was rolled back, and a head that is not that of its records', async () => {
    const made = await large();
    const head = { partition: `head/${TRAIL}`, sort: 'head' };
    await edit(made.table, head, ({ attributes }) => ({ ...attributes, root: flipped(attributes.root) }));
    expect(kinds(await runAll(made, 'full', 3))).toContain('head_mismatch');
  });
});

/** A verifier that takes as long as one would that reads so many records a second, over a trail of any length. */
function verifierOf(size: number, recordsPerSecond: number): LaneVerifier {
  const partOf = (from: number, to: number): VerifiedPart => ({
    ...{ from, to, archivedFrom: from, archivedTo: to, expired: 0, problems: [], moreProblems: 0, notes: [] },
    ...{ proven: to, compared: to, head: size, startedAt: 0, ms: 0 },
  });
  const verified = (part: VerifiedPart): Verified => ({
    ...{ part, place: undefined, markIsDamaged: false, isPartial: false },
    report: { trail: TRAIL, mode: 'full', verdict: 'ok', notLookedAt: [], ...part },
  });
  return {
    extent: async () => ({ from: 0, to: size }),
    verifyStretch: async (_, { stretch }, { signal }) => {
      const to = Math.min(stretch.to, size);
      await sleep((1000 * (to - stretch.from)) / recordsPerSecond);
      signal?.throwIfAborted();
      return verified(partOf(stretch.from, to));
    },
    conclude: async (_, __, { part }) => verified(part).report,
  };
}

describe('a thousand million records', () => {
  it('are verified in the end, by functions that run for 15 minutes', async () => {
    const SIZE = 1_000_000_000;
    const found = await inVirtualTime(async () => {
      const table: Table = new MemoryTable();
      const inLanes = verifierOf(SIZE, 20_000);
      let runs = 0;
      const verifications: Verifications = new Verifications({
        ...{ table, inLanes, verifier: { verify: async () => expect.fail('it must go in lanes') } },
        start: async (trail, id) => {
          const ends = new AbortController();
          void sleep(870_000).then(() => ends.abort());
          void verifications.run(trail, id, { signal: ends.signal, whenEnded: 'goes_on' });
          runs += 1;
        },
        onError: (error) => expect.fail(String(error)),
      });
      const began = Date.now();
      const { id } = await verifications.request(TRAIL, 'full', { name: 'auditor' });
      let job = await verifications.get(TRAIL, id);
      for (let looks = 0; looks < 1000 && job?.report === undefined; looks++) {
        await sleep(60_000);
        job = await verifications.get(TRAIL, id);
      }
      return { job, runs, hours: (Date.now() - began) / 3_600_000 };
    });
    expect(found.job).toMatchObject({ state: 'done', report: { verdict: 'ok', from: 0, to: SIZE } });
    expect(found.runs).toBeLessThan(70);
    expect(found.hours).toBeLessThan(6);
  });
});
