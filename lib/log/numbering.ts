import { FIRST_LINK } from './producer.ts';

/** A numbered event of a trail. */
export interface NumberedEvent {
  readonly seq: number;
  /** Link of the previous event, and of this one, in hex. */
  readonly prev: string;
  readonly link: string;
  /** Number of its record in the trail. */
  readonly record: number;
}

/** Consecutive events of one producer, each of which names its predecessor. */
export interface Run {
  /** The number of the first event, and the link that it names. */
  readonly first: number;
  readonly prev: string;
  /** One more than the number of the last event, and that event's link. */
  readonly next: number;
  readonly link: string;
  /** Numbers within the run that the producer itself declared skipped: the next event names the one before them. */
  readonly declared: number;
  /** The record of its first event. */
  readonly record: number;
}

/** A range of missing numbers, both ends inclusive. */
export interface NumberGap {
  readonly first: number;
  readonly last: number;
  /** The record of the event after the gap, which names a missing one. */
  readonly record: number;
}

/** A number that two different events claim. */
export interface NumberConflict {
  readonly seq: number;
  /** The record that revealed it. */
  readonly record: number;
}

/** All that is known about a producer, as plain data. */
export interface NumberingState {
  /** Sorted by first number. Usually just one. */
  readonly runs: readonly Run[];
  /** Events seen. */
  readonly received: number;
  /** Events received again, unchanged. */
  readonly repeated: number;
  /** Numbers in gaps that were forgotten because there were too many. */
  readonly lost: number;
  readonly conflicts: readonly NumberConflict[];
}

/** The most runs kept apart; beyond this, the oldest gap is forgotten and counted. */
export const MAX_RUNS = 32;
/** Conflicts remembered; one is enough to prove the point. */
const MAX_CONFLICTS = 4;

const EMPTY: NumberingState = { runs: [], received: 0, repeated: 0, lost: 0, conflicts: [] };

/**
 * Follows the numbers of one producer through a trail, in any order of arrival, in constant memory.
 *
 * Events that each name their predecessor form a run. A run that continues with a higher number than the next one has
 * skipped numbers on purpose, since only the producer can know the link. Between runs are gaps, which late events close.
 * A repeated run that ends in the same link is the same run, since a link covers everything before it; if it ends in
 * another link, that is a conflict.
 *
 * The states of consecutive parts of a trail can be joined, in order.
 */
export class Numbering {
  #runs: Run[];
  #received: number;
  #repeated: number;
  #lost: number;
  readonly #conflicts: NumberConflict[];

  constructor({ runs, received, repeated, lost, conflicts }: NumberingState = EMPTY) {
    this.#runs = [...runs];
    this.#received = received;
    this.#repeated = repeated;
    this.#lost = lost;
    this.#conflicts = [...conflicts];
  }

  state(): NumberingState {
    return {
      runs: this.#runs,
      received: this.#received,
      repeated: this.#repeated,
      lost: this.#lost,
      conflicts: this.#conflicts,
    };
  }

  /** Adds the next event of the trail. */
  add({ seq, prev, link, record }: NumberedEvent): void {
    this.#received += 1;
    const [run] = this.#runs;
    if (run?.link === prev && run.next === seq && this.#runs.length === 1) {
      // The common case: the event continues the newest run.
      this.#runs[0] = { ...run, next: seq + 1, link };
      return;
    }
    // An event without a predecessor declares all earlier numbers skipped.
    const declared = prev === FIRST_LINK ? seq : 0;
    this.#insert({ first: seq, prev, next: seq + 1, link, declared, record });
  }

  /** Joins the state of a later part of the trail. */
  join(later: NumberingState): void {
    this.#received += later.received;
    this.#repeated += later.repeated;
    this.#lost += later.lost;
    for (const conflict of later.conflicts) this.#conflict(conflict);
    for (const run of [...later.runs].sort((a, b) => a.record - b.record)) this.#insert(run);
  }

  /** How many numbers the producer has declared skipped. */
  declared(): number {
    return this.#runs.reduce((sum, { declared }) => sum + declared, 0);
  }

  /** The numbers that never came, in order. */
  gaps(): NumberGap[] {
    const gaps: NumberGap[] = [];
    let due = 0;
    for (const { first, prev, next, record } of this.#runs) {
      if (first > due && !(due === 0 && prev === FIRST_LINK)) gaps.push({ first: due, last: first - 1, record });
      due = Math.max(due, next);
    }
    return gaps;
  }

  /** Numbers that two events claim: conflicts seen so far, and runs that still lie within others. */
  conflicts(): NumberConflict[] {
    const found = [...this.#conflicts];
    let due = 0;
    for (const { first, next, record } of this.#runs) {
      const isKnown = found.some((conflict) => conflict.record === record);
      // The events of a forgotten gap may have arrived after all.
      if (first < due && !isKnown && this.#lost === 0) found.push({ seq: first, record });
      due = Math.max(due, next);
    }
    return found;
  }

  #insert(run: Run): void {
    const before = this.#runs.find(({ link, next }) => link === run.prev && next <= run.first);
    if (before !== undefined) this.#remove(before);
    this.#settle(before === undefined ? run : joined(before, run));
  }

  /** Inserts a run that continues none of the others. */
  #settle(settling: Run): void {
    let run = settling;
    const after = this.#runs.find(({ prev, first }) => prev === run.link && first >= run.next);
    if (after !== undefined) {
      this.#remove(after);
      run = joined(run, after);
    }
    for (const other of this.#runs) {
      if (other.next === run.next && other.link === run.link) {
        this.#keepLonger(run, other);
        return;
      }
      if (other.next === run.next) this.#conflict({ seq: run.next - 1, record: run.record });
      else if (other.next === run.first) this.#conflict({ seq: run.first - 1, record: run.record });
      else if (run.next === other.first) this.#conflict({ seq: other.first - 1, record: other.record });
    }
    this.#place(run);
    if (this.#runs.length > MAX_RUNS) this.#giveUpOldest();
  }

  /** Merges two runs with the same final link: the shorter is the end of the longer. */
  #keepLonger(run: Run, other: Run): void {
    const [longer, shorter] = other.first <= run.first ? [other, run] : [run, other];
    this.#repeated += shorter.next - shorter.first - shorter.declared;
    this.#remove(other);
    this.#place(longer);
  }

  #place(run: Run): void {
    const at = this.#runs.findIndex(({ first }) => first > run.first);
    if (at < 0) this.#runs.push(run);
    else this.#runs.splice(at, 0, run);
  }

  #remove(run: Run): void {
    this.#runs.splice(this.#runs.indexOf(run), 1);
  }

  #giveUpOldest(): void {
    const [oldest, second] = this.#runs;
    if (oldest === undefined || second === undefined) return;
    this.#lost += Math.max(0, second.first - oldest.next);
    const { next, link } = second.next > oldest.next ? second : oldest;
    this.#runs.splice(0, 2, { ...oldest, next, link, declared: oldest.declared + second.declared });
  }

  #conflict(conflict: NumberConflict): void {
    const isKnown = this.#conflicts.some(({ seq, record }) => seq === conflict.seq || record === conflict.record);
    if (!isKnown && this.#conflicts.length < MAX_CONFLICTS) this.#conflicts.push(conflict);
  }
}

function joined(before: Run, after: Run): Run {
  const declared = before.declared + after.declared + after.first - before.next;
  return { ...before, next: after.next, link: after.link, declared };
}
