import { SealtrailError } from '../../log/error.ts';

/**
 * The effect of a fault on the call it hits:
 * - `unpersisted`: the call fails with `unavailable` and stores nothing;
 * - `persisted`: the call stores everything and then fails with `outcome_unknown`, as when an answer is lost;
 * - `cut_before`, `cut_after`: the process dies before or after the call took effect: it and every later call fail;
 * - a promise: the call takes effect only when the promise is settled.
 */
export type FaultEffect = 'unpersisted' | 'persisted' | 'cut_before' | 'cut_after' | Promise<unknown>;

/** A fault to come. */
export interface Fault<Call> {
  readonly effect: FaultEffect;
  /** Which calls it counts. Default: those that write. */
  readonly matching?: (call: Call) => boolean;
  /** The first of the counted calls that it hits, from 1. Default 1: the next. */
  readonly nth?: number;
  /** How many calls it hits from there on. Default 1. */
  readonly times?: number;
}

interface Planned<Call> {
  readonly fault: Fault<Call>;
  seen: number;
}

/**
 * The faults planned for a memory store, and what its calls were.
 *
 * @example
 * table.faults.add({ effect: 'persisted', nth: 2 }); // the second transaction from now is stored, and its answer lost
 */
export class Faults<Call> {
  /** Every call that was made, in order, those that failed included. */
  readonly calls: Call[] = [];
  #planned: Planned<Call>[] = [];
  #cut = false;
  readonly #isWrite: (call: Call) => boolean;

  constructor(isWrite: (call: Call) => boolean) {
    this.#isWrite = isWrite;
  }

  /** Plans a fault. Several may be planned; the first one that hits a call decides. */
  add(fault: Fault<Call>): void {
    this.#planned.push({ fault, seen: 0 });
  }

  /** Drops what was planned and is still to come; a process that was cut stays cut. */
  clear(): void {
    this.#planned = [];
  }

  /** Cuts the process off: every later call fails with `unavailable`. */
  cut(): void {
    this.#cut = true;
  }

  /** How many of the calls so far were writes. */
  get writes(): number {
    return this.calls.filter(this.#isWrite).length;
  }

  /** Runs a call under the faults. `effect` must do all of its work at once, without waiting. */
  async run<T>(call: Call, effect: () => T): Promise<T> {
    if (this.#cut) throw cutOff();
    this.calls.push(call);
    const fault = this.#hit(call);
    if (fault instanceof Promise) await fault.catch(() => undefined);
    if (this.#cut) throw cutOff();
    if (fault === 'unpersisted') throw new SealtrailError('unavailable', 'a planned fault: nothing was stored');
    if (fault === 'cut_before') {
      this.#cut = true;
      throw cutOff();
    }
    const result = effect();
    if (fault === 'cut_after') this.#cut = true;
    if (fault === 'persisted' || fault === 'cut_after') {
      throw new SealtrailError('outcome_unknown', 'a planned fault: the answer was lost');
    }
    return result;
  }

  #hit(call: Call): FaultEffect | undefined {
    let effect: FaultEffect | undefined;
    for (const planned of this.#planned) {
      const { matching = this.#isWrite, nth = 1, times = 1 } = planned.fault;
      if (!matching(call)) continue;
      planned.seen += 1;
      if (effect === undefined && planned.seen >= nth && planned.seen < nth + times) effect = planned.fault.effect;
    }
    return effect;
  }
}

function cutOff(): SealtrailError {
  return new SealtrailError('unavailable', 'a planned fault: the process was cut off');
}
