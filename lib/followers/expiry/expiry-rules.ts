import { SealtrailError } from '../../log/error.ts';
import type { Table } from '../../store/ports.ts';
import { type ExpiryState, expiryOf, readExpiryState } from './expiry-state.ts';

/**
 * Tells blocks that were to leave the hot store from those that were removed. The expirer stores what it will stamp
 * before it does, so what is read after a stamp or a gap was seen knows of it.
 */
export class ExpiryRules {
  readonly #table: Table;
  readonly #trail: string;
  readonly #now: () => number;
  #state: ExpiryState | undefined;

  /** @param now Unix milliseconds */
  constructor(table: Table, trail: string, now: () => number) {
    this.#table = table;
    this.#trail = trail;
    this.#now = now;
  }

  /** True if the block with this record may be gone by now. @throws the Table's errors */
  async mayBeGone(seq: number, receivedAt: number): Promise<boolean> {
    return this.#holds((state) => (expiryOf(state, seq, receivedAt) ?? Number.NaN) <= this.#now() / 1000);
  }

  /** True if this is when the log lets the block with this record expire. @throws the Table's errors */
  async isExpiryOf(seq: number, receivedAt: number, expiresAt: number): Promise<boolean> {
    return this.#holds((state) => expiryOf(state, seq, receivedAt) === expiresAt);
  }

  async #holds(test: (state: ExpiryState) => boolean): Promise<boolean> {
    if (this.#state !== undefined && test(this.#state)) return true;
    try {
      this.#state = await readExpiryState(this.#table, this.#trail);
    } catch (error) {
      // Nothing is known to have been stamped.
      if (!(error instanceof SealtrailError) || error.code !== 'store_corrupt') throw error;
      this.#state = undefined;
    }
    return this.#state !== undefined && test(this.#state);
  }
}
