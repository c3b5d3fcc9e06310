import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Archiver } from '../../../lib/followers/archive/archiver.ts';
import { Runner, type RunnerErrorSource } from '../../../lib/followers/runtime/runner.ts';
import { Sealer } from '../../../lib/followers/signing/head-signer.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import { pemOf } from '../../../lib/log/note.ts';
import { FolderObjects } from '../../../lib/store/folder/objects.ts';
import type { Objects } from '../../../lib/store/ports.ts';
import { SqliteTable } from '../../../lib/store/sqlite/table.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { verifyArchive } from '../../../lib/verify/archive/verify-archive.ts';
import { parseTrustedKeys } from '../../../lib/verify/evidence/trust.ts';
import { PROBLEM_KINDS } from '../../../lib/verify/report/problem.ts';
import type { Report } from '../../../lib/verify/report/report.ts';
import { DAY, FakeLedger, MORNING } from '../../followers/fake-ledger.ts';
import { events, openLedger } from '../../ledger/fixture.ts';
import { temporaryFolder } from '../../store/temporary.ts';

/** What the product's own verifier, which shares no code with the archiver, says of the archives that it leaves. */

type Keys = { verifiers(trail: string): Promise<readonly Parameters<typeof pemOf>[0][]> };

async function verify(objects: Objects, ledger: Keys): Promise<Report> {
  const pems = (await ledger.verifiers('orders')).map((verifier) => pemOf(verifier));
  return verifyArchive(objects, { trust: parseTrustedKeys(pems.join('')) });
}

describe('an archive written beside a real ledger', () => {
  it('is found intact, whatever the signer and the wakes were up to', async () => {
    const folder = await temporaryFolder();
    const table = await SqliteTable.open(`${folder}/ledger.db`);
    const objects = await FolderObjects.open(`${folder}/archive`);
    const signer = new MemorySigner();
    let wakes = 0;
    const ledger = openLedger(table, {
      signers: [signer],
      onCommit: (trail) => {
        wakes += 1;
        if (wakes % 3 !== 0) runner.wake(trail); // some get lost
      },
    });
    const errors: { error: unknown; source: RunnerErrorSource }[] = [];
    const runner: Runner = new Runner({
      followers: [new Sealer({ ledger, graceMs: 5 }), new Archiver({ objects, table, ledger, maxDelayMs: 20 })],
      trails: () => ledger.trails(),
      onError: (error, source) => void errors.push({ error, source }),
      sweepMs: 30,
      pace: { spacingMs: 2, retryMs: 2, maxRetryMs: 10 },
    });
    runner.start();
    const append = (trail: string, n: number) =>
      ledger.append({ trail, submitter: 'tests', events: events(`${trail}-${n}`, 1 + (n % 97)), wait: n % 2 === 0 });
    let sent = 0;
    for (let n = 0; n < 40; n++) {
      if (n % 5 === 0) signer.failures.push(new SealtrailError('signer_unavailable', 'the key is away'));
      const receipts = await Promise.all([append('orders', n), append('payments', n)]);
      sent += receipts[0]?.count ?? 0;
    }
    const archiver = new Archiver({ objects, table, ledger, maxDelayMs: 20 });
    while ((await archiver.status('orders')).archived < sent) await sleep(5);
    await Promise.all([archiver.seal('orders'), archiver.seal('payments')]);
    await ledger.close();
    await runner.stop();

    const report = await verify(objects, ledger);
    expect(report.problems).toEqual([]);
    expect(report.trails).toMatchObject([
      { trail: 'orders', verdict: 'ok', covered: { from: 0, to: sent } },
      { trail: 'payments', verdict: 'ok', covered: { from: 0, to: sent } },
    ]);
    // Nothing but the signer has failed, and only for the sealer.
    expect(errors.map(({ source }) => source.follower).filter((name) => name !== 'sealer')).toEqual([]);
    await objects.close();
    await table.close();
  });
});

describe('an archive that a crash left in the middle of a run', () => {
  it('is never found damaged, only not covered yet, and intact once the next process has been there', async () => {
    const verdicts = new Set<string>();
    for (let nth = 1; ; nth++) {
      const ledger = new FakeLedger().add(300);
      const objects = new MemoryObjects();
      const table = new MemoryTable();
      const now = () => MORNING + DAY;
      await new Archiver({ objects, table, ledger, now }).seal('orders');
      ledger.add(250).add(250, MORNING + DAY);
      const dying = objects.restarted();
      dying.faults.add({ effect: 'cut_before', nth });
      const outcome = await new Archiver({ objects: dying, table, ledger, now })
        .seal('orders')
        .catch((error: unknown) => error);

      const between = await verify(objects, ledger);
      const kinds = Object.keys(between.problemCounts) as (keyof typeof PROBLEM_KINDS)[]; // the report's own keys
      expect([nth, kinds.filter((kind) => PROBLEM_KINDS[kind] === 'damage')]).toEqual([nth, []]);
      verdicts.add(between.verdict);

      await new Archiver({ objects, table, ledger, now }).seal('orders');
      const after = await verify(objects, ledger);
      expect([nth, after.verdict, after.problems]).toEqual([nth, 'ok', []]);
      expect(after.trails).toMatchObject([{ covered: { from: 0, to: 800 } }]);
      if (!(outcome instanceof Error)) break;
    }
    expect([...verdicts].sort()).toEqual(['incomplete', 'ok']);
  });
});
