import type { Objects, ObjectVersion, Table } from '../../store/ports.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';
import { LEGAL_HOLD, type LegalHoldState, PASSES, readLegalHold, takeLegalHoldStep } from './legal-hold-state.ts';

/** The dependencies of {@link LegalHolds}. */
export interface LegalHoldsOptions {
  readonly table: Table;
  readonly objects: Objects;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** How long an archiver may go on with what it knew when it began: its function ends after five minutes. */
const SETTLED_MS = 15 * 60_000;
/** Versions that one run looks at, about. */
const RUN_VERSIONS = 20_000;
/** Versions between two notes of how far a pass has come, and calls at the same time. */
const STEP_VERSIONS = 500;
const AT_ONCE = 16;

/**
 * Keeps the archives of trails under legal hold: while a trail is held, none of its objects can be removed, whether or not
 * its lock has ended. `LegalHoldOrders` say which are; what the archiver puts from then on is held as it is put, and what
 * is there already by this follower, a stretch at a time, so that it can stop anywhere.
 */
export class LegalHolds implements Follower {
  readonly name = LEGAL_HOLD;
  readonly #table: Table;
  readonly #objects: Objects;
  readonly #now: () => number;
  readonly #revisit = new Map<string, number>();

  constructor({ table, objects, now = Date.now }: LegalHoldsOptions) {
    this.#table = table;
    this.#objects = objects;
    this.#now = now;
  }

  /** Holds or releases objects of a trail, as many as one run may. @throws the stores' errors; the next run goes on */
  async run(trail: string, { signal }: RunOptions = {}): Promise<void> {
    this.#revisit.delete(trail);
    let state: LegalHoldState | undefined = await readLegalHold(this.#table, trail);
    for (let seen = 0; state !== undefined && state.pass < PASSES && !signal?.aborted; ) {
      const wait = state.pass === 0 ? 0 : state.since + SETTLED_MS - this.#now();
      if (wait > 0 || seen >= RUN_VERSIONS) return void this.#revisit.set(trail, Math.max(wait, 0));
      const versions = await this.#next(trail, state.cursor);
      await this.#hold(versions, state.isHeld);
      seen += versions.length;
      const cursor = versions.at(-1)?.key;
      const step =
        cursor === undefined
          ? { pass: state.pass + 1, cursor: '' }
          : { cursor, objects: (state.cursor === '' ? 0 : state.objects) + versions.length };
      state = await takeLegalHoldStep(this.#table, state, step);
    }
  }

  revisit(trail: string): number | undefined {
    return this.#revisit.get(trail);
  }

  /** The versions behind a key, all of each key's; some of them, or none when there are no more. */
  async #next(trail: string, after: string): Promise<ObjectVersion[]> {
    const found: ObjectVersion[] = [];
    const options = after === '' ? {} : { after };
    for await (const version of this.#objects.versions(`${trail}/`, options)) {
      if (found.length >= STEP_VERSIONS && found.at(-1)?.key !== version.key) break;
      found.push(version);
    }
    return found;
  }

  async #hold(versions: readonly ObjectVersion[], isHeld: boolean): Promise<void> {
    for (let from = 0; from < versions.length; from += AT_ONCE) {
      const some = versions.slice(from, from + AT_ONCE).filter(({ isDeleteMarker }) => !isDeleteMarker);
      await Promise.all(some.map(({ key, version }) => this.#objects.hold(key, version, isHeld)));
    }
  }
}
