import { readIndexSnapshot } from '../../index/format/index-state.ts';
import { type ArchivedRecords, recordsInBundles } from '../../ledger/archived-records.ts';
import { attributesOf } from '../../ledger/items/format.ts';
import { blockPartition, blockPartKey, sortableNumber } from '../../ledger/items/layout.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Item, Table, Write } from '../../store/ports.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';
import { completeExpiry, EXPIRER, type ExpiryState, expiryOf, planExpiry, readExpiryState } from './expiry-state.ts';

/** The dependencies of {@link Expirer}. */
export interface ExpirerOptions {
  readonly table: Table;
  readonly archive: Pick<ArchivedRecords, 'check'>;
  /** How many days a trail's blocks stay in the hot store after they were received. */
  readonly hotDays: (trail: string) => number | 'forever';
}

const DAY_SECONDS = 86_400;
/** Records of one plan, about: a hundred bundles are read back. */
const PLAN_RECORDS = 25_600;
/** Blocks that are stamped at the same time. */
const STAMPS_AT_ONCE = 16;

/** As much of a stored block as is needed here. */
interface Stored {
  readonly item: Item;
  readonly first: number;
  readonly end: number;
  readonly receivedAt: number;
  readonly parts: number;
}

/**
 * Stamps blocks with the time at which the store may remove them. A block is stamped once every record of it is in a full
 * bundle of the archive that was read back and found to be what was sealed, and in the index: what is in the bundle that
 * is not full yet is read again by the archiver, and stays. Heads, checkpoints, tiles and the index stay for good.
 *
 * It first stores the blocks it is about to stamp as a plan, with the time that blocks stay: after a crash the same blocks get
 * the same times, and a reader that finds a block missing can tell whether it was to go.
 */
export class Expirer implements Follower {
  readonly name = EXPIRER;
  readonly #table: Table;
  readonly #archive: ExpirerOptions['archive'];
  readonly #hotDays: ExpirerOptions['hotDays'];

  constructor({ table, archive, hotDays }: ExpirerOptions) {
    this.#table = table;
    this.#archive = archive;
    this.#hotDays = hotDays;
  }

  /**
   * Stamps what may be stamped.
   *
   * @throws `archive_damaged`: an alarm that names the object; nothing that it should hold is stamped. `store_corrupt` and
   *   the stores' errors; the next run goes on from here.
   */
  async run(trail: string, { signal }: RunOptions = {}): Promise<void> {
    while (!signal?.aborted) {
      const state = await readExpiryState(this.#table, trail);
      const goesOn =
        state.planned === undefined ? await this.#plan(trail, state) : await this.#setExpiry(trail, state, signal);
      if (!goesOn) return;
    }
  }

  /** True if a plan was made. After a crash before its last line nothing has happened; after it, it is carried out. */
  async #plan(trail: string, state: ExpiryState): Promise<boolean> {
    const days = this.#hotDays(trail);
    if (days === 'forever') return false;
    const index = await readIndexSnapshot(this.#table, trail);
    const limit = Math.min(await recordsInBundles(this.#table, trail), index.size);
    let planned = state.size;
    for await (const { end } of this.#blocks(trail, state.size, limit)) {
      if (end > limit) break;
      planned = end;
      if (planned - state.size >= PLAN_RECORDS) break;
    }
    if (planned === state.size) return false;
    await this.#archive.check(trail, state.size, planned);
    return planExpiry(this.#table, state, planned, days * DAY_SECONDS);
  }

  /**
   * True if the plan was carried out to its end. A block is stamped together with its parts, so one that is gone by now was
   * stamped as a whole before. After a crash anywhere the next run stamps what is left.
   */
  async #setExpiry(trail: string, state: ExpiryState, signal: AbortSignal | undefined): Promise<boolean> {
    let underWay: Promise<unknown>[] = [];
    for await (const block of this.#blocks(trail, state.size, state.planned ?? state.size)) {
      const expiresAt = expiryOf(state, block.first, block.receivedAt);
      if (expiresAt === undefined || block.item.expiresAt === expiresAt) continue;
      if (signal?.aborted) break;
      underWay.push(this.#table.transact(stampsOf(trail, block, expiresAt)));
      if (underWay.length < STAMPS_AT_ONCE) continue;
      await Promise.all(underWay);
      underWay = [];
    }
    await Promise.all(underWay);
    return !signal?.aborted && completeExpiry(this.#table, state);
  }

  async *#blocks(trail: string, from: number, to: number): AsyncGenerator<Stored, void, void> {
    if (from >= to) return;
    const range = { partition: blockPartition(trail), from: sortableNumber(from), to: sortableNumber(to - 1) };
    for await (const item of this.#table.query(range)) yield storedBlock(trail, item);
  }
}

function stampsOf(trail: string, { item, first, parts }: Stored, expiresAt: number): Write[] {
  const keys = [
    { partition: item.partition, sort: item.sort },
    ...Array.from({ length: parts - 1 }, (_, n) => blockPartKey(trail, first, n + 1)),
  ];
  return keys.map((update) => ({ update, set: {}, expiresAt }));
}

function storedBlock(trail: string, item: Item): Stored {
  const { first, count, receivedAt, parts } = attributesOf('block', item);
  if (
    typeof first !== 'number' ||
    typeof count !== 'number' ||
    typeof receivedAt !== 'number' ||
    typeof parts !== 'number' ||
    item.sort !== sortableNumber(first) ||
    parts > MAX_PARTS
  ) {
    throw new SealtrailError('store_corrupt', `the block at ${Number(item.sort)} of trail ${trail} is damaged`);
  }
  return { item, first, end: first + count, receivedAt, parts };
}

/** A block's body fits into one transaction: see `lib/ledger/items/stored-block.ts`. */
const MAX_PARTS = 10;
