import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { LedgerReceipt } from '../../lib/ledger/receipt.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { DynamoTable } from '../../lib/store/dynamodb/table.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { event, Instances, ledgerOver, offer, quantile, Tally } from '../simulation/load.ts';
import { StandIn } from '../simulation/stand-in.ts';
import { inVirtualTime } from '../simulation/virtual-time.ts';
import { checkTrail, events, key, openLedger, TRAIL } from './fixture.ts';

vi.mock('node:zlib', async () => (await import('../simulation/zlib-at-once.ts')).zlibAtOnce);

/**
 * A busy trail on DynamoDB, whose transactions hold their items for 6 ms and cancel others that meet them. The rates are those of
 * docs/adr/0026; `npm run bench -- contention` goes further.
 */

const LATENCIES = { network: 2, read: 1, hold: 6 };
const SECONDS = 2;

async function load(perSecond: number, latencies = LATENCIES) {
  const db = new StandIn(latencies);
  const instances = new Instances(() => ledgerOver(new DynamoTable({ client: db.client, tableName: 'log' })));
  const tally = new Tally();
  await offer(perSecond, SECONDS, () => {
    const sent = event();
    const idempotency = { key: sent.id, bodyHash: sent.id };
    const request = { trail: TRAIL, submitter: 'app', events: [sent], idempotency };
    return tally.count(() => instances.serve((ledger) => ledger.append(request)));
  });
  return { db, tally };
}

describe('one trail, one event a request, each from a process of its own', () => {
  it.each([40, 100, 500])('%i a second are served, in time and at a steady price', async (perSecond) => {
    const { db, tally } = await inVirtualTime(() => load(perSecond));
    expect(tally.latencies.length).toBeGreaterThanOrEqual(0.9 * perSecond * SECONDS);
    expect(quantile(tally.latencies, 0.99)).toBeLessThan(1_500);
    expect(db.meter.writeUnits / tally.latencies.length).toBeLessThanOrEqual(25);
  });

  it('cost no more where each transaction holds its items for long, and a block that clashes is dear', async () => {
    const { db, tally } = await inVirtualTime(() => load(100, { ...LATENCIES, hold: 100 }));
    expect(tally.latencies.length).toBe(100 * SECONDS);
    // 39 where it was tried again every few milliseconds; some 22 over a longer time.
    expect(db.meter.writeUnits / tally.latencies.length).toBeLessThanOrEqual(30);
  });

  it('beyond what a trail can take are refused within two seconds, and serve no less than at its limit', async () => {
    // A store that holds items for so long seals some 500 single appends a second.
    const slow = { ...LATENCIES, hold: 100 };
    const { db, tally } = await inVirtualTime(() => load(700, slow));
    expect([...tally.errors.keys()]).toEqual(['rate_limited']);
    expect(quantile(tally.refusals, 1)).toBeLessThan(2_000);
    expect(tally.latencies.length).toBeGreaterThanOrEqual(250 * SECONDS);
    expect(db.meter.writeUnits / tally.latencies.length).toBeLessThanOrEqual(25);
  });

  it.each([
    [100, 1],
    [200, 0.7],
    [400, 0.25],
  ])('%i a second to a store that does one thing at a time are served or refused soon', async (perSecond, part) => {
    // Like DynamoDB Local. What is offered beyond its limits must not keep it from serving.
    const serial = { network: 1, read: 1, hold: 1, each: 0.5 };
    const { db, tally } = await inVirtualTime(() => load(perSecond, serial));
    expect(tally.latencies.length).toBeGreaterThanOrEqual(0.9 * part * perSecond * SECONDS);
    expect(quantile(tally.refusals, 1)).toBeLessThan(2_000);
    expect(db.meter.writeUnits / tally.latencies.length).toBeLessThanOrEqual(25);
  });
});

const append = (trail: string) => {
  const sent = event();
  const idempotency = { key: sent.id, bodyHash: sent.id };
  return { trail, submitter: 'app', events: [sent], idempotency };
};

describe('a busy trail', () => {
  it('does not keep others waiting', async () => {
    const { quiet, busy } = await inVirtualTime(async () => {
      const db = new StandIn(LATENCIES);
      const instances = new Instances(() => ledgerOver(new DynamoTable({ client: db.client, tableName: 'log' })));
      const [quiet, busy] = [new Tally(), new Tally()];
      const to = (tally: Tally, trail: string) => () =>
        tally.count(() => instances.serve((ledger) => ledger.append(append(trail))));
      await Promise.all([offer(500, SECONDS, to(busy, 'busy')), offer(10, SECONDS, to(quiet, 'quiet'))]);
      return { quiet, busy };
    });
    expect(busy.latencies.length).toBeGreaterThan(0.9 * 500 * SECONDS);
    expect(quiet.errors.size).toBe(0);
    expect(quantile(quiet.latencies, 0.99)).toBeLessThan(250);
  });

  it('is served where an account may run ten functions at once, as a new one may', async () => {
    const { acknowledged, size } = await inVirtualTime(async () => {
      const db = new StandIn(LATENCIES);
      const open = () => ledgerOver(new DynamoTable({ client: db.client, tableName: 'log' }));
      const instances = new Instances(open, 10);
      const tally = new Tally();
      await offer(100, SECONDS, async () => {
        const request = append(TRAIL);
        // As the client does, which repeats what was refused.
        while (!(await tally.count(() => instances.serve((ledger) => ledger.append(request))))) await sleep(1_000);
      });
      return { acknowledged: tally.latencies.length, size: (await open().head(TRAIL))?.size };
    });
    expect(acknowledged).toBe(100 * SECONDS);
    expect(size).toBe(acknowledged);
  });
});

/** Numbers that look random and are the same each time. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('many processes whose store fails at random', () => {
  it.each(Array.from({ length: 25 }, (_, seed) => seed + 1))('lose and double nothing (%i)', async (seed) => {
    const random = randomFrom(seed);
    const table = new MemoryTable();
    const effects = ['persisted', 'unpersisted', 'cut_before', 'cut_after'] as const;
    const processes = Array.from({ length: 8 }, () => {
      const store = table.restarted();
      for (let n = 0; n < 4; n++) {
        const effect = effects[Math.floor(random() * (random() < 0.2 ? 4 : 2))] ?? 'persisted';
        store.faults.add({ effect, nth: 1 + Math.floor(random() * 12) });
      }
      return openLedger(store, { now: () => Date.now() + Math.floor(random() * 3_000) });
    });
    const acknowledged: LedgerReceipt[] = [];
    const refused = new Set<string>();
    await inVirtualTime(() =>
      Promise.all(
        processes.flatMap((ledger, n) =>
          Array.from({ length: 3 }, async (_, m) => {
            const name = `${n}-${m}`;
            const request = {
              trail: TRAIL,
              submitter: 'app',
              events: events(name, 1 + (m % 2)),
              idempotency: key(name),
            };
            try {
              acknowledged.push(await ledger.append(request));
            } catch (error) {
              if (!(error instanceof SealtrailError)) throw error;
              if (error.code === 'rate_limited') refused.add(`e-${name}-0`);
              else expect(error.code).toMatch(/^(outcome_unknown|unavailable)$/);
            }
          }),
        ),
      ),
    );
    const ids = await checkTrail(table);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { first, count, events: sealed } of acknowledged) {
      expect(ids.slice(first, first + count)).toEqual(sealed.map(({ id }) => id));
    }
    expect(ids.filter((id) => refused.has(id))).toEqual([]);
  });
});
