import { ACCESS_TRAIL } from '../../contract/system-trails.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';

/**
 * Seals the records of reads that were left in the line of the trail `_access` because others were appending to it, and
 * that no later read came by to seal. It remembers nothing: what waits is in the line. No other trail has anything left in its line.
 */
export class LineDrainer implements Follower {
  readonly name = 'drainer';
  readonly #ledger: Pick<Ledger, 'drain'>;

  constructor(ledger: Pick<Ledger, 'drain'>) {
    this.#ledger = ledger;
  }

  /** @throws the Table's errors */
  async run(trail: string, { signal }: RunOptions = {}): Promise<void> {
    if (trail === ACCESS_TRAIL) await this.#ledger.drain(trail, signal);
  }
}
