import type { ProblemKind } from '../report/problem.ts';
import { type Line, UNREADABLE } from './check-line.ts';

/** Reports a problem at a record, or at the records `seq` to `lastSeq`. */
export type ReportAt = (kind: ProblemKind, seq: number, message: string, lastSeq?: number) => void;

/**
 * Gives the lines of one segment their places. A line stands where the record stands that it says it is, as long as the
 * line after it agrees; so one line taken out, put in twice or altered is named, and those after it are not blamed.
 */
export class SegmentAligner {
  readonly #last: number;
  readonly #place: (seq: number, line: Line) => void;
  readonly #report: ReportAt;
  /** The record that the next line should be. */
  #next: number;
  /** A line that is not the record that is due, until the line after it has been seen. */
  #held: Line | undefined;
  #surplus = false;

  /** @param first, last as the segment's name says, both inclusive */
  constructor(first: number, last: number, place: (seq: number, line: Line) => void, report: ReportAt) {
    this.#next = first;
    this.#last = last;
    this.#place = place;
    this.#report = report;
  }

  /** The record that the next line should be. */
  get next(): number {
    return this.#next;
  }

  /** True if there are more lines than the segment's name promises; what follows is not worth reading. */
  get isOverfull(): boolean {
    return this.#surplus;
  }

  add(line: Line): void {
    if (this.#held !== undefined) this.#settle(this.#held, line);
    if (line.seq === this.#next && this.#next <= this.#last) this.#put(line);
    else this.#held = line;
  }

  /** After the last line. */
  finish(): void {
    if (this.#held !== undefined) this.#settle(this.#held, undefined);
    if (this.#next > this.#last) return;
    const message = `the segment ends before record ${this.#next}`;
    this.#report('missing_records', this.#next, message, this.#last);
  }

  #settle(held: Line, after: Line | undefined): void {
    this.#held = undefined;
    const due = this.#next;
    if (due > this.#last) {
      this.#reportSurplus(held);
      return;
    }
    const skips = held.seq > due && held.seq <= this.#last;
    if (skips && (after === undefined ? held.seq === this.#last : after.seq === held.seq + 1)) {
      const message = `the segment holds no record ${due}${held.seq - 1 > due ? ` to ${held.seq - 1}` : ''}`;
      this.#report('missing_records', due, message, held.seq - 1);
      this.#next = held.seq;
      this.#put(held);
      return;
    }
    if (held.seq !== UNREADABLE) {
      const again = held.seq < due && after?.seq === due;
      const message = `record ${held.seq} stands ${again ? 'once more' : `where record ${due} belongs`}`;
      this.#report('wrong_seq', again ? held.seq : due, message);
    }
    // With the record that is due right behind it, the line stands between the records and takes the place of none.
    if (after?.seq !== due) this.#put(held);
  }

  #put(line: Line): void {
    this.#place(this.#next, line);
    this.#next += 1;
  }

  #reportSurplus(line: Line): void {
    if (this.#surplus) return;
    this.#surplus = true;
    const seq = line.seq === UNREADABLE ? this.#last : line.seq;
    this.#report('wrong_range', seq, `the segment goes on after record ${this.#last}, the last in its name`);
  }
}
