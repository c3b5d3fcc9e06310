import type { SentEvent } from '../contract/event.ts';
import { MAX_BODY_BYTES } from '../contract/event.ts';
import { otlpJson } from '../import/otlp.ts';
import { readTolerantJson } from '../json/strict.ts';
import { SealtrailError } from '../log/error.ts';
import { isObject } from '../log/json.ts';

/** The kind of a request: log records or spans. */
export type Signal = 'logs' | 'traces';
/** How a request is written, and how it is answered. */
export type Encoding = 'protobuf' | 'json';

/** The contents of an OTLP request. */
export interface OtlpRequest {
  readonly events: readonly SentEvent[];
  /** Log records or spans that are none. */
  readonly rejected: number;
}

const JSON_LIMITS = { depth: 96, unitBytes: MAX_BODY_BYTES };
const TYPES: Readonly<Record<string, Encoding>> = {
  'application/x-protobuf': 'protobuf',
  'application/json': 'json',
};

/** @throws `unsupported_media_type` */
export function encodingOf(contentType = ''): Encoding {
  const encoding = TYPES[contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''];
  if (encoding !== undefined) return encoding;
  const message = 'send OTLP with Content-Type: application/x-protobuf or application/json';
  throw new SealtrailError('unsupported_media_type', message, { field: 'Content-Type' });
}

/**
 * Reads a request of OTLP/HTTP, as `sealtrail import otlp-json` reads the same in a file.
 *
 * @throws `invalid_json`, `batch_too_large`
 */
export async function readOtlp(body: Uint8Array, signal: Signal, encoding: Encoding): Promise<OtlpRequest> {
  const value = encoding === 'json' ? fromJson(body) : await fromProtobuf(body, signal);
  const member = signal === 'logs' ? 'resourceLogs' : 'resourceSpans';
  if (!isObject(value)) throw new SealtrailError('invalid_json', 'the body must be an object of OTLP/JSON');
  // What is of the other signal was sent to the wrong path.
  const records = otlpJson.records({ [member]: value[member] });
  const events = records.map((record) => (isObject(record) ? otlpJson.event(record) : undefined));
  const known = events.filter((event) => event !== undefined);
  return { events: known, rejected: events.length - known.length };
}

/** Numbers of 64 bits may be written as numbers there, which a double does not keep: they become text. */
const fromJson = (body: Uint8Array): unknown =>
  body.length === 0 ? {} : readTolerantJson(body, JSON_LIMITS, { numbers: true, rest: true }).value;

async function fromProtobuf(body: Uint8Array, signal: Signal): Promise<unknown> {
  // Loaded with the first such request: most functions that append get none.
  const { decodeMessage } = await import('./decode.ts');
  return decodeMessage(body, signal === 'logs' ? 'ExportLogsServiceRequest' : 'ExportTraceServiceRequest');
}
