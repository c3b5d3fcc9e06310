import { fromUtf8 } from './encoding.ts';
import { SealtrailError } from './error.ts';
import { isCount, isObject, parseJson } from './json.ts';
import {
  type Envelope,
  isRecordVersion,
  RECORD_FORMATS,
  RECORD_LINES,
  RECORD_VERSION,
  RECORD_VERSIONS,
  type RecordVersion,
} from './record-format.ts';
import { isSystemTrailName, isTrailName } from './trail-name.ts';

/** Longest record line in bytes: an entry bundle gives each entry a uint16 length (C2SP tlog-tiles, "Log entries"). */
export const MAX_RECORD_BYTES = 65_535;

/** How far a record's `receivedAt` may be ahead of a right clock, in milliseconds. Beyond it one of the two clocks was wrong. */
export const MAX_CLOCK_AHEAD_MS = 300_000;

/** A parsed record line. */
export interface SealedRecord extends Envelope {
  readonly v: RecordVersion;
  readonly event: Readonly<Record<string, unknown>>;
}

/**
 * Returns the function that makes record lines of one format: RFC 8785 (JCS) JSON, without a line feed. The event is
 * canonical already, and the keys around it are in the order of their UTF-16 code units (RFC 8785 section 3.2.3).
 *
 * @returns a function of the envelope and the event's canonical JSON, which the caller vouches for; it throws
 *   `malformed_record` if `submitter` is empty, or not well-formed UTF-16 and thus has no UTF-8 form
 */
export function recordLineFor(v: RecordVersion): (envelope: Envelope, eventJson: string) => string {
  const lineOf = RECORD_LINES[v];
  return (envelope, eventJson) => {
    if (envelope.submitter === '') throw malformed('the submitter is empty');
    if (!envelope.submitter.isWellFormed()) throw malformed('the submitter is not well-formed text');
    return lineOf(envelope, eventJson);
  };
}

/** A record's line in the format that appends write. See {@link recordLineFor}. */
export const recordLine = (envelope: Envelope, eventJson: string): string =>
  recordLineFor(RECORD_VERSION)(envelope, eventJson);

const PREV = /^[0-9a-f]{64}$/;

/**
 * Parses a record line and checks its shape, but neither that it is canonical nor that its hashes fit.
 *
 * @throws `malformed_record`
 */
export function parseRecord(line: Uint8Array | string): SealedRecord {
  const bytes = typeof line === 'string' ? Buffer.byteLength(line) : line.length;
  if (bytes > MAX_RECORD_BYTES) throw malformed(`a record has at most ${MAX_RECORD_BYTES} bytes, this one ${bytes}`);
  const text = typeof line === 'string' ? line : fromUtf8(line, 'malformed_record', 'a record');
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw malformed('a record is not JSON', cause);
  }
  if (!isObject(value) || value.v === undefined) throw malformed(exactly(RECORD_VERSION));
  const { v } = value;
  if (!isRecordVersion(v)) {
    throw malformed(`a record has v ${RECORD_VERSIONS.join(' or ')}: this one needs a newer program`);
  }
  if (Object.keys(value).sort().join() !== RECORD_FORMATS[v]) throw malformed(exactly(v));
  const { event, prev, receivedAt, seq, submitter, trail } = value;
  if (!isObject(event)) throw malformed('the event of a record is an object');
  if (typeof prev !== 'string' || !PREV.test(prev)) throw malformed('prev is 64 lower-case hexadecimal digits');
  if (!isCount(receivedAt)) throw malformed('receivedAt is a whole number of milliseconds');
  if (!isCount(seq)) throw malformed('seq is a whole number');
  if (typeof submitter !== 'string') throw malformed('submitter is text');
  if (typeof trail !== 'string' || !(isTrailName(trail) || isSystemTrailName(trail))) {
    throw malformed('trail is the name of a trail');
  }
  return { v, trail, seq, prev, receivedAt, submitter, event };
}

/** The members of a record that its filing depends on. */
export type OpenedRecord = Pick<SealedRecord, 'event' | 'submitter'>;

/**
 * Opens the line of a record whose hash was found to be right, as of a block from the ledger: {@link parseRecord} has seen it before.
 *
 * @throws `malformed_record` if it is no record at all
 */
export function openRecord(line: string): OpenedRecord {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch (cause) {
    throw malformed('a record is not JSON', cause);
  }
  if (!isObject(value) || !isObject(value.event) || typeof value.submitter !== 'string') {
    throw malformed(exactly(RECORD_VERSION));
  }
  return { event: value.event, submitter: value.submitter };
}

const exactly = (v: RecordVersion): string => `a record has exactly the fields ${RECORD_FORMATS[v]}`;

const malformed = (message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('malformed_record', message, { cause });

/** Says that a record's time is still to come, for those who look at it at a time `now`; both in Unix milliseconds. */
export function futureTime(seq: number, receivedAt: number, now: number): string {
  const [received, looked] = [receivedAt, now].map((time) => new Date(time).toISOString());
  return `record ${seq} was received at ${received}, which is still to come at ${looked}: the log's clock was ahead, or this one is behind, and times of receipt tell nothing until then`;
}
