import { promisify } from 'node:util';
import { crc32, gzip, inflateRaw } from 'node:zlib';
import { DAY_MS } from '../../contract/time.ts';
import { sameBytes } from '../../log/hash.ts';

const compress = promisify(gzip);

/** How large a segment may become before the next one is begun. A single record may be larger than `bytes`. */
export interface SegmentLimits {
  readonly records: number;
  /** Uncompressed, line feeds included. */
  readonly bytes: number;
}

/** Consecutive records that share an object: of one UTC day and within the limits. */
export interface Segment {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
  /** When the first record was received, Unix milliseconds. */
  readonly receivedAt: number;
  /** The lines, each followed by a line feed. */
  readonly raw: Uint8Array;
}

const LINE_FEED = Buffer.from('\n');

/** Unix time counts every UTC day as so many milliseconds (POSIX.1, Seconds Since the Epoch). */
const utcDay = (milliseconds: number): number => Math.floor(milliseconds / DAY_MS);

/**
 * Cuts consecutive records into segments. Where it cuts depends on nothing but the first record, the records and the
 * limits, so that a run that is repeated after a crash names and fills its segments as before.
 */
export class SegmentCutter {
  readonly #limits: SegmentLimits;
  #next: number;
  #lines: Uint8Array[] = [];
  #bytes = 0;
  #receivedAt = 0;

  /** @param first the sequence number of the first record to come */
  constructor(limits: SegmentLimits, first: number) {
    this.#limits = limits;
    this.#next = first;
  }

  /**
   * Takes the next record.
   *
   * @returns the segment before it, if this record begins another one
   */
  add(line: Uint8Array, receivedAt: number): Segment | undefined {
    const { records, bytes } = this.#limits;
    const full = this.#lines.length / 2 >= records || this.#bytes + line.length + 1 > bytes;
    const done = full || utcDay(receivedAt) !== utcDay(this.#receivedAt) ? this.finish() : undefined;
    if (this.#lines.length === 0) this.#receivedAt = receivedAt;
    this.#lines.push(line, LINE_FEED);
    this.#bytes += line.length + 1;
    this.#next += 1;
    return done;
  }

  /** The segment that was begun, if there is one. */
  finish(): Segment | undefined {
    const count = this.#lines.length / 2;
    if (count === 0) return undefined;
    const raw = Buffer.concat(this.#lines);
    this.#lines = [];
    this.#bytes = 0;
    return { first: this.#next - count, last: this.#next - 1, receivedAt: this.#receivedAt, raw };
  }
}

/** A segment's bytes in the archive: one gzip member (RFC 1952), made off the main thread. */
export function packSegment(raw: Uint8Array): Promise<Uint8Array> {
  return compress(raw);
}

/** RFC 1952 section 2.3: magic, method 8 (deflate), and no flags, so that the header has 10 bytes and no extra field. */
const GZIP_START = Buffer.from([0x1f, 0x8b, 0x08, 0x00]);
const GZIP_HEADER_BYTES = 10;
/** RFC 1952 section 2.3: CRC-32 and length of what was packed, little-endian. */
const GZIP_TRAILER_BYTES = 8;

/**
 * True if stored bytes are one gzip member, and nothing after it, that unpacks to `raw`: another release of zlib may
 * have packed the same lines into other bytes. Never unpacks more than it has to compare with.
 */
export async function holdsSegment(stored: Uint8Array, raw: Uint8Array): Promise<boolean> {
  if (!sameBytes(stored.subarray(0, GZIP_START.length), GZIP_START)) return false;
  const body = stored.subarray(GZIP_HEADER_BYTES, -GZIP_TRAILER_BYTES);
  const unpacked = await inflate(body, raw.length);
  if (unpacked === undefined || unpacked.consumed !== body.length || !sameBytes(unpacked.raw, raw)) return false;
  const trailer = Buffer.alloc(GZIP_TRAILER_BYTES);
  trailer.writeUInt32LE(crc32(raw), 0);
  trailer.writeUInt32LE(raw.length, 4);
  return sameBytes(stored.subarray(-GZIP_TRAILER_BYTES), trailer);
}

function inflate(body: Uint8Array, most: number): Promise<{ raw: Uint8Array; consumed: number } | undefined> {
  return new Promise((resolve) => {
    inflateRaw(body, { maxOutputLength: Math.max(1, most), info: true }, (error, result: unknown) => {
      // Not deflate, cut off, or larger than `most`: whichever it is, it is not this segment.
      if (error !== null) return resolve(undefined);
      // With `info`, which the types do not know, the result is { buffer, engine }.
      const { buffer, engine } = result as { buffer: Uint8Array; engine: { bytesWritten: number } };
      resolve({ raw: buffer, consumed: engine.bytesWritten });
    });
  });
}
