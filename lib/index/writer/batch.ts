import { setImmediate } from 'node:timers/promises';
import { watermarkKey } from '../../ledger/items/layout.ts';
import { type Move, moveWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import type { Item, Table, Write } from '../../store/ports.ts';

/** Maximum writes of one transaction, beside the one that guards or moves the watermark; the Table allows 100 and 4 MB. */
const MAX_WRITES = 98;
const MAX_BYTES = 3_000_000;
/** Calls between yields to the event loop: a long merge must not delay appends. */
const TURN = 250;
/** Maximum size of an item besides its body: keys, names and numbers. */
const ITEM_OVERHEAD_BYTES = 500;

/**
 * The writes of one step, and the move of the watermark that makes them count.
 *
 * A step that fits into one transaction uses one. A longer one first stores its plan with the watermark; each transaction
 * then requires the watermark to be unmoved, so that a slow process never overwrites items that a faster one has built on;
 * the watermark moves last. After a crash in between, the plan is found and carried out again, with the same writes.
 */
export class Batch {
  readonly #table: Table;
  readonly #plan: Move;
  #mark: Watermark;
  #isPlanned: boolean;
  #writes: Write[] = [];
  #bytes = 0;
  #calls = 0;

  /** @param plan the move that stores the plan; @param isPlanned whether it is stored already */
  constructor(table: Table, mark: Watermark, plan: Move, isPlanned: boolean) {
    this.#table = table;
    this.#mark = mark;
    this.#plan = plan;
    this.#isPlanned = isPlanned;
  }

  /** Adds writes, which reach the store now or with the commit. @returns false if another process took over. */
  async add(writes: readonly Write[]): Promise<boolean> {
    if (++this.#calls % TURN === 0) await setImmediate();
    for (const write of writes) {
      const bytes = bytesOf(write);
      const isFull = this.#writes.length >= MAX_WRITES || this.#bytes + bytes > MAX_BYTES;
      if (isFull && !(await this.#flush())) return false;
      this.#writes.push(write);
      this.#bytes += bytes;
    }
    return true;
  }

  /** Makes the remaining writes and moves the watermark. @returns the watermark, or undefined if another process took over */
  commit(move: Move): Promise<Watermark | undefined> {
    return moveWatermark(this.#table, this.#mark, move, this.#writes);
  }

  /** Whether a newly read revision of the watermark is another process's. */
  isOvertaken(revision: number): boolean {
    return revision !== this.#mark.revision;
  }

  async #flush(): Promise<boolean> {
    if (!this.#isPlanned) {
      const planned = await moveWatermark(this.#table, this.#mark, this.#plan);
      if (planned === undefined) return false;
      this.#mark = planned;
      this.#isPlanned = true;
    }
    const { trail, follower, revision } = this.#mark;
    const guard: Write = {
      check: watermarkKey(trail, follower),
      when: { is: 'equal', attribute: 'revision', value: revision },
    };
    const outcome = await this.#table.transact([guard, ...this.#writes]);
    this.#writes = [];
    this.#bytes = 0;
    return outcome.committed;
  }
}

function bytesOf(write: Write): number {
  return ITEM_OVERHEAD_BYTES + ('put' in write ? bodyBytes(write.put) : 0);
}

function bodyBytes({ attributes: { body } }: Item): number {
  return body instanceof Uint8Array ? body.length : 0;
}
