import { expect, vi } from 'vitest';
import { FOLLOWERS, SCHEDULED } from '../../lib/app/followers.ts';
import { recordRun } from '../../lib/followers/indexing/index-records.ts';
import type { LegalHoldOrders } from '../../lib/followers/legal-hold/legal-hold-requests.ts';
import { readIndexSnapshot } from '../../lib/index/format/index-state.ts';
import { blockKey } from '../../lib/ledger/items/layout.ts';
import { readRefusal, refuseAppends } from '../../lib/ledger/items/refusal.ts';
import { enterLine } from '../../lib/ledger/items/submission.ts';
import type { Ledger } from '../../lib/ledger/ledger.ts';
import { FIRST_LINK } from '../../lib/log/producer.ts';
import type { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import type { MemoryTable } from '../../lib/testing/memory/table.ts';

/** A host that runs followers over stores in memory. */
export interface FollowingHost {
  readonly table: MemoryTable;
  readonly objects: MemoryObjects;
  readonly ledger: Ledger;
  readonly legalHolds: Pick<LegalHoldOrders, 'set'>;
  /** Gives the followers a turn, where the host does not do so by itself. */
  turn(): Promise<void>;
}

/** What every host's log is opened with here: no waiting, and blocks that may leave the Table. */
export const LOG_NAME = 'audit.example.com';
export const RETENTION = { default: { hotDays: 30 } };
export const PACE = { archiveDelayMs: 0, gapGraceMs: 0, indexDelayMs: 0, verifyEveryMs: 100 };

interface Work {
  readonly follower: keyof typeof FOLLOWERS | keyof typeof SCHEDULED;
  readonly shows: string;
  /** Leads to work for the follower, and shows that it is done: by what is stored, never by asking the follower. */
  readonly check: (host: FollowingHost) => Promise<void>;
}

const TRAIL = 'orders';
/** One more than fills a bundle. */
const EVENTS = Array.from({ length: 257 }, (_, n) => ({ id: `e-${n}`, json: `{"id":"e-${n}","type":"order.paid"}` }));

/**
 * The contract of a host: each registered follower does its work there, visibly. A follower that is added to the registry and
 * not here fails the test below, and one that is taken out fails its row, on every host.
 */
export const FOLLOWER_WORK: readonly Work[] = [
  {
    follower: 'history',
    shows: 'no refusal of appends to a trail that is what its archive says',
    check: async (host) => {
      await refuseAppends(host.table, TRAIL, 'what was found has been mended');
      await append(host, EVENTS.slice(0, 1));
      await until(host, () => readRefusal(host.table, TRAIL), undefined);
    },
  },
  {
    follower: 'drainer',
    shows: 'a record of a read that was left in line',
    check: async (host) => {
      const left = { submitter: 'auditor', events: EVENTS.slice(0, 1) };
      await host.table.transact([(await enterLine('_access', Date.now(), left, true)).write]);
      await host.ledger.append({ trail: '_access', ...left, seal: 'later' });
      await until(host, async () => (await host.ledger.head('_access'))?.size, 2);
    },
  },
  {
    follower: 'signer',
    shows: 'a checkpoint for what no append signed',
    check: async (host) => {
      await append(host, EVENTS.slice(0, 1));
      await until(host, async () => (await host.ledger.checkpoint(TRAIL))?.size, 1);
    },
  },
  {
    follower: 'archiver',
    shows: 'records and a checkpoint in the archive',
    check: async (host) => {
      await append(host, EVENTS.slice(0, 3));
      await until(host, async () => (await host.objects.get(`${TRAIL}/checkpoint`)) !== undefined, true);
      expect(await host.objects.get(`${TRAIL}/checkpoints/3`)).toBeDefined();
    },
  },
  {
    follower: 'beginnings',
    shows: 'that the trail began, in _system',
    check: async (host) => {
      await append(host, EVENTS.slice(0, 1));
      await until(host, () => recorded(host, 'trail.began'), { trail: TRAIL });
    },
  },
  {
    follower: 'heads',
    shows: 'the head of the trail, in _heads',
    check: async (host) => {
      await append(host, EVENTS.slice(0, 3));
      const stated = expect.objectContaining({ size: 3 });
      await until(host, () => recorded(host, 'trail.head', '_heads'), stated);
    },
  },
  {
    follower: 'witnesses',
    shows: 'a cosigned checkpoint of _heads in the archive',
    check: async (host) => {
      await append(host, EVENTS.slice(0, 1));
      await until(host, async () => (await takeFirst(host, '_heads/witnessed/'))?.match(/\n— /g)?.length, 2);
    },
  },
  {
    follower: 'timestamps',
    shows: 'a time-stamp over the first seal',
    check: async (host) => {
      await append(host, EVENTS.slice(0, 3));
      await until(host, async () => (await host.objects.get(`${TRAIL}/checkpoints/3.tsr`)) !== undefined, true);
    },
  },
  {
    follower: 'indexer',
    shows: 'every record in the index',
    check: async (host) => {
      await append(host, EVENTS);
      await until(host, async () => (await readIndexSnapshot(host.table, TRAIL)).size, EVENTS.length);
    },
  },
  {
    follower: 'producers',
    shows: 'a gap in the numbers of a producer, in _system',
    check: async (host) => {
      await append(host, [numbered(0), numbered(2)]);
      await until(
        host,
        () => recorded(host, 'producer.gap'),
        expect.objectContaining({ trail: TRAIL, first: 1, last: 1 }),
      );
    },
  },
  {
    follower: 'expirer',
    shows: 'a time to expire at on a block that is archived and indexed',
    check: async (host) => {
      await append(host, EVENTS.slice(0, 256));
      await until(host, async () => (await readIndexSnapshot(host.table, TRAIL)).size, 256);
      await until(host, async () => (await host.objects.get(`${TRAIL}/checkpoints/256`)) !== undefined, true);
      await append(host, EVENTS.slice(256)); // which wakes it again
      await until(host, async () => typeof (await host.table.get(blockKey(TRAIL, 0)))?.expiresAt, 'number');
    },
  },
  {
    follower: 'legalHolds',
    shows: 'a hold on what was archived before it was set',
    check: async (host) => {
      await append(host, EVENTS.slice(0, 1));
      await until(host, async () => (await versions(host)).length > 0, true);
      await host.legalHolds.set(TRAIL, { held: true, reason: 'case 7', by: 'ann' });
      await until(host, async () => new Set(await versions(host)), new Set([true]));
    },
  },
  {
    follower: 'verifier',
    shows: 'a verification that found nothing wrong, in _system',
    check: async (host) => {
      await append(host, EVENTS.slice(0, 3));
      await until(
        host,
        () => recorded(host, 'system.verification_completed'),
        expect.objectContaining({ verdict: 'ok', from: 0, to: 3 }),
      );
    },
  },
  {
    follower: 'indexCheck',
    shows: 'an alert in _system over a run that its records do not make',
    check: async (host) => {
      await append(host, EVENTS);
      const run = { first: 0, size: 2, leaves: 3, root: new Uint8Array(32), counts: new Uint8Array(32) };
      await recordRun(host.ledger, TRAIL, run, [run]);
      await until(host, () => recorded(host, 'security.alert'), expect.anything());
    },
  },
];

/** The names of all registered followers. */
export const REGISTERED = Object.keys({ ...FOLLOWERS, ...SCHEDULED });

const append = ({ ledger }: FollowingHost, events: readonly { readonly id: string; readonly json: string }[]) =>
  ledger.append({ trail: TRAIL, submitter: 'shop', events, seal: 'later' });

/** An event that says which number its producer gave it, and that it knows of none before. */
const numbered = (seq: number) => {
  const id = `n-${seq}`;
  return { id, json: JSON.stringify({ id, producer: { id: 'till', prev: FIRST_LINK, seq }, type: 'order.paid' }) };
};

async function until<T>(host: FollowingHost, look: () => Promise<T>, wanted: unknown): Promise<void> {
  const seen = async () => {
    await host.turn();
    expect(await look()).toEqual(wanted);
  };
  await vi.waitFor(seen, { interval: 20, timeout: 10_000 });
}

/** The first object below a prefix. */
async function takeFirst({ objects }: FollowingHost, prefix: string): Promise<string | undefined> {
  for await (const { key } of objects.list(prefix)) return Buffer.from((await objects.get(key)) ?? []).toString();
  return undefined;
}

/** The details of the first event of a type about the trail in a system trail. */
async function recorded({ ledger }: FollowingHost, type: string, trail = '_system'): Promise<unknown> {
  for await (const { lines } of ledger.blocks(trail, { from: 0, to: 100 })) {
    for (const line of lines) {
      const { event } = JSON.parse(line);
      if (event.type === type && [event.details.trail, event.resource.id].includes(TRAIL)) return event.details;
    }
  }
  return undefined;
}

/** Whether each version of the trail's objects is held. */
async function versions({ objects }: FollowingHost): Promise<boolean[]> {
  const held: boolean[] = [];
  for await (const { key, version } of objects.versions(`${TRAIL}/`)) held.push(await objects.isHeld(key, version));
  return held;
}
