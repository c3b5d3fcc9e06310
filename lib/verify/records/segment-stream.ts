import { DAY_MS } from '../../contract/time.ts';
import { MAX_RECORD_BYTES } from '../../log/record.ts';
import type { Evidence } from '../evidence/evidence.ts';
import type { SegmentName } from '../evidence/object-names.ts';
import { type SegmentIndex, segmentKey } from '../evidence/segment-index.ts';
import type { Findings } from '../report/findings.ts';
import type { ProblemKind } from '../report/problem.ts';
import { type Line, LineReader, type ReportLine, UNREADABLE } from './check-line.ts';
import { unpackMember } from './gzip-member.ts';
import { LineCutter } from './line-cutter.ts';
import { type ReportAt, SegmentAligner } from './segment-aligner.ts';

/** Problems of a segment as a whole, reported by one reader only. */
const OF_THE_WHOLE: ReadonlySet<ProblemKind> = new Set([
  'malformed_segment',
  'trailing_bytes',
  'too_large',
  'wrong_range',
]);

/** The source of a stream, the part to read, and where it reports. */
export interface SegmentSource {
  readonly trail: string;
  readonly segments: SegmentIndex;
  readonly evidence: Evidence;
  readonly findings: Findings;
  /** The records wanted; `to` is exclusive. */
  readonly from: number;
  readonly to: number;
  /** True if no one else reads the segment that goes on beyond `to`. */
  readonly isLast: boolean;
  /** Called for each segment of this stream that was read to its end. `bytes`: of its lines with their line feeds. */
  readonly onSegment: (segment: SegmentName, bytes: number) => void;
}

/**
 * The record lines of a trail's segments in the order of their numbers, in constant memory: a segment is unpacked as
 * its lines are asked for. The next segment is fetched while one is read.
 *
 * Where a segment belongs to two streams, each reports what it finds at its own records, and the one with the segment's
 * last record what it finds of the segment as a whole.
 */
export class SegmentStream {
  readonly #source: SegmentSource;
  readonly #reader: LineReader;
  readonly #steps: AsyncGenerator<void, void>;
  /** Lines that were read and not asked for yet, by ascending record number. */
  #lines: Line[] = [];
  #numbers: number[] = [];
  #head = 0;
  /** The record that is asked for next. */
  #next: number;
  #exhausted = false;

  constructor(source: SegmentSource) {
    this.#source = source;
    this.#reader = new LineReader(source.trail);
    this.#next = source.from;
    this.#steps = this.#readAll();
  }

  /** The lines of the next `count` records, undefined for records that are in no segment. */
  async take(count: number): Promise<(Line | undefined)[]> {
    const end = this.#next + count;
    while (!this.#exhausted && (this.#numbers.at(-1) ?? -1) < end - 1) await this.#step();
    const taken = new Array<Line | undefined>(count).fill(undefined);
    for (let seq = this.#numbers[this.#head]; seq !== undefined && seq < end; seq = this.#numbers[this.#head]) {
      if (seq >= this.#next) taken[seq - this.#next] = this.#lines[this.#head];
      this.#head += 1;
    }
    this.#lines = this.#lines.slice(this.#head);
    this.#numbers = this.#numbers.slice(this.#head);
    this.#head = 0;
    this.#next = end;
    return taken;
  }

  /** Goes on from a later record, without those in between. */
  skipTo(seq: number): void {
    this.#next = Math.max(this.#next, seq);
  }

  /** Reads to the end, unless another reader does, so that every segment has been looked at as a whole. */
  async finish(): Promise<void> {
    this.#next = Number.POSITIVE_INFINITY;
    while (this.#source.isLast && !this.#exhausted) await this.#step();
    await this.close();
  }

  /** Cancels the read in progress. */
  async close(): Promise<void> {
    await this.#steps.return();
  }

  async #step(): Promise<void> {
    this.#exhausted = (await this.#steps.next()).done === true;
  }

  /** Yields whenever some lines have become ready. */
  async *#readAll(): AsyncGenerator<void, void> {
    const { trail, segments, evidence, from, to } = this.#source;
    const read = (segment: SegmentName): Promise<Uint8Array | undefined> => {
      const missing = this.#owns(segment) ? 'missing_records' : undefined;
      const bytes = evidence.read(segmentKey(trail, segment), trail, missing);
      bytes.catch(() => undefined); // awaited later; until then a failure is not unhandled
      return bytes;
    };
    let before: { segment: SegmentName; bytes: Promise<Uint8Array | undefined> } | undefined;
    for (const segment of segments.overlapping(from, to)) {
      const bytes = read(segment);
      if (before !== undefined) yield* this.#readSegment(before.segment, await before.bytes);
      before = { segment, bytes };
    }
    if (before !== undefined) yield* this.#readSegment(before.segment, await before.bytes);
  }

  async *#readSegment(segment: SegmentName, member: Uint8Array | undefined): AsyncGenerator<void, void> {
    if (member === undefined) return;
    const { trail, findings, from, to, isLast, onSegment } = this.#source;
    const object = segmentKey(trail, segment);
    const { first, last } = segment;
    const owns = this.#owns(segment);
    const report: ReportAt = (kind, seq, message, lastSeq = seq) => {
      if (OF_THE_WHOLE.has(kind) ? !owns : seq < from || (seq >= to && !isLast)) return;
      findings.add({ kind, trail, object, seq, ...(lastSeq > seq ? { lastSeq } : {}), message });
    };
    const aligner = new SegmentAligner(first, last, (seq, line) => this.#place(seq, line), report);
    const checkDay = dayCheck(segment, report);
    const reportLine: ReportLine = (kind, message, seq) => report(kind, seq ?? aligner.next, message);
    const each = (line: Line): void => {
      if (aligner.isOverfull) return;
      checkDay(line);
      aligner.add(line);
    };
    const lines = new LineCutter({ reader: this.#reader, object, report: reportLine, each });
    const chunks = unpackMember(member, (last - first + 1) * (MAX_RECORD_BYTES + 1));
    let length = 0;
    for (;;) {
      const next = await chunks.next();
      if (next.done === true) {
        if (!lines.finish()) report('malformed_segment', aligner.next, 'the last line has no line feed');
        if (next.value !== undefined) report(next.value.kind, aligner.next, next.value.message);
        aligner.finish();
        if (owns) onSegment(segment, length);
        yield;
        return;
      }
      length += next.value.length;
      lines.add(next.value);
      yield;
    }
  }

  #owns({ last }: SegmentName): boolean {
    const { from, to, isLast } = this.#source;
    return last >= from && (last < to || isLast);
  }

  #place(seq: number, line: Line): void {
    // Lines before were asked for already; of two segments that hold the same record the first counts (that they overlap
    // is reported elsewhere).
    if (seq < this.#next || seq >= this.#source.to || seq <= (this.#numbers.at(-1) ?? -1)) return;
    this.#lines.push(line);
    this.#numbers.push(seq);
  }
}

/** Reports once that a segment holds a record of another UTC day than the one in its name. */
function dayCheck({ day, first }: SegmentName, report: ReportAt): (line: Line) => void {
  let reported = false;
  return ({ seq, receivedAt }) => {
    if (reported || seq === UNREADABLE || (receivedAt >= day && receivedAt < day + DAY_MS)) return;
    reported = true;
    report('wrong_date', Math.max(seq, first), 'the segment holds a record of another day than its name says');
  };
}
