import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { Table } from '../../lib/store/ports.ts';
import { SqliteTable } from '../../lib/store/sqlite/table.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { inVirtualTime } from '../simulation/virtual-time.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { append, checkAll, checkReceipt, crowded, inLine, isJoining, KEYLESS, names, partitions } from './crowd.ts';
import { checkTrail, events, key, openLedger, signer, TRAIL } from './fixture.ts';

vi.mock('node:zlib', async () => (await import('../simulation/zlib-at-once.ts')).zlibAtOnce);

/**
 * What is promised to processes that append to one trail at the same time: they do not push one another out, each event is
 * sealed once and in order, and a receipt is the same whichever process committed.
 */

describe.each<[string, () => Promise<Table>]>([
  ['memory', async () => new MemoryTable()],
  [
    'SQLite',
    async () => {
      const folder = await temporaryFolder();
      return SqliteTable.open(`${folder}/log.db`);
    },
  ],
])('processes that append to one trail at the same time, over %s', (_, open) => {
  it('share blocks and signatures, and each gets a receipt of its own that holds', async () => {
    const table = await open();
    const signatures = signer.signed;
    const receipts = await inVirtualTime(() => Promise.all(names(30).map((name) => append(crowded(table), name))));
    expect(receipts.every(({ sealed, replayed }) => sealed && !replayed)).toBe(true);
    await checkAll(table, receipts);
    expect(signer.signed - signatures).toBeLessThan(10);
    expect(await inLine(table)).toBe(0);
    await table.close();
  });

  it('need no idempotency key for that', async () => {
    const table = await open();
    const receipts = await inVirtualTime(() =>
      Promise.all(names(30).map((name) => append(crowded(table), name, 1, KEYLESS))),
    );
    await checkAll(table, receipts);
    await table.close();
  });

  it('get one receipt for one key, no matter who asks, and a conflict fails no one else', async () => {
    const table = await open();
    const others = names(5).map((name) => append(crowded(table), name));
    const same = names(6).map(() => append(crowded(table), 'same'));
    const conflicting = append(crowded(table), 'other', 1, { idempotency: key('same', 'another body') });
    const settled = await inVirtualTime(() => Promise.allSettled([...others, ...same, conflicting]));
    const receipts = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    const fresh = receipts.filter(({ replayed }) => !replayed);
    await checkAll(table, fresh);
    // Whichever of the two bodies came first has the key.
    const codes = failures.map(({ code }) => code);
    expect(codes).toEqual(codes.length === 1 ? ['idempotency_conflict'] : Array(6).fill('idempotency_conflict'));
    expect(fresh).toHaveLength(6);
    expect(await inLine(table)).toBe(0);
    await table.close();
  });

  it('get one receipt for one key of a role, whichever of its sessions asks', async () => {
    const table = await open();
    const role = 'arn:aws:sts::123456789012:assumed-role';
    const same = names(6).map((name) => append(crowded(table), 'same', 1, { submitter: `${role}/shop/${name}` }));
    const till = append(crowded(table), 'till', 1, { submitter: `${role}/till/s`, idempotency: key('same') });
    const receipts = await inVirtualTime(() => Promise.all([...same, till]));
    const fresh = receipts.filter(({ replayed }) => !replayed);
    expect(fresh).toHaveLength(2);
    await checkAll(table, fresh);
    expect(await inLine(table)).toBe(0);
    await table.close();
  });
});

describe('an append that meets nobody', () => {
  it('makes no more calls than one without a line would: head, commit, checkpoint; and then two', async () => {
    const table = new MemoryTable();
    const ledger = openLedger(table);
    const one = (name: string) => ledger.append({ trail: TRAIL, submitter: 'app', events: events(name, 1) });
    await one('a');
    expect(table.faults.calls.map((call) => Object.keys(call)[0])).toEqual(['get', 'transact', 'transact']);
    await one('b');
    expect(table.faults.calls).toHaveLength(5);
    const [, commit] = table.faults.calls;
    expect(commit).toMatchObject({ transact: [{ put: { partition: `head/${TRAIL}` } }, {}, {}] });
  });

  it('goes by itself again once it was alone in line', async () => {
    const table = new MemoryTable();
    let isCrowded = true;
    const sometimes: Table = {
      ...crowded(table),
      transact: (writes) => (isCrowded ? crowded(table) : table).transact(writes),
    };
    const ledger = openLedger(sometimes);
    const one = (name: string) => ledger.append({ trail: TRAIL, submitter: 'app', events: events(name, 1) });
    await inVirtualTime(async () => {
      await one('a');
      isCrowded = false;
      await one('b');
    });
    expect(table.faults.calls.filter(isJoining)).toHaveLength(1);
    expect(await checkTrail(table)).toEqual(['e-a-0', 'e-b-0']);
  });
});

describe('a submission in line', () => {
  it('names its format, and so do its landing and the turn', async () => {
    const table = new MemoryTable();
    await inVirtualTime(() => Promise.all(names(8).map((name) => append(crowded(table), name, 1, KEYLESS))));
    const stored = table.faults.calls.flatMap((call) => ('transact' in call ? call.transact : []));
    const puts = stored.flatMap((write) => ('put' in write ? [write.put] : []));
    const kinds = new Set(puts.map(({ partition }) => partition.split('/')[0]));
    expect([...kinds]).toEqual(expect.arrayContaining(['waiting', 'landing', 'turn']));
    expect(puts.filter(({ attributes }) => attributes.format !== 1)).toEqual([]);
  });

  it('that does not wait for the signature is answered without it', async () => {
    const table = new MemoryTable();
    const receipts = await inVirtualTime(() =>
      Promise.all(names(6).map((name) => append(crowded(table), name, 1, { wait: false }))),
    );
    expect(receipts.map(({ sealed, checkpoint }) => [sealed, checkpoint])).toEqual(Array(6).fill([false, undefined]));
    await checkAll(table, receipts);
  });

  it('too large to stand there with its events is committed by its own process, in its turn', async () => {
    const table = new MemoryTable();
    const noise = () => Buffer.from(crypto.getRandomValues(new Uint8Array(30_000))).toString('base64');
    const large = (name: string) =>
      [1, 2, 3].map((n) => ({ id: `${name}-${n}`, json: `{"d":"${noise()}","id":"e-${name}-${n}"}` }));
    const receipts = await inVirtualTime(() =>
      Promise.all([
        ...['x', 'y', 'z'].map((name) => append(crowded(table), name, 1, { events: large(name) })),
        ...names(5).map((name) => append(crowded(table), name)),
      ]),
    );
    const ids = await checkTrail(table);
    expect(ids).toHaveLength(9 + 10);
    for (const receipt of receipts) await checkReceipt(table, receipt);
    expect(await inLine(table)).toBe(0);
  });

  it('is served whatever the clocks say: some processes are five seconds ahead, some behind', async () => {
    const table = new MemoryTable();
    const receipts = await inVirtualTime(() =>
      Promise.all(
        names(24).map((name, n) =>
          append(crowded(table), name, 1, {}, { now: () => Date.now() + ((n % 3) - 1) * 5_000 }),
        ),
      ),
    );
    await checkAll(table, receipts);
  });

  it('that no turn comes for is refused within two seconds, is not stored, and leaves the line', async () => {
    const table = new MemoryTable();
    const stuck: Table = {
      ...crowded(table),
      transact: async (writes) => {
        if (partitions(writes).includes('head')) return { committed: false, failed: [] };
        return table.transact(writes);
      },
    };
    const [error, tookMs] = await inVirtualTime(async () => {
      const began = performance.now();
      const refused = await append(stuck, 'a').catch((reason: unknown) => reason);
      return [refused, performance.now() - began] as const;
    });
    expect(error).toMatchObject({ code: 'rate_limited', retryAfter: 1 });
    expect(tookMs).toBeLessThan(2_000);
    expect(await inLine(table)).toBe(0);
    expect(await checkTrail(table)).toEqual([]);
    // The same key is not taken.
    expect(await append(table, 'a')).toMatchObject({ first: 0, replayed: false });
  });

  it('is not even taken where others have waited for long already, unless the turn is stuck', async () => {
    const table = new MemoryTable();
    const held = { partition: `turn/${TRAIL}`, sort: 'turn', attributes: { holder: 'gone', lagMs: 1_100 } };
    await table.transact([{ put: held }]);
    const { refused, joined, landed } = await inVirtualTime(async () => {
      const ledger = openLedger(crowded(table));
      const request = { trail: TRAIL, submitter: 'app', events: events('a', 1), idempotency: key('a') };
      const refused = await ledger.append(request).catch((reason: unknown) => reason);
      const joined = table.faults.calls.filter(isJoining).length;
      await sleep(1_000);
      return { refused, joined, landed: await ledger.append(request) };
    });
    expect(joined).toBe(0);
    expect(refused).toMatchObject({ code: 'rate_limited', retryAfter: 1 });
    expect(landed).toMatchObject({ first: 0, count: 1 });
  });

  it('of a process that is gone is not committed later than its answer was due', async () => {
    const table = new MemoryTable();
    const gone = table.restarted();
    gone.faults.add({ effect: 'cut_after', matching: isJoining });
    await inVirtualTime(async () => {
      const [died] = await Promise.all([append(crowded(gone), 'gone', 1, KEYLESS).catch((reason: unknown) => reason)]);
      expect(died).toMatchObject({ code: 'outcome_unknown' });
      expect(await inLine(table)).toBe(1);
      await append(crowded(table), 'a', 1);
    });
    expect(await checkTrail(table)).toEqual(['e-a-0']);
    // The store clears it away.
    table.purgeExpired(Date.now() / 1000 + 2 * 3600);
    expect(await inLine(table)).toBe(0);
  });
});

describe('what is left in line', () => {
  const leave = (table: Table, name: string) =>
    openLedger(table).leave({ trail: TRAIL, submitter: 'app', events: events(name, 1), seal: 'later' });

  it('is sealed once, though no one waits for it', async () => {
    const table = new MemoryTable();
    await inVirtualTime(async () => {
      await Promise.all(names(60).map((name) => leave(crowded(table), name)));
      await openLedger(table).drain(TRAIL);
    });
    const ids = await checkTrail(table);
    expect(new Set(ids)).toEqual(new Set(names(60).map((name) => `e-${name}-0`)));
    expect(ids).toHaveLength(60);
    expect(await inLine(table)).toBe(0);
  });

  it('is there after every process is gone, for as long as it takes', async () => {
    const table = new MemoryTable();
    await table.transact([
      { put: { partition: `turn/${TRAIL}`, sort: 'turn', attributes: { holder: 'gone', lagMs: 0 } } },
    ]);
    await inVirtualTime(async () => {
      await Promise.all(names(5).map((name) => leave(crowded(table.restarted()), name)));
      expect(await checkTrail(table)).toEqual([]);
      await openLedger(table, { now: () => Date.now() + 3_600_000 }).drain(TRAIL);
    });
    expect(await checkTrail(table)).toHaveLength(5);
  });

  it('is committed together with what others wait for', async () => {
    const table = new MemoryTable();
    await table.transact([
      { put: { partition: `turn/${TRAIL}`, sort: 'turn', attributes: { holder: 'gone', lagMs: 0 } } },
    ]);
    const receipt = await inVirtualTime(async () => {
      await leave(crowded(table), 'left');
      return append(crowded(table), 'a', 1, {}, { now: () => Date.now() + 1 });
    });
    expect(receipt).toMatchObject({ sealed: true });
    expect(await checkTrail(table)).toEqual(['e-left-0', 'e-a-0']);
  });

  it('goes in at once where no one else appends', async () => {
    const table = new MemoryTable();
    await leave(table, 'a');
    expect(await checkTrail(table)).toEqual(['e-a-0']);
    expect(table.faults.calls.filter(isJoining)).toEqual([]);
  });
});
