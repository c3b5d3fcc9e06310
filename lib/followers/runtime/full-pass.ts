import * as z from 'zod';
import { valuesOr, withFormat } from '../../ledger/items/format.ts';
import { fullPassKey } from '../../ledger/items/layout.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Condition, Item, Table } from '../../store/ports.ts';

/** The dependencies of {@link FullPass}. */
export interface FullPassOptions {
  readonly table: Table;
  /** The list it goes with; see `due-list.ts`. */
  readonly name: 'follow' | 'verify';
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

const count = z.int().nonnegative();
const stored = z.strictObject({
  pass: z.string(),
  startedAt: count,
  /** The last trail looked at; empty: none yet. */
  cursor: z.string(),
  isDone: z.literal([0, 1]),
  /** Trails found in it that no wake-up had come for. */
  missed: count,
  claimedUntil: count,
  revision: count.min(1),
});
type Stored = z.infer<typeof stored>;

/** How far a pass has come. */
export interface PassState {
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** The last trail looked at; empty: none yet. */
  readonly cursor: string;
  readonly isDone: boolean;
  /** Trails found in it that no wake-up had come for. */
  readonly missed: number;
  /** Unix milliseconds. */
  readonly claimedUntil: number;
  /** The claim of this process; undefined: it is done, or another process is at it. */
  readonly claim: number | undefined;
  /** Why what was stored could not be read: then the pass begins anew. */
  readonly error?: SealtrailError;
}

/** The revision of an item that cannot be read. */
const UNREADABLE = 0;

/**
 * A pass over all trails, once for each name, by one process at a time. It goes on where the last process stopped: a crash
 * repeats the trails since the last step.
 */
export class FullPass {
  readonly #table: Table;
  readonly #name: string;
  readonly #now: () => number;

  constructor({ table, name, now = Date.now }: FullPassOptions) {
    this.#table = table;
    this.#name = name;
    this.#now = now;
  }

  /**
   * Goes on with a pass, or begins it where the last one had another name.
   *
   * @param leaseMs how long the claim holds in milliseconds: longer than this process will work on the pass
   * @throws the Table's errors
   */
  async claim(pass: string, leaseMs: number): Promise<PassState> {
    const item = await this.#table.get(fullPassKey(this.#name));
    const { known, error, revision } = read(item);
    const now = this.#now();
    const isSame = known?.pass === pass;
    const { startedAt, cursor, missed } = isSame ? known : { startedAt: now, cursor: '', missed: 0 };
    const isDone = isSame && known.isDone === 1;
    const claimedUntil = now + leaseMs;
    const state = { startedAt, cursor, missed, isDone, claimedUntil, claim: undefined, ...(error && { error }) };
    if (isDone || (known !== undefined && known.claimedUntil > now)) return state;
    const claim = await this.#store(revision, { pass, startedAt, cursor, missed, isDone: 0, claimedUntil });
    return { ...state, claim };
  }

  /**
   * Notes how far the pass has come, and keeps the claim unless it is at its end or `isStopping`. At its end a pass that found
   * trails no wake-up had come for is to begin anew.
   *
   * @returns undefined where another process has taken over
   */
  async advance(pass: string, from: PassState, to: PassStep): Promise<PassState | undefined> {
    const { isStopping = false } = to;
    const isAgain = to.isDone === true && to.missed > 0;
    const isDone = to.isDone === true && !isAgain;
    const claimedUntil = to.isDone === true || isStopping ? 0 : from.claimedUntil;
    const next = {
      startedAt: isAgain ? this.#now() : from.startedAt,
      cursor: isAgain ? '' : to.cursor,
      missed: isAgain ? 0 : to.missed,
      claimedUntil,
    };
    const claim = await this.#store(from.claim, { pass, ...next, isDone: isDone ? 1 : 0 });
    // The one that begins anew is left to the next sweep.
    return claim === undefined ? undefined : { ...next, isDone, claim: isAgain ? undefined : claim };
  }

  async #store(from: number | undefined, to: Omit<Stored, 'revision'>): Promise<number | undefined> {
    const revision = (from ?? 0) + 1;
    const attributes = withFormat('full pass', { ...to, revision });
    const outcome = await this.#table.transact([
      { put: { ...fullPassKey(this.#name), attributes }, when: conditionOf(from) },
    ]);
    return outcome.committed ? revision : undefined;
  }
}

/** Where a pass has come to. */
export interface PassStep {
  /** The last trail looked at. */
  readonly cursor: string;
  readonly missed: number;
  /** True if it was the last of all. @default false */
  readonly isDone?: boolean;
  /** True if this process goes no further. @default false */
  readonly isStopping?: boolean;
}

function conditionOf(revision: number | undefined): Condition {
  if (revision === undefined) return { is: 'absent' };
  return revision === UNREADABLE ? { is: 'present' } : { is: 'equal', attribute: 'revision', value: revision };
}

interface Read {
  readonly known?: Stored;
  readonly revision?: number;
  readonly error?: SealtrailError;
}

/** An unreadable item must not keep any trail from being visited. */
function read(item: Item | undefined): Read {
  if (item === undefined) return {};
  const message = `how far the pass ${item.partition} has come is not readable: it begins anew`;
  const known = valuesOr('full pass', item, (attributes) => stored.parse(attributes), message);
  if (known instanceof SealtrailError) return { revision: UNREADABLE, error: known };
  return { known, revision: known.revision };
}
