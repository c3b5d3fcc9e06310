import { hash } from 'node:crypto';
import { SealtrailError } from './error.ts';

/** A producer's number for an event: the event's member `producer`. */
export interface ProducerMark {
  /** Names one run of one producer: a restarted program uses another. */
  readonly id: string;
  /** {@link producerLink} of the previous event, in lower-case hex; 64 zeros for the first. */
  readonly prev: string;
  /** Counts the producer's events from 0, including those it skipped on purpose. */
  readonly seq: number;
}

/** Maximum characters in a producer's id. */
export const MAX_PRODUCER_ID_LENGTH = 64;
/** A producer's id: letters, digits and `._-`, so that it is the same in JSON, in keys and in file names. */
export const PRODUCER_ID: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** A link: 64 lower-case hex digits. */
export const PRODUCER_LINK: RegExp = /^[0-9a-f]{64}$/;
/** The `prev` of a producer's first event. */
export const FIRST_LINK: string = '0'.repeat(64);

/**
 * The hash by which a producer's next event names this one, in hex: SHA-256 of the RFC 8785 JSON of the event's `id` and
 * `producer`. Both are recorded as sent, so anyone with the record can compute it (docs/spec.md, "Numbering by
 * producers").
 *
 * @param eventId only `[A-Za-z0-9._:~@=+-]`, as the schema requires, so nothing in it is escaped in JSON
 *
 * @example
 * producerLink('01-order', { id: 'shop-1', prev: FIRST_LINK, seq: 0 });
 */
export function producerLink(eventId: string, { id, prev, seq }: ProducerMark): string {
  return producerLinkOf(`"${eventId}"`, `{"id":"${id}","prev":"${prev}","seq":${seq}}`);
}

/** The same hash from the RFC 8785 JSON of the event's `id` and `producer`, as written in a record line. */
export function producerLinkOf(idJson: string, producerJson: string): string {
  // RFC 8785 section 3.2.3: members are sorted by name.
  return hash('sha256', `{"id":${idJson},"producer":${producerJson}}`);
}

/**
 * Reads the producer mark of a sealed event; undefined if the event is not numbered.
 *
 * @throws `malformed_record` if its `producer` is invalid, or if it has no id
 */
export function producerMarkOf(event: Readonly<Record<string, unknown>>): ProducerMark | undefined {
  const { producer } = event;
  if (producer === undefined) return undefined;
  if (typeof producer !== 'object' || producer === null) throw malformed('it is an object');
  if (Object.keys(producer).sort().join() !== 'id,prev,seq') throw malformed('it has the members id, prev and seq');
  const { id, prev, seq } = producer as Readonly<Record<'id' | 'prev' | 'seq', unknown>>; // its members were just checked
  if (typeof id !== 'string' || id.length > MAX_PRODUCER_ID_LENGTH || !PRODUCER_ID.test(id)) {
    throw malformed('its id is a name');
  }
  if (typeof prev !== 'string' || !PRODUCER_LINK.test(prev)) throw malformed('its prev is 64 hexadecimal digits');
  if (!Number.isSafeInteger(seq) || Number(seq) < 0) throw malformed('its seq is a whole number');
  return { id, prev, seq: Number(seq) };
}

const malformed = (what: string): SealtrailError =>
  new SealtrailError('malformed_record', `the producer of a numbered event is invalid: ${what}`);
