import { hash } from 'node:crypto';
import * as z from 'zod';
import { valuesOr, withFormat } from '../../ledger/items/format.ts';
import { duePartition } from '../../ledger/items/layout.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Condition, Item, Key, Table, Write } from '../../store/ports.ts';

/** The dependencies of {@link DueList}. */
export interface DueListOptions {
  readonly table: Table;
  /** Its name in the Table. Stored, so it must never change. */
  readonly name: 'follow' | 'verify';
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

const count = z.int().nonnegative();
const stored = z.strictObject({
  /** When the work is due, Unix milliseconds. */
  dueAt: count,
  /** Until when a process has claimed it, Unix milliseconds; 0: it is unclaimed. */
  claimedUntil: count,
  /** 1: more work came while it was claimed. */
  again: z.literal([0, 1]),
  revision: count.min(1),
});
type Stored = z.infer<typeof stored>;

/** A trail with work waiting. */
export interface DueTrail extends Readonly<Stored> {
  readonly trail: string;
  /** Why its item could not be read: then it counts as due, and is written anew. */
  readonly error?: SealtrailError;
}

/** Partitions of a list. Part of its keys. */
const SHARDS = 4;
const MAX_RACES = 10;
/** The revision of an item that cannot be read. */
const UNREADABLE = 0;

/**
 * The trails with work waiting, and only those: a trail at rest has no item and costs nothing.
 *
 * Work is noted after it has become visible in the ledger. A process claims a trail, works, and finishes the claim; work
 * noted in between keeps the trail on the list, so none is lost. A claim left behind by a crash runs out.
 */
export class DueList {
  readonly #table: Table;
  readonly #name: string;
  readonly #now: () => number;

  constructor({ table, name, now = Date.now }: DueListOptions) {
    this.#table = table;
    this.#name = name;
    this.#now = now;
  }

  /**
   * Puts a trail on the list. Costs one read where it is there already.
   *
   * @param dueAt Unix milliseconds; an earlier time on the list stands. @default now
   * @throws `throttled` when others keep changing the item; the Table's errors
   */
  async note(trail: string, dueAt = this.#now()): Promise<void> {
    for (let race = 0; race < MAX_RACES; race++) {
      const known = await this.find(trail);
      if (known !== undefined && !bringsNews(known, dueAt)) return;
      const next = {
        dueAt: Math.min(known?.dueAt ?? dueAt, dueAt),
        claimedUntil: known?.claimedUntil ?? 0,
        again: known === undefined || known.claimedUntil === 0 ? (0 as const) : (1 as const),
      };
      if (await this.#swap(trail, known?.revision, next)) return;
    }
    throw new SealtrailError('throttled', `others keep changing when trail ${trail} is due`, { retryAfter: 1 });
  }

  /** A trail on the list; undefined: it has no work waiting. @throws the Table's errors */
  async find(trail: string): Promise<DueTrail | undefined> {
    const item = await this.#table.get(this.#key(trail));
    return item && { trail, ...read(item) };
  }

  /** Everything on the list, the longest due first. @throws the Table's errors */
  async all(): Promise<readonly DueTrail[]> {
    const shards = Array.from({ length: SHARDS }, async (_, shard) => {
      const partition = duePartition(this.#name, shard);
      return Array.fromAsync(this.#table.query({ partition }), (item) => ({ trail: item.sort, ...read(item) }));
    });
    return (await Promise.all(shards)).flat().sort((a, b) => a.dueAt - b.dueAt);
  }

  /** True if no process is working on a trail. */
  isFree({ claimedUntil }: DueTrail): boolean {
    return claimedUntil <= this.#now();
  }

  /**
   * Claims a trail for this process.
   *
   * @param leaseMs how long the claim holds in milliseconds: longer than this process will work on the trail
   * @returns undefined where another process was faster
   */
  async claim({ trail, dueAt, revision }: DueTrail, leaseMs: number): Promise<DueTrail | undefined> {
    const claimedUntil = this.#now() + leaseMs;
    const isClaimed = await this.#swap(trail, revision, { dueAt, claimedUntil, again: 0 });
    return isClaimed ? { trail, dueAt, claimedUntil, again: 0, revision: revision + 1 } : undefined;
  }

  /**
   * Ends a claim: takes the trail off the list, unless more work was noted since.
   *
   * @param dueAt when there is more to do, Unix milliseconds. @default there is nothing left
   */
  async finish({ trail, revision }: DueTrail, dueAt?: number): Promise<void> {
    const next = dueAt === undefined ? undefined : { dueAt, claimedUntil: 0, again: 0 as const };
    const outcome = await this.#table.transact([this.#change(trail, revision, next)]);
    if (outcome.committed) return;
    const item = outcome.failed[0]?.item;
    const noted = item && read(item);
    // Without `again` it is the claim of another process, which this one came too late for.
    if (noted?.again === 1) await this.#swap(trail, noted.revision, { dueAt: noted.dueAt, claimedUntil: 0, again: 0 });
  }

  async #swap(trail: string, revision: number | undefined, to: Omit<Stored, 'revision'>): Promise<boolean> {
    return (await this.#table.transact([this.#change(trail, revision, to)])).committed;
  }

  #change(trail: string, from: number | undefined, to: Omit<Stored, 'revision'> | undefined): Write {
    const key = this.#key(trail);
    const when = conditionOf(from);
    if (to === undefined) return { remove: key, when };
    return { put: { ...key, attributes: withFormat('due trail', { ...to, revision: (from ?? 0) + 1 }) }, when };
  }

  #key(trail: string): Key {
    const shard = Number.parseInt(hash('sha256', trail, 'hex').slice(0, 8), 16) % SHARDS;
    return { partition: duePartition(this.#name, shard), sort: trail };
  }
}

/** True if work due at a time has to be written down, given what is on the list. */
function bringsNews({ claimedUntil, again, dueAt: known }: Stored, dueAt: number): boolean {
  return claimedUntil === 0 ? dueAt < known : again === 0;
}

function conditionOf(revision: number | undefined): Condition {
  if (revision === undefined) return { is: 'absent' };
  return revision === UNREADABLE ? { is: 'present' } : { is: 'equal', attribute: 'revision', value: revision };
}

/** An unreadable item must not keep the other trails of the list from being visited. */
function read(item: Item): Stored & Pick<DueTrail, 'error'> {
  const message = `when trail ${item.sort} is due is not readable: it is visited now`;
  const values = valuesOr('due trail', item, (attributes) => stored.parse(attributes), message);
  if (!(values instanceof SealtrailError)) return values;
  return { dueAt: 0, claimedUntil: 0, again: 0, revision: UNREADABLE, error: values };
}
