import { headEvent } from '../../contract/head-statement.ts';
import { HEADS_TRAIL, LOG_SUBMITTER } from '../../contract/system-trails.ts';
import { prepareBatch } from '../../event/intake.ts';
import { readWatermark } from '../../ledger/items/watermark.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseNote } from '../../log/note.ts';
import { DEFAULT_POLICY } from '../../privacy/policy.ts';
import type { Table } from '../../store/ports.ts';
import { readArchiveState } from '../archive/archive-state.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';
import { WITNESSES } from '../witnesses/witness-state.ts';
import { HEADS, noteStated, readStated, type StatedHeads } from './head-watermark.ts';

/** The dependencies of {@link HeadStatements}. */
interface HeadStatementsOptions {
  readonly table: Table;
  readonly ledger: Pick<Ledger, 'head' | 'append' | 'exactCheckpoint'>;
  /** True if heads are stated at all: only where witnesses are asked. */
  readonly isOn: boolean;
  /** The least time between two statements of one trail, and between two bursts of statements, in milliseconds. @default 15,000 */
  readonly everyMs?: number;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** Statements within so much of the last one belong to its burst, in milliseconds: those of one sweep over many trails. */
const BURST_MS = 20_000;
/** How soon to look again whether the archiver has come further. */
const AWAIT_ARCHIVER_MS = 1_000;

/**
 * States the newest archived checkpoint of each trail in the trail `_heads`, whose own checkpoints witnesses cosign: so a few
 * witnesses answer for any number of trails. Only archived records are stated, so that anyone who has an archive with a statement
 * has the head that it states.
 */
export class HeadStatements implements Follower {
  readonly name = HEADS;
  readonly #table: Table;
  readonly #ledger: HeadStatementsOptions['ledger'];
  readonly #isOn: boolean;
  readonly #everyMs: number;
  readonly #now: () => number;
  readonly #revisit = new Map<string, number>();

  constructor({ table, ledger, isOn, everyMs = 15_000, now = Date.now }: HeadStatementsOptions) {
    this.#table = table;
    this.#ledger = ledger;
    this.#isOn = isOn;
    this.#everyMs = everyMs;
    this.#now = now;
  }

  /**
   * A crash between the record and the watermark states the same head twice, which says the same.
   *
   * @throws the errors of the Table and of the append to `_heads`; `store_corrupt`
   */
  async run(trail: string, { signal }: RunOptions = {}): Promise<void> {
    this.#revisit.delete(trail);
    if (!this.#isOn || trail === HEADS_TRAIL) return;
    const stated = await readStated(this.#table, trail);
    const { size } = await readArchiveState(this.#table, trail);
    const head = (await this.#ledger.head(trail))?.size ?? 0;
    if (size <= stated.mark.size) {
      if (head > size) this.#revisit.set(trail, AWAIT_ARCHIVER_MS);
      return;
    }
    const wait = await this.#wait(stated);
    if (wait > 0) {
      this.#revisit.set(trail, wait);
      return;
    }
    try {
      await this.#state(trail, size, stated);
    } catch (error) {
      // The log is closing: the next process states it.
      if (signal?.aborted === true) return;
      throw error;
    }
    if (head > size) this.#revisit.set(trail, this.#everyMs);
  }

  revisit(trail: string): number | undefined {
    return this.#revisit.get(trail);
  }

  /**
   * How long a trail's next statement has to wait, in milliseconds. Statements come in bursts, since each burst costs a head of
   * `_heads` that is signed, archived and cosigned.
   */
  async #wait({ newest }: StatedHeads): Promise<number> {
    const now = this.#now();
    const ownWait = (newest?.at ?? 0) + this.#everyMs - now;
    const since = now - ((await this.#ledger.head(HEADS_TRAIL))?.receivedAt ?? 0);
    const isBurst = since < Math.min(BURST_MS, this.#everyMs / 3);
    return Math.max(ownWait, isBurst ? 0 : this.#everyMs - since);
  }

  async #state(trail: string, size: number, stated: StatedHeads): Promise<void> {
    const checkpoint = await this.#ledger.exactCheckpoint(trail, size);
    if (checkpoint === undefined) {
      const message = `the checkpoint of trail ${trail} at size ${size} is archived, and gone from the ledger`;
      throw new SealtrailError('store_corrupt', message);
    }
    const { root } = parseCheckpoint(parseNote(checkpoint.note).text);
    const body = Buffer.from(JSON.stringify(headEvent({ trail, size, root })));
    const events = prepareBatch(body, 'application/json', DEFAULT_POLICY);
    const receipt = await this.#ledger.append({
      trail: HEADS_TRAIL,
      submitter: LOG_SUBMITTER,
      events,
      wait: false,
      seal: 'later',
    });
    const { newest } = stated;
    const witnessed = (await readWatermark(this.#table, HEADS_TRAIL, WITNESSES)).size;
    const covered = newest !== undefined && newest.seq < witnessed ? newest : stated.covered;
    await noteStated(this.#table, stated, { size, seq: receipt.first, at: this.#now() }, covered);
  }
}
