import { hash } from 'node:crypto';
import { producerDueKey } from '../../ledger/items/layout.ts';
import { moveWatermark, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { SealtrailError } from '../../log/error.ts';
import { identityOf } from '../../log/identity.ts';
import { producerLink, producerMarkOf } from '../../log/producer.ts';
import { parseRecord } from '../../log/record.ts';
import type { Table } from '../../store/ports.ts';
import type { Follower, RunOptions } from '../runtime/follower.ts';
import { recordInSystem } from '../runtime/system-record.ts';
import {
  type Due,
  dueProducers,
  type Findings,
  findingsOf,
  isNothing,
  type Producer,
  type ProducerState,
  readProducer,
  recordedWith,
  storeProducer,
} from './producer-state.ts';

const NAME = 'producers';
const SUBMITTER = 'sealtrail:producers';
/** Records looked at and producers written in one transaction, and the most transactions of a run. */
const STEP_RECORDS = 5000;
const STEP_PRODUCERS = 45;
const RUN_STEPS = 20;
/** Producers of which findings are recorded in one run. */
const RUN_FINDINGS = 20;

/** The dependencies of {@link ProducerFollower}. */
export interface ProducerFollowerOptions {
  readonly table: Table;
  readonly ledger: Pick<Ledger, 'head' | 'blocks' | 'append'>;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
  /** Milliseconds for which late events are waited for before a gap is recorded. @default 60,000 */
  readonly graceMs?: number;
  /** New records wait for so many, or for so many milliseconds, before they are looked at. @default 1,000 and 2,000 */
  readonly minRecords?: number;
  readonly delayMs?: number;
}

/**
 * Follows the numbers that producers give their events. A gap that stays open, a number with two events, and a gap that
 * is filled after all are recorded in `_system`, each once. An append never waits for it.
 */
export class ProducerFollower implements Follower {
  readonly name = NAME;
  readonly #table: Table;
  readonly #ledger: ProducerFollowerOptions['ledger'];
  readonly #now: () => number;
  readonly #graceMs: number;
  readonly #minRecords: number;
  readonly #delayMs: number;
  /** Since when the trail's new records are waiting, and its next visit. Unix milliseconds. */
  readonly #waiting = new Map<string, number>();
  readonly #next = new Map<string, number>();

  constructor({ table, ledger, now = Date.now, ...waits }: ProducerFollowerOptions) {
    this.#table = table;
    this.#ledger = ledger;
    this.#now = now;
    const { graceMs = 60_000, minRecords = 1000, delayMs = 2000 } = waits;
    this.#graceMs = graceMs;
    this.#minRecords = minRecords;
    this.#delayMs = delayMs;
  }

  /**
   * Takes in new records, so many at most, and records what is due.
   *
   * @throws the errors of the Table and of the append to `_system`; `store_corrupt`, after the work: a producer whose state
   *   cannot be read is set aside
   */
  async run(trail: string, { signal, force = false }: RunOptions = {}): Promise<void> {
    const aside: Aside = new Map();
    const mark = await readWatermark(this.#table, trail, NAME);
    const head = (await this.#ledger.head(trail))?.size ?? 0;
    if (head > mark.size && this.#isReady(trail, head - mark.size, force)) {
      await this.#catchUp(mark, head, aside, signal);
    }
    for (const due of await dueProducers(this.#table, trail, this.#now(), RUN_FINDINGS)) {
      if (signal?.aborted === true) return;
      await this.#settle(due, aside);
    }
    await this.#plan(trail);
    const [first] = aside.values();
    // When all the others are seen to: what is damaged is an alarm, and keeps nothing else from being done.
    if (first !== undefined) throw first;
  }

  revisit(trail: string): number | undefined {
    const next = this.#next.get(trail);
    return next === undefined ? undefined : Math.max(0, next - this.#now());
  }

  #isReady(trail: string, records: number, force: boolean): boolean {
    const since = this.#waiting.get(trail) ?? this.#now();
    const isReady = force || records >= this.#minRecords || this.#now() - since >= this.#delayMs;
    if (isReady) this.#waiting.delete(trail);
    else this.#waiting.set(trail, since);
    return isReady;
  }

  async #catchUp(from: Watermark, head: number, aside: Aside, signal: AbortSignal | undefined): Promise<void> {
    let mark = from;
    for (let step = 0; step < RUN_STEPS && mark.size < head && signal?.aborted !== true; step++) {
      const moved = await this.#step(mark, head, aside);
      // Another process is at it: it does our work, and a later run goes on where it got to.
      if (moved === undefined) return;
      mark = moved;
    }
    if (mark.size < head) this.#waiting.set(mark.trail, 0);
  }

  /** When there is something to do although nothing wakes us. */
  async #plan(trail: string): Promise<void> {
    const [due] = await dueProducers(this.#table, trail, Number.MAX_SAFE_INTEGER, 1);
    const since = this.#waiting.get(trail);
    const next = Math.min(due?.dueAt ?? Number.POSITIVE_INFINITY, (since ?? Number.POSITIVE_INFINITY) + this.#delayMs);
    if (Number.isFinite(next)) this.#next.set(trail, next);
    else this.#next.delete(trail);
  }

  async #step(mark: Watermark, head: number, aside: Aside): Promise<Watermark | undefined> {
    const { trail } = mark;
    const states = new Map<string, ProducerState>();
    let seq = mark.size;
    const range = { from: mark.size, to: Math.min(head, mark.size + STEP_RECORDS) };
    reading: for await (const block of this.#ledger.blocks(trail, range)) {
      for (let at = seq - block.first; at < block.count && seq < range.to; at++, seq++) {
        if (states.size >= STEP_PRODUCERS) break reading;
        await this.#take(trail, block.lines[at] ?? '', states, aside);
      }
    }
    const now = this.#now();
    const writes = [...states.values()].flatMap((state) => storeProducer(this.#withDue(state, now), now));
    return moveWatermark(this.#table, mark, { size: seq }, writes);
  }

  async #take(trail: string, line: string, states: Map<string, ProducerState>, aside: Aside): Promise<void> {
    // Most events of others are not numbered: they are not parsed.
    if (!line.includes('"producer":{')) return;
    const { event, seq: record, submitter: sender } = parseRecord(line);
    const mark = producerMarkOf(event);
    if (mark === undefined) return;
    const submitter = identityOf(sender);
    const key = `${mark.id} ${submitter}`;
    const state = states.get(key) ?? (await this.#read({ trail, id: mark.id, submitter }, aside));
    if (state === undefined) return;
    states.set(key, state);
    const { seq, prev } = mark;
    state.numbering.add({ seq, prev, link: producerLink(String(event.id), mark), record });
  }

  /** Undefined, and put aside: the producer's stored state is damaged. */
  async #read(producer: Producer, aside: Aside): Promise<ProducerState | undefined> {
    const key = `${producer.id} ${producer.submitter}`;
    if (aside.has(key)) return undefined;
    try {
      return await readProducer(this.#table, producer);
    } catch (error) {
      if (!(error instanceof SealtrailError) || error.code !== 'store_corrupt') throw error;
      aside.set(key, error);
      return undefined;
    }
  }

  #withDue(state: ProducerState, now: number): ProducerState {
    if (state.dueAt !== 0 || isNothing(findingsOf(state))) return state;
    return { ...state, dueAt: now + this.#graceMs };
  }

  /** A crash between the record and the state leads to the same record under the same key, which the log has once. */
  async #settle({ producer, dueAt }: Due, aside: Aside): Promise<void> {
    const { trail, id, submitter } = producer;
    const remove = { remove: producerDueKey(trail, dueAt, id, submitter) };
    const state = await this.#read(producer, aside);
    if (state === undefined) return void (await this.#table.transact([remove]));
    const findings = findingsOf(state);
    await this.#record(producer, findings);
    const done = { ...state, recorded: recordedWith(state, findings), dueAt: 0 };
    // Another process that was faster has come to the same. A producer that was forgotten stays so.
    await this.#table.transact(state.revision === 0 ? [remove] : [...storeProducer(done, this.#now()), remove]);
  }

  async #record(producer: Producer, { gaps, filled, conflicts }: Findings): Promise<void> {
    for (const { first, last, record } of gaps) {
      await this.#append(producer, 'producer.gap', 'error', { first, last, record });
    }
    for (const [first, last] of filled) await this.#append(producer, 'producer.gap_filled', 'info', { first, last });
    for (const { seq, record } of conflicts) {
      await this.#append(producer, 'producer.fork', 'critical', { first: seq, last: seq, record });
    }
  }

  async #append({ trail, id, submitter }: Producer, type: keyof typeof TELLS, severity: string, where: Where) {
    const { first, last } = where;
    const event = {
      type,
      severity,
      actor: { id: SUBMITTER, type: 'system' },
      resource: { type: 'producer', id },
      description: TELLS[type](first === last ? `event ${first}` : `events ${first} to ${last}`),
      details: { trail, producer: id, submitter, ...where, count: last - first + 1 },
    };
    const key = hash('sha256', JSON.stringify([type, trail, id, submitter, first, last]), 'hex');
    await recordInSystem(this.#ledger, { by: SUBMITTER, event, once: { key, bodyHash: key }, wait: false });
  }
}

/** The stored state of producers and cannot be read, by producer and submitter. */
type Aside = Map<string, SealtrailError>;

interface Where {
  readonly first: number;
  readonly last: number;
  readonly record?: number;
}

const TELLS = {
  'producer.gap': (which: string) => `a producer numbered its ${which}, and a later one came without`,
  'producer.gap_filled': (which: string) => `a producer’s ${which} came late: nothing is missing there any more`,
  'producer.fork': (which: string) => `a producer has two histories: its ${which} is there as two different ones`,
};
