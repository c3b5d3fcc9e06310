import { expect, it, vi } from 'vitest';
import { systemTimers } from '../../lib/followers/runtime/timers.ts';
import type { SealtrailError } from '../../lib/log/error.ts';
import { parseRecord } from '../../lib/log/record.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { parseTrustedKeys, verifyArchive } from '../../lib/verify/index.ts';
import { events, openLedger, TRAIL } from '../ledger/fixture.ts';
import { buildTrail, KEY, objectsOf } from '../verify/archive-builder.ts';
import { append, kinds, world } from '../verify/ledger/verified-world.ts';

/**
 * A clock that was ahead once leaves a trail whose time stands still until it has passed. No record is lost by it, and no one is left to
 * believe those times.
 */

const DAY = 86_400_000;
const YEAR = 365 * DAY;

it('is told with the next append, and again every five minutes until it is over', async () => {
  const told: SealtrailError[] = [];
  const start = Date.UTC(2026, 0, 1);
  let clock = start + YEAR;
  const options = { now: () => clock, onClockBehind: (error: SealtrailError) => void told.push(error) };
  const ledger = openLedger(new MemoryTable(), options);
  const appendOne = async () =>
    (await ledger.append({ trail: TRAIL, submitter: 'shop', events: events('a', 1) })).lines;
  await appendOne();
  expect(told).toEqual([]);
  clock = start;
  const [line = ''] = await appendOne();
  expect(parseRecord(line).receivedAt).toBe(start + YEAR);
  await appendOne();
  expect(told).toMatchObject([
    {
      code: 'clock_behind',
      message: expect.stringMatching(
        /^trail payments: record 1 was received at 2027-01-01T.*still to come at 2026-01-01T/,
      ),
    },
  ]);
  clock = start + 299_000;
  await appendOne();
  expect(told).toHaveLength(1);
  clock = start + 300_000;
  await appendOne();
  expect(told).toHaveLength(2);
  clock = start + YEAR + 1;
  await appendOne();
  clock = start;
  await appendOne();
  expect(told).toHaveLength(3);
});

it('is passed over in silence where it went back by less than five minutes, as NTP sets it', async () => {
  const told: unknown[] = [];
  let clock = Date.UTC(2026, 0, 1);
  const ledger = openLedger(new MemoryTable(), { now: () => clock, onClockBehind: (error) => void told.push(error) });
  for (const step of [0, -290_000]) {
    clock += step;
    await ledger.append({ trail: TRAIL, submitter: 'shop', events: events('a', 1) });
  }
  expect(told).toEqual([]);
});

it('is found by the verification of the ledger, which goes on all the same and is not put off', async () => {
  const made = await world();
  const right = made.clock;
  made.clock += YEAR;
  await append(made, 10);
  made.clock = right + 3_600_001;
  const first = await made.verifier.verify(TRAIL);
  expect([first.verdict, kinds(first), first.problems[0]?.seq]).toEqual(['damaged', ['future_time'], 9]);
  await append(made, 5);
  const second = await made.verifier.verify(TRAIL);
  expect([second.from, second.to, kinds(second)]).toEqual([10, 15, ['future_time']]);
  made.clock += YEAR;
  expect(await made.verifier.verify(TRAIL)).toMatchObject({ verdict: 'ok' });
});

it('has the first verification come in an hour, and not in a year', async () => {
  const made = await world();
  const right = made.clock;
  made.clock += YEAR;
  await append(made, 1);
  made.clock = right;
  await made.verifier.run(TRAIL);
  expect(made.verifier.revisit(TRAIL)).toBe(3_600_000);
});

it('puts off no seal: what is archived is sealed on the next day', async () => {
  const made = await world();
  const right = made.clock;
  made.clock += YEAR;
  await append(made, 1);
  await made.archiver.seal(TRAIL);
  made.clock = right;
  await append(made, 1);
  await made.archiver.run(TRAIL, { force: true });
  expect(await made.archiver.status(TRAIL)).toMatchObject({ archived: 2, sealed: 1 });
  made.clock += DAY;
  await made.archiver.run(TRAIL);
  expect(await made.archiver.status(TRAIL)).toMatchObject({ archived: 2, sealed: 2 });
});

it('is found by the verification of an archive, which holds it for intact and not for proven', async () => {
  const { archive } = buildTrail({ runs: [3], seals: [3], start: Date.now() + YEAR });
  const { verdict, problems } = await verifyArchive(await objectsOf(archive), { trust: parseTrustedKeys(KEY.pem) });
  expect([verdict, problems.map(({ kind, seq }) => [kind, seq])]).toEqual(['incomplete', [['future_time', 2]]]);
});

it('makes no timer overflow', () => {
  const set = vi.spyOn(globalThis, 'setTimeout');
  systemTimers.after(YEAR, () => undefined)();
  expect(set.mock.calls.map(([, milliseconds]) => milliseconds)).toEqual([2 ** 31 - 1]);
  set.mockRestore();
});
