import { hash } from 'node:crypto';
import { LOG_SUBMITTER, SYSTEM_TRAIL, TRAIL_BEGAN } from '../../contract/system-trails.ts';
import { moveWatermark, readWatermark } from '../../ledger/items/watermark.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Table } from '../../store/ports.ts';
import { readArchiveState } from '../archive/archive-state.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';
import { recordInSystem } from '../runtime/system-record.ts';

/** Stored as part of the watermark's key: not to be renamed. */
const NAME = 'beginnings';
/** How long to leave the archiver until the next look. */
const AWAIT_ARCHIVER_MS = 1_000;

/** The dependencies of {@link TrailBeginnings}. */
interface TrailBeginningsOptions {
  readonly table: Table;
  readonly ledger: Pick<Ledger, 'head' | 'append'>;
}

/**
 * Records in `_system` that a trail exists, once the archive holds a record of it. The archive of `_system` then contradicts an
 * archive from which the whole trail was removed, and never one that the trail has not reached yet. A trail that is older than
 * this follower is recorded on its first visit.
 *
 * `_system` does not name itself: if it were removed, so would be its own record.
 */
export class TrailBeginnings implements Follower {
  readonly name = NAME;
  readonly #table: Table;
  readonly #ledger: TrailBeginningsOptions['ledger'];
  /** Trails that are known to be recorded: each is looked up once in a process. */
  readonly #recorded = new Set<string>();
  /** Trails that the archiver has not come to yet. */
  readonly #awaited = new Set<string>();

  constructor({ table, ledger }: TrailBeginningsOptions) {
    this.#table = table;
    this.#ledger = ledger;
  }

  /**
   * A crash between the record and the watermark repeats the record under the same key, which adds nothing within two days.
   * After that the trail is named twice, which says the same.
   *
   * @throws the errors of the Table and of the append to `_system`
   */
  async run(trail: string, { signal }: RunOptions = {}): Promise<void> {
    this.#awaited.delete(trail);
    if (trail === SYSTEM_TRAIL || this.#recorded.has(trail)) return;
    const mark = await readWatermark(this.#table, trail, NAME);
    if (mark.size === 0) {
      if ((await readArchiveState(this.#table, trail)).size === 0) {
        if ((await this.#ledger.head(trail)) !== undefined) this.#awaited.add(trail);
        return;
      }
      try {
        await this.#record(trail);
      } catch (error) {
        // The log is closing: the next process records it.
        if (signal?.aborted === true) return;
        throw error;
      }
      await moveWatermark(this.#table, mark, { size: 1 });
    }
    this.#recorded.add(trail);
  }

  revisit(trail: string): number | undefined {
    return this.#awaited.has(trail) ? AWAIT_ARCHIVER_MS : undefined;
  }

  async #record(trail: string): Promise<void> {
    const event = {
      type: TRAIL_BEGAN,
      severity: 'info',
      actor: { id: LOG_SUBMITTER, type: 'system' },
      resource: { type: 'trail', id: trail },
      description: 'the trail has its first record',
      details: { trail },
    };
    const key = hash('sha256', JSON.stringify([TRAIL_BEGAN, trail]), 'hex');
    await recordInSystem(this.#ledger, { by: LOG_SUBMITTER, event, once: { key, bodyHash: key }, wait: false });
  }
}
