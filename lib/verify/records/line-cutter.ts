import { MAX_RECORD_BYTES } from '../../log/record.ts';
import { native, type ScannedPlaces } from '../native/native.ts';
import { Line, type LineReader, type ReportLine } from './check-line.ts';

const LINE_FEED = 0x0a;
/** RFC 6962 section 2.1: what is hashed of a leaf begins with this byte. */
const LEAF_PREFIX = 0x00;
const PREFIX = Buffer.from([LEAF_PREFIX]);

/** The settings of a line cutter. */
export interface CutterOptions {
  readonly reader: LineReader;
  /** Where the lines lie. */
  readonly object: string;
  readonly report: ReportLine;
  readonly each: (line: Line) => void;
}

/**
 * Cuts chunks into lines, and gives each the prefix of a leaf (RFC 6962 section 2.1) in place of the line feed before it,
 * so that nothing is copied. A line that is too long for a record is handed out in parts.
 */
export class LineCutter {
  readonly #options: CutterOptions;
  /** The beginning of a line, behind its prefix. */
  #rest: Buffer = PREFIX;

  constructor(options: CutterOptions) {
    this.#options = options;
  }

  /** @param chunk is written to */
  add(chunk: Buffer): void {
    const first = chunk.indexOf(LINE_FEED);
    let end = 0;
    if (first >= 0) {
      this.#read(Buffer.concat([this.#rest, chunk.subarray(0, first)]));
      this.#rest = PREFIX;
      end = this.#scan(chunk, first + 1);
    }
    this.#rest = Buffer.concat([this.#rest, chunk.subarray(end)]);
    if (this.#rest.length <= 1 + MAX_RECORD_BYTES) return;
    this.#read(this.#rest);
    this.#rest = PREFIX;
  }

  /** @returns whether the last line was whole; it is handed out all the same */
  finish(): boolean {
    if (this.#rest.length <= PREFIX.length) return true;
    this.#read(this.#rest);
    return false;
  }

  /** @returns the offset behind the last whole line */
  #scan(chunk: Buffer, from: number): number {
    const { reader, object, each } = this.#options;
    if (native === undefined) return this.#scanSlowly(chunk, from);
    return native.scan(chunk, from, reader.trail, (places) => {
      chunk[places.at - 1] = LEAF_PREFIX;
      if (!isRecord(places)) this.#read(chunk.subarray(places.at - 1, places.end));
      else each(Line.scanned(chunk, object, places));
    });
  }

  #scanSlowly(chunk: Buffer, from: number): number {
    let start = from;
    for (let end = chunk.indexOf(LINE_FEED, start); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      chunk[start - 1] = LEAF_PREFIX;
      this.#read(chunk.subarray(start - 1, end));
      start = end + 1;
    }
    return start;
  }

  #read(leaf: Buffer): void {
    const { reader, object, report, each } = this.#options;
    each(reader.read(leaf, object, report));
  }
}

const isRecord = ({ isTaken, at, end }: ScannedPlaces): boolean => isTaken && end - at <= MAX_RECORD_BYTES;
