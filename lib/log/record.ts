import { fromUtf8 } from './encoding.ts';
import { SealtrailError } from './error.ts';
import { isCount, isObject, parseJson } from './json.ts';
import { isSystemTrailName, isTrailName } from './trail-name.ts';

/** Longest record line in bytes: an entry bundle gives each entry a uint16 length (C2SP tlog-tiles, "Log entries"). */
export const MAX_RECORD_BYTES = 65_535;

/** Everything of a record besides its event. */
export interface Envelope {
  readonly trail: string;
  /** Counts from 0; the leaf's index in the trail's Merkle tree. */
  readonly seq: number;
  /** Leaf hash of record `seq - 1` in lower-case hex; 64 zeros for record 0. */
  readonly prev: string;
  /** The server's clock, Unix milliseconds; never decreases along a trail. */
  readonly receivedAt: number;
  /** The authenticated principal. */
  readonly submitter: string;
}

/** A record as its line says. */
export interface SealedRecord extends Envelope {
  readonly v: 1;
  readonly event: Readonly<Record<string, unknown>>;
}

/**
 * A record's line, without a line end: RFC 8785 (JCS) JSON, since `eventJson` is that already and the keys around it are
 * written in the order of their UTF-16 code units (RFC 8785 section 3.2.3) with values in JCS form.
 *
 * @param eventJson the event as canonical JSON, which the caller vouches for
 * @throws `malformed_record` when `submitter` is not well-formed UTF-16, which no UTF-8 could hold
 */
export function recordLine(envelope: Envelope, eventJson: string): string {
  const { prev, receivedAt, seq, submitter, trail } = envelope;
  if (!submitter.isWellFormed()) throw malformed('the submitter is not well-formed text');
  // JSON.stringify writes well-formed strings and safe integers exactly as RFC 8785 sections 3.2.2.2 and 3.2.2.3 say.
  return `{"event":${eventJson},"prev":"${prev}","receivedAt":${receivedAt},"seq":${seq},"submitter":${JSON.stringify(submitter)},"trail":"${trail}","v":1}`;
}

const FIELDS = 'event,prev,receivedAt,seq,submitter,trail,v';
const PREV = /^[0-9a-f]{64}$/;

/**
 * Reads a record's line and checks its shape; not that it is canonical, nor that its hashes fit.
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
  if (!isObject(value) || Object.keys(value).sort().join() !== FIELDS) {
    throw malformed(`a record has exactly the fields ${FIELDS}`);
  }
  const { event, prev, receivedAt, seq, submitter, trail, v } = value;
  if (v !== 1) throw malformed('a record has v 1: this one needs a newer program');
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

const malformed = (message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('malformed_record', message, { cause });
