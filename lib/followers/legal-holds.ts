import { hash } from 'node:crypto';
import { prepareBatch } from '../event/intake.ts';
import { DEFAULT_POLICY } from '../event/privacy.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { SealtrailError } from '../log/error.ts';
import type { Objects, ObjectVersion, Table } from '../store/ports.ts';
import type { Follower, RunOptions } from './follower.ts';
import { LEGAL_HOLD, type LegalHoldState, PASSES, readLegalHold, takeLegalHoldStep } from './legal-hold-state.ts';
import { SYSTEM_TRAIL } from './watchman.ts';

/** What {@link LegalHolds} work with. */
export interface LegalHoldsOptions {
  readonly table: Table;
  readonly objects: Objects;
  readonly ledger: Pick<Ledger, 'head' | 'append'>;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** What is known of a trail's legal hold. */
export interface LegalHoldStatus {
  readonly trail: string;
  readonly held: boolean;
  /** When it was set or released, Unix milliseconds; absent: never. */
  readonly since?: number;
  readonly by?: string;
  readonly reason?: string;
  /** Versions of objects that were held or released so far. */
  readonly objects: number;
  /** Whether all of them were. */
  readonly complete: boolean;
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
 * its lock has ended. Setting and releasing are recorded in `_system`; what the archiver puts from then on is held as it
 * is put, and what is there already by this follower, a stretch at a time, so that it can stop anywhere.
 */
export class LegalHolds implements Follower {
  readonly name = LEGAL_HOLD;
  readonly #table: Table;
  readonly #objects: Objects;
  readonly #ledger: LegalHoldsOptions['ledger'];
  readonly #now: () => number;
  readonly #revisit = new Map<string, number>();

  constructor({ table, objects, ledger, now = Date.now }: LegalHoldsOptions) {
    this.#table = table;
    this.#objects = objects;
    this.#ledger = ledger;
    this.#now = now;
  }

  /** @throws `store_corrupt`; the Table's errors */
  async status(trail: string): Promise<LegalHoldStatus> {
    return statusOf(trail, await readLegalHold(this.#table, trail));
  }

  /**
   * Sets a trail's legal hold, or releases it. It is recorded first: after a crash before the hold itself, the same call
   * again finds its record. What is so already is nothing to do.
   *
   * @param by the authenticated principal
   * @throws `not_found` where there is no such trail, `throttled` when somebody else is at it; the errors of the append
   */
  async set(
    trail: string,
    { held, reason, by }: { held: boolean; reason: string; by: string },
  ): Promise<LegalHoldStatus> {
    const state = await readLegalHold(this.#table, trail);
    if (state.isHeld === held) return statusOf(trail, state);
    if ((await this.#ledger.head(trail)) === undefined) {
      throw new SealtrailError('not_found', `there is no trail ${trail}`);
    }
    await this.#record(trail, { held, reason, by }, state.watermark.revision);
    const step = { isHeld: held, since: this.#now(), by, reason, pass: 0, cursor: '', objects: 0 };
    const next = await takeLegalHoldStep(this.#table, state, step);
    if (next !== undefined) return statusOf(trail, next);
    throw new SealtrailError('throttled', `the legal hold of trail ${trail} is being changed`, { retryAfter: 1 });
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

  async #record(trail: string, { held, reason, by }: { held: boolean; reason: string; by: string }, revision: number) {
    const event = {
      type: held ? 'system.legal_hold_set' : 'system.legal_hold_released',
      severity: 'warning',
      outcome: 'success',
      actor: { id: by, type: 'admin' },
      resource: { type: 'trail', id: trail },
      description: reason,
    };
    const body = Buffer.from(JSON.stringify(event));
    const bodyHash = hash('sha256', body, 'hex');
    await this.#ledger.append({
      trail: SYSTEM_TRAIL,
      submitter: 'sealtrail',
      events: prepareBatch(body, 'application/json', DEFAULT_POLICY),
      idempotency: { key: `${LEGAL_HOLD}/${trail}/${revision}/${bodyHash}`, bodyHash },
    });
  }
}

function statusOf(trail: string, { isHeld, since, by, reason, pass, objects }: LegalHoldState): LegalHoldStatus {
  return {
    trail,
    held: isHeld,
    ...(since === 0 ? {} : { since, by, reason }),
    objects,
    complete: pass >= PASSES,
  };
}
