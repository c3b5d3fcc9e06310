import { admitAppends, hasRefusal, refuseAppends } from '../../ledger/items/refusal.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Table } from '../../store/ports.ts';
import type { Follower } from '../runtime/follower.ts';
import { recordInSystem } from '../runtime/system-record.ts';

/** The dependencies of {@link HistoryCheck}. */
export interface HistoryCheckOptions {
  readonly table: Table;
  readonly ledger: Pick<Ledger, 'append' | 'assertOneHistory'>;
}

/**
 * Holds each trail against its archive, once in a process and then until a conflict is mended. A conflict is an alarm at each
 * visit and a record in `_system`; what it stores makes processes refuse appends that cannot read the archive.
 */
export class HistoryCheck implements Follower {
  readonly name = 'history';
  readonly #table: Table;
  readonly #ledger: HistoryCheckOptions['ledger'];
  readonly #sound = new Set<string>();

  constructor({ table, ledger }: HistoryCheckOptions) {
    this.#table = table;
    this.#ledger = ledger;
  }

  /** @throws `history_conflict`: an alarm. And the errors of the stores. */
  async run(trail: string): Promise<void> {
    if (this.#sound.has(trail)) return;
    try {
      await this.#ledger.assertOneHistory(trail);
    } catch (error) {
      if (error instanceof SealtrailError && error.code === 'history_conflict') await this.#refuse(trail, error);
      throw error;
    }
    if (await hasRefusal(this.#table, trail)) await admitAppends(this.#table, trail);
    this.#sound.add(trail);
  }

  async #refuse(trail: string, conflict: SealtrailError): Promise<void> {
    await refuseAppends(this.#table, trail, conflict.message);
    const event = {
      type: 'security.alert',
      severity: 'critical',
      actor: { id: 'sealtrail', type: 'system' },
      resource: { type: 'trail', id: trail },
      description: conflict.message,
    };
    try {
      await recordInSystem(this.#ledger, { by: 'sealtrail', event, once: { key: `history/${trail}` }, wait: false });
    } catch (error) {
      // `_system` itself is mostly as old as the trail, and refuses too. The alarm is raised all the same.
      if (!(error instanceof SealtrailError)) throw error;
    }
  }
}
