import { canonicalJson } from '../../json/canonical.ts';
import { SealtrailError } from '../../log/error.ts';
import { type Hash, leafHash } from '../../log/hash.ts';
import { isCount, isObject } from '../../log/json.ts';
import { MAX_RECORD_BYTES, parseRecord, type SealedRecord } from '../../log/record.ts';

/** The header of a batch of a forwarded stream. */
export interface BatchHeader {
  readonly log: string;
  readonly trail: string;
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly isFiltered: boolean;
  /** Absent: the batch came without a proof. */
  readonly checkpoint?: string;
  /** Base64. */
  readonly proof: readonly string[];
}

/** A record that was found in a copy. */
export interface FoundRecord {
  readonly record: Pick<SealedRecord, 'trail' | 'seq' | 'prev'>;
  readonly leaf: Hash;
}

/** A record of a copy: its leaf hash, and the hash that it names as that of the record before. */
export interface Held {
  readonly leaf: Uint8Array;
  readonly prev: string;
}

/** The contents of one line of a copy. */
export interface StreamItems {
  readonly headers: readonly BatchHeader[];
  readonly records: readonly FoundRecord[];
}

/** Members under which receivers keep what they were sent: Splunk, Elasticsearch, Datadog, OTLP, EventBridge, Firehose, ECS, OCSF. */
const WRAPPERS = [
  ...['records', 'event', 'result', '_raw', '_source', 'message', 'detail', 'body', 'stringValue', 'attributes'],
  ...['original', 'raw_data', 'hits', 'data'],
];
/** Envelopes within envelopes. */
const MAX_DEPTH = 8;

/**
 * Finds the batches and records in a line of a copy, in whatever envelope their receiver has put them. A record is taken if its
 * canonical JSON (RFC 8785) is one: whether those are the bytes that were sealed, the proof tells.
 */
export function itemsIn(line: string): StreamItems {
  const items = { headers: [], records: [] };
  visit(line, 0, items);
  return items;
}

/** The items collected so far. */
interface Collected {
  readonly headers: BatchHeader[];
  readonly records: FoundRecord[];
}

function visit(value: unknown, depth: number, items: Collected): void {
  if (depth > MAX_DEPTH) return;
  if (typeof value === 'string') visit(parsed(value), depth + 1, items);
  else if (Array.isArray(value)) for (const one of value) visit(one, depth + 1, items);
  else if (isObject(value)) visitObject(value, depth, items);
}

function visitObject(value: Readonly<Record<string, unknown>>, depth: number, items: Collected): void {
  const record = recordOf(value);
  if (record !== undefined) {
    items.records.push(record);
    return;
  }
  const header = headerOf(isObject(value.sealtrail_batch) ? value.sealtrail_batch : value);
  if (header !== undefined) items.headers.push(header);
  for (const name of WRAPPERS) if (Object.hasOwn(value, name)) visit(value[name], depth + 1, items);
}

/** The value of a text of JSON; undefined for any other. */
function parsed(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    // Syslog puts a byte order mark before it.
    return JSON.parse(text.trim());
  } catch {
    return undefined;
  }
}

function recordOf(value: Readonly<Record<string, unknown>>): FoundRecord | undefined {
  if (!isCount(value.seq) || typeof value.prev !== 'string' || !isObject(value.event)) return undefined;
  try {
    const line = canonicalJson(value);
    if (Buffer.byteLength(line) > MAX_RECORD_BYTES) return undefined;
    const { trail, seq, prev } = parseRecord(line);
    return { record: { trail, seq, prev }, leaf: leafHash(line) };
  } catch (error) {
    if (error instanceof SealtrailError) return undefined;
    throw error;
  }
}

function headerOf(value: Readonly<Record<string, unknown>>): BatchHeader | undefined {
  const { v, log, trail, from, to, count, filter, checkpoint, proof = [] } = value;
  if (v !== 1 || typeof log !== 'string' || typeof trail !== 'string') return undefined;
  if (!isCount(from) || !isCount(to) || !isCount(count) || from >= to) return undefined;
  if (!Array.isArray(proof) || !proof.every((hash) => typeof hash === 'string')) return undefined;
  const isFiltered = filter !== undefined && filter !== null;
  return {
    ...{ log, trail, from, to, count, isFiltered, proof },
    ...(typeof checkpoint === 'string' && { checkpoint }),
  };
}
