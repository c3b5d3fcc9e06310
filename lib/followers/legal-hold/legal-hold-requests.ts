import { hash } from 'node:crypto';
import type { LegalHoldReply } from '../../contract/replies.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Table } from '../../store/ports.ts';
import { recordInSystem } from '../runtime/system-record.ts';
import { LEGAL_HOLD, type LegalHoldState, PASSES, readLegalHold, takeLegalHoldStep } from './legal-hold-state.ts';

/** Types of the records of orders in `_system`: `resource.id` is the trail, `description` the reason. */
export const LEGAL_HOLD_SET = 'system.legal_hold_set';
export const LEGAL_HOLD_RELEASED = 'system.legal_hold_released';

/** The dependencies of {@link LegalHoldOrders}. */
export interface LegalHoldOrdersOptions {
  readonly table: Table;
  readonly ledger: Pick<Ledger, 'head' | 'append'>;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/**
 * Sets and releases the legal holds of trails, and records that in `_system`. It touches no object: the follower
 * `LegalHolds` carries an order to the archive, and the archiver to what it puts from then on.
 */
export class LegalHoldOrders {
  readonly #table: Table;
  readonly #ledger: LegalHoldOrdersOptions['ledger'];
  readonly #now: () => number;

  constructor({ table, ledger, now = Date.now }: LegalHoldOrdersOptions) {
    this.#table = table;
    this.#ledger = ledger;
    this.#now = now;
  }

  /** @throws `store_corrupt`; the Table's errors */
  async status(trail: string): Promise<LegalHoldReply> {
    return statusOf(trail, await readLegalHold(this.#table, trail));
  }

  /**
   * Sets a trail's legal hold, or releases it. It is recorded first: after a crash before the hold itself, the same call
   * again finds its record. What is so already is nothing to do.
   *
   * @param by the authenticated principal
   * @throws `not_found` where there is no such trail, `throttled` when someone else is at it; the errors of the append
   */
  async set(
    trail: string,
    { held, reason, by }: { held: boolean; reason: string; by: string },
  ): Promise<LegalHoldReply> {
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

  async #record(trail: string, { held, reason, by }: { held: boolean; reason: string; by: string }, revision: number) {
    const event = {
      type: held ? LEGAL_HOLD_SET : LEGAL_HOLD_RELEASED,
      severity: 'warning',
      outcome: 'success',
      actor: { id: by, type: 'admin' },
      resource: { type: 'trail', id: trail },
      description: reason,
    };
    const bodyHash = hash('sha256', JSON.stringify(event), 'hex');
    const key = `${LEGAL_HOLD}/${trail}/${revision}/${bodyHash}`;
    await recordInSystem(this.#ledger, { by: 'sealtrail', event, once: { key, bodyHash } });
  }
}

function statusOf(trail: string, { isHeld, since, by, reason, pass, objects }: LegalHoldState): LegalHoldReply {
  return {
    trail,
    held: isHeld,
    ...(since === 0 ? {} : { since, by, reason }),
    objects,
    complete: pass >= PASSES,
  };
}
