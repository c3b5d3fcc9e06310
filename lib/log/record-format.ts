/** The fields of a record besides its event. */
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

/**
 * Every record format ever written, by its `v`, with the sorted members of such a record. A format is never changed or
 * removed: its records must remain readable, and hash to the same leaves, for ever. docs/architecture.md says how to add one.
 */
export const RECORD_FORMATS = { 1: 'event,prev,receivedAt,seq,submitter,trail,v' } as const;

/** The `v` of a record. */
export type RecordVersion = keyof typeof RECORD_FORMATS;

/** Makes a record line in each format. The event is canonical JSON, and every string in the envelope is well-formed. */
export const RECORD_LINES: Readonly<Record<RecordVersion, (envelope: Envelope, eventJson: string) => string>> = {
  // JSON.stringify writes well-formed strings and safe integers exactly as RFC 8785 sections 3.2.2.2 and 3.2.2.3 say.
  1: ({ prev, receivedAt, seq, submitter, trail }, eventJson) =>
    `{"event":${eventJson},"prev":"${prev}","receivedAt":${receivedAt},"seq":${seq},"submitter":${JSON.stringify(submitter)},"trail":"${trail}","v":1}`,
};

/** The known formats, ascending. */
export const RECORD_VERSIONS: readonly RecordVersion[] = Object.keys(RECORD_FORMATS).map(Number) as RecordVersion[];

/** The format that appends write. */
export const RECORD_VERSION: RecordVersion = 1;

/** True if this program knows a format. */
export const isRecordVersion = (v: unknown): v is RecordVersion => RECORD_VERSIONS.some((known) => known === v);
