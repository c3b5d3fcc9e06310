import { hash } from 'node:crypto';
import { canonicalJson } from '../../json/canonical.ts';
import { toHex } from '../../log/encoding.ts';
import { leafHash } from '../../log/hash.ts';
import { parseRecord } from '../../log/record.ts';
import { ocsfEvent } from './ocsf.ts';

/** An attested event, as the next one refers to it. */
interface Attested {
  readonly uid: string;
  readonly type_uid: number;
  readonly fingerprint: Fingerprint;
}

interface Fingerprint {
  readonly algorithm: 'SHA-256';
  readonly algorithm_id: 3;
  readonly encoding_id: 1; // Hex
  readonly serialization_id: 2; // JCS, RFC 8785
  readonly value: string;
}

/**
 * Writes records as OCSF events that attest to each other (profile `record_integrity` of OCSF 1.9.0): each has the SHA-256 of
 * its own canonical JSON, without that fingerprint, and names the event before. The attestation's `uid` is the record's leaf
 * hash, which ties the event to the log's tree.
 */
export class OcsfChain {
  readonly #logName: string;
  readonly #chain: string;
  readonly #original: boolean;
  #prev: Attested | undefined;

  /**
   * @param chain names this sequence of events, and no other: an export of the same records by other filters is another
   * @param original whether `raw_data` holds the record's own line. @default false
   */
  constructor(logName: string, chain: string, original = false) {
    this.#logName = logName;
    this.#chain = chain;
    this.#original = original;
  }

  /** The event of the next record, in one line with its line end. @throws `malformed_record` */
  line(line: string): string {
    const record = parseRecord(line);
    const event = { ...ocsfEvent(record, this.#logName), ...(this.#original && { raw_data: line }) };
    const attestation = {
      uid: toHex(leafHash(line)),
      authority_uid: `${this.#logName}/${record.trail}`,
      chain_uid: this.#chain,
      ...(this.#prev === undefined ? {} : { prev_event: this.#prev }),
    };
    // OCSF: the entire event, the attestation included, but for its fingerprint and signatures.
    const canonical = canonicalJson({ ...event, attestation_list: [attestation] });
    const value = hash('sha256', canonical, 'hex');
    const fingerprint: Fingerprint = {
      algorithm: 'SHA-256',
      algorithm_id: 3,
      encoding_id: 1,
      serialization_id: 2,
      value,
    };
    // OCSF: the id that the event before carries in metadata.uid.
    this.#prev = { uid: textOf(event.metadata.uid) ?? attestation.uid, type_uid: event.type_uid, fingerprint };
    return `${JSON.stringify({ ...event, attestation_list: [{ ...attestation, fingerprint }] })}\n`;
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
