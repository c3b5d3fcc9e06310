import { canonicalJson } from '../event/canonical.ts';
import { SealtrailError } from '../log/error.ts';
import type { Hash } from '../log/hash.ts';
import { MAX_RECORD_BYTES, parseRecord } from '../log/record.ts';
import { type ScannedLine, scanRecordLine } from './canonical-line.ts';
import type { Problem, ProblemKind } from './problem.ts';

/** `seq` of a line that does not say which record it is. */
export const UNREADABLE = -1;

/** A record line as it lies in a segment or bundle, and what it says of itself. */
export interface Line {
  readonly bytes: Uint8Array;
  /** As the line says; {@link UNREADABLE} where it is no record. */
  readonly seq: number;
  /** Unix milliseconds. */
  readonly receivedAt: number;
  /** Offset of the 64 hex digits of `prev`, or, for a line that is not canonical, the digits themselves. */
  readonly prev: number | string;
  /** The object it lies in. */
  readonly object: string;
}

/** Reports a problem with one line; the reader knows where the line lies. */
export type ReportLine = (kind: ProblemKind, message: string, seq?: number) => void;

const scanned: ScannedLine = { seq: 0, receivedAt: 0, prevAt: 0, trailAt: 0, trailEnd: 0 };

/** Reads the record lines of one trail. */
export class LineReader {
  readonly #trail: Buffer;

  constructor(trail: string) {
    this.#trail = Buffer.from(trail);
  }

  /**
   * Reads a line without its line feed and reports what is wrong with it in itself.
   *
   * @param bytes the line alone
   */
  read(bytes: Uint8Array, object: string, report: ReportLine): Line {
    if (
      bytes.length <= MAX_RECORD_BYTES &&
      scanRecordLine(bytes, 0, bytes.length, scanned) &&
      this.#isOurs(bytes, scanned.trailAt, scanned.trailEnd)
    ) {
      return { bytes, seq: scanned.seq, receivedAt: scanned.receivedAt, prev: scanned.prevAt, object };
    }
    return this.#readSlowly(bytes, object, report);
  }

  #isOurs(bytes: Uint8Array, start: number, end: number): boolean {
    const trail = this.#trail;
    if (end - start !== trail.length) return false;
    for (let i = 0; i < trail.length; i++) if (bytes[start + i] !== trail[i]) return false;
    return true;
  }

  /** What the scanner refuses is looked at as a whole, to say what is wrong; deep nesting is nothing wrong. */
  #readSlowly(bytes: Uint8Array, object: string, report: ReportLine): Line {
    try {
      const record = parseRecord(bytes);
      if (record.trail !== this.#trail.toString()) {
        report('wrong_trail', `the record says that it is of the trail ${record.trail}`, record.seq);
      }
      if (!isCanonical(record, bytes)) {
        report('not_canonical', 'the line is not the canonical JSON (RFC 8785) of what it says', record.seq);
      }
      return { bytes, seq: record.seq, receivedAt: record.receivedAt, prev: record.prev, object };
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      report('malformed_record', `the line is no record: ${error.message}`);
      return { bytes, seq: UNREADABLE, receivedAt: UNREADABLE, prev: '', object };
    }
  }
}

function isCanonical(record: unknown, bytes: Uint8Array): boolean {
  try {
    return Buffer.from(canonicalJson(record)).equals(bytes);
  } catch (error) {
    // Lone surrogates have no canonical form.
    if (error instanceof SealtrailError) return false;
    throw error;
  }
}

/** Whether a line names `hash` as the hash of the record before it. */
export function namesPrevious({ bytes, prev }: Line, hash: Hash): boolean {
  if (typeof prev === 'string') return Buffer.from(hash).toString('hex') === prev;
  for (let i = 0; i < hash.length; i++) {
    const byte = hash[i] ?? 0;
    if (bytes[prev + 2 * i] !== hexDigit(byte >> 4) || bytes[prev + 2 * i + 1] !== hexDigit(byte & 15)) return false;
  }
  return true;
}

const hexDigit = (nibble: number): number => nibble + (nibble < 10 ? 0x30 : 0x57);

/** Makes a problem out of what is known of its place. */
export const lineProblem = (
  kind: ProblemKind,
  trail: string,
  object: string,
  seq: number,
  message: string,
): Problem => ({
  kind,
  trail,
  object,
  seq,
  message,
});
