import type { Ledger } from '../../ledger/ledger.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';

/** The dependencies of {@link Sealer}. */
export interface SealerOptions {
  readonly ledger: Pick<Ledger, 'head' | 'checkpoint' | 'blocks' | 'seal'>;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
  /**
   * Milliseconds for which a head may stand unsigned before the sealer steps in: the append that made it is about to
   * sign it, and a second signature would cost money and be thrown away. @default 300
   */
  readonly graceMs?: number;
}

/**
 * Sees to it that every head gets a checkpoint: the append path signs, but it may fail, die in between, or have been
 * asked not to wait. It remembers nothing that matters: whether a head is signed is read from the ledger.
 */
export class Sealer implements Follower {
  readonly name = 'sealer';
  readonly #ledger: SealerOptions['ledger'];
  readonly #now: () => number;
  readonly #graceMs: number;
  /** Trails with unsigned records: how many were signed, and since when this instance has seen no more than those. */
  readonly #unsigned = new Map<string, { readonly signed: number; readonly since: number }>();

  constructor({ ledger, now = Date.now, graceMs = 300 }: SealerOptions) {
    this.#ledger = ledger;
    this.#now = now;
    this.#graceMs = graceMs;
  }

  /**
   * Signs the trail's head if its append has had the time to and has not.
   *
   * @throws `signer_unavailable` and the Table's errors
   */
  async run(trail: string, options: RunOptions = {}): Promise<void> {
    const head = await this.#ledger.head(trail);
    const signed = (await this.#ledger.checkpoint(trail))?.size ?? 0;
    if (head === undefined || signed >= head.size) {
      this.#unsigned.delete(trail);
      return;
    }
    const now = this.#now();
    const seen = this.#unsigned.get(trail);
    const since = seen?.signed === signed ? seen.since : now;
    this.#unsigned.set(trail, { signed, since });
    // On a busy trail the head is always young, so what counts there is how long its signatures have stood still.
    const waited = Math.max(now - since, now - head.receivedAt);
    if (waited < this.#graceMs && options.force !== true) return;
    await this.#ledger.seal(trail);
    this.#unsigned.delete(trail);
  }

  /** Milliseconds that the oldest record without a checkpoint has been waiting for one; 0 where there is none. */
  async lagMs(trail: string): Promise<number> {
    const signed = (await this.#ledger.checkpoint(trail))?.size ?? 0;
    for await (const { receivedAt } of this.#ledger.blocks(trail, { from: signed, to: signed + 1 })) {
      return Math.max(0, this.#now() - receivedAt);
    }
    return 0;
  }

  /** The rest of the grace of a head that was left to its append. */
  revisit(trail: string): number | undefined {
    const seen = this.#unsigned.get(trail);
    return seen === undefined ? undefined : Math.max(0, seen.since + this.#graceMs - this.#now());
  }
}
