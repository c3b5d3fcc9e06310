import { canonicalJson } from '../../json/canonical.ts';
import { emptyScan, type ScannedLine, scanRecordLine } from '../../json/scan-canonical.ts';
import { SealtrailError } from '../../log/error.ts';
import { HASH_BYTES } from '../../log/hash.ts';
import { parseJson } from '../../log/json.ts';
import { MAX_RECORD_BYTES, parseRecord } from '../../log/record.ts';
import type { ScannedPlaces } from '../native/native.ts';
import type { ProblemKind } from '../report/problem.ts';

/** `seq` of a line that does not say which record it is. */
export const UNREADABLE = -1;

/** A record line as it lies in a segment or bundle, and what it says of itself. */
export class Line {
  /** The buffer that holds the line, with the byte 0x00 before it. */
  readonly bytes: Buffer;
  /** Offset of that byte, and of what follows the line. */
  readonly from: number;
  readonly end: number;
  /** As the line says; {@link UNREADABLE} where it is no record. */
  readonly seq: number;
  /** Unix milliseconds. */
  readonly receivedAt: number;
  /** Offset in `bytes` of the 64 hex digits of `prev`, or, for a line that is not canonical, the digits themselves. */
  readonly prev: number | string;
  /** The object it lies in. */
  readonly object: string;
  /** Where in `bytes` it says which of its producer's events it is; undefined where it does not, or is not canonical. */
  readonly numbered: NumberedPlaces | undefined;
  /** Offset in `bytes` of the event's type with its quote, or -1 where it is not known. */
  readonly typeAt: number;

  // In order and not by name: a verification makes millions of them.
  constructor(
    bytes: Buffer,
    from: number,
    end: number,
    object: string,
    seq: number,
    receivedAt: number,
    prev: number | string,
    numbered?: NumberedPlaces,
    typeAt = -1,
  ) {
    this.bytes = bytes;
    this.from = from;
    this.end = end;
    this.object = object;
    this.seq = seq;
    this.receivedAt = receivedAt;
    this.prev = prev;
    this.numbered = numbered;
    this.typeAt = typeAt;
  }

  /** A line that was found in a chunk of text and taken. */
  static scanned(bytes: Buffer, object: string, places: ScannedPlaces): Line {
    const { at, end, seq, receivedAt, prevAt, typeAt } = places;
    return new Line(bytes, at - 1, end, object, seq, receivedAt, prevAt, placesOf(places), typeAt);
  }

  /** The line behind the byte 0x00: the hashed bytes (RFC 6962 section 2.1). */
  get leaf(): Buffer {
    return this.bytes.subarray(this.from, this.end);
  }

  /** Bytes of the line. */
  get length(): number {
    return this.end - this.from - 1;
  }
}

/** Offsets of values with what encloses them, but of the submitter without its quotes. */
export type NumberedPlaces = Pick<
  ScannedLine,
  'idAt' | 'idEnd' | 'producerAt' | 'producerEnd' | 'submitterAt' | 'submitterEnd'
>;

/** Reports a problem with one line; the reader knows where the line lies. */
export type ReportLine = (kind: ProblemKind, message: string, seq?: number) => void;

const scanned = emptyScan();

/** Reads the record lines of one trail. */
export class LineReader {
  /** The trail's name in UTF-8. */
  readonly trail: Buffer;

  constructor(trail: string) {
    this.trail = Buffer.from(trail);
  }

  /**
   * Reads a line and reports its own faults.
   *
   * @param leaf the line, without its line feed, behind the byte 0x00
   */
  read(leaf: Buffer, object: string, report: ReportLine): Line {
    if (
      leaf.length <= 1 + MAX_RECORD_BYTES &&
      scanRecordLine(leaf, 1, leaf.length, scanned) &&
      this.#isOfTrail(leaf, scanned.trailAt, scanned.trailEnd)
    ) {
      const { seq, receivedAt, prevAt } = scanned;
      return new Line(leaf, 0, leaf.length, object, seq, receivedAt, prevAt, placesOf(scanned));
    }
    return this.#readSlowly(leaf, object, report);
  }

  #isOfTrail(bytes: Uint8Array, start: number, end: number): boolean {
    const { trail } = this;
    if (end - start !== trail.length) return false;
    for (let i = 0; i < trail.length; i++) if (bytes[start + i] !== trail[i]) return false;
    return true;
  }

  /** Parses a line that the scanner refuses, to say why; deep nesting is allowed. */
  #readSlowly(leaf: Buffer, object: string, report: ReportLine): Line {
    const bytes = leaf.subarray(1);
    try {
      const record = parseRecord(bytes);
      const { seq, receivedAt, prev, trail, submitter } = record;
      if (trail !== this.trail.toString()) {
        report('wrong_trail', `the record says that it is of the trail ${trail}`, seq);
      }
      if (submitter === '') report('malformed_record', 'its submitter is empty: no log takes events from no one', seq);
      if (!isCanonical(bytes)) {
        report('not_canonical', 'the line is not the canonical JSON (RFC 8785) of what it says', seq);
      }
      return new Line(leaf, 0, leaf.length, object, seq, receivedAt, prev);
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      report('malformed_record', `the line is no record: ${error.message}`);
      return new Line(leaf, 0, leaf.length, object, UNREADABLE, UNREADABLE, '');
    }
  }
}

function placesOf(line: NumberedPlaces): NumberedPlaces | undefined {
  if (line.producerAt < 0 || line.idAt < 0) return undefined;
  const { idAt, idEnd, producerAt, producerEnd, submitterAt, submitterEnd } = line;
  return { idAt, idEnd, producerAt, producerEnd, submitterAt, submitterEnd };
}

/** @param bytes of a line that is a record */
function isCanonical(bytes: Buffer): boolean {
  try {
    return Buffer.from(canonicalJson(parseJson(bytes.toString()))).equals(bytes);
  } catch (error) {
    // Lone surrogates have no canonical form.
    if (error instanceof SealtrailError) return false;
    throw error;
  }
}

/** The hex digits of each byte. */
const HIGH = Uint8Array.from({ length: 256 }, (_, byte) => (byte >> 4).toString(16).charCodeAt(0));
const LOW = Uint8Array.from({ length: 256 }, (_, byte) => (byte & 15).toString(16).charCodeAt(0));

/** True if a line names the hash at `row[at...]` as the hash of the record before it. */
export function namesPrevious({ bytes, prev }: Line, row: Uint8Array, at: number): boolean {
  if (typeof prev === 'string') return Buffer.from(row.subarray(at, at + HASH_BYTES)).toString('hex') === prev;
  for (let i = 0; i < HASH_BYTES; i++) {
    const byte = row[at + i] ?? 0;
    if (bytes[prev + 2 * i] !== HIGH[byte] || bytes[prev + 2 * i + 1] !== LOW[byte]) return false;
  }
  return true;
}
