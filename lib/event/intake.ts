import type * as z from 'zod';
import { resolveType } from '../contract/catalogue.ts';
import { MAX_BATCH_EVENTS, MAX_BODY_BYTES, MAX_EVENT_BYTES, MAX_EVENT_DEPTH } from '../contract/event.ts';
import { fitEvent, noteOfCut } from '../contract/fit.ts';
import { timeMillis } from '../contract/time.ts';
import { canonicalJson } from '../json/canonical.ts';
import { errorAt, type Step } from '../json/field-path.ts';
import { firstIssue } from '../json/parse-or-throw.ts';
import type { JsonLimits } from '../json/scan.ts';
import { readTolerantJson } from '../json/strict.ts';
import { SealtrailError } from '../log/error.ts';
import { isObject } from '../log/json.ts';
import { MAX_RECORD_BYTES } from '../log/record.ts';
import { isMaskedIp } from '../privacy/mask.ts';
import type { PrivacyPolicy } from '../privacy/policy.ts';
import { MAX_PATHS_LENGTH } from '../privacy/redaction-list.ts';
import { scrubEvent } from '../privacy/scrub.ts';
import { CLOUD_EVENT, CLOUD_EVENTS, fromCloudEvent, placeOfRepair } from './cloud-events.ts';
import { newEventId } from './event-id.ts';
import { type AuditEvent, type EventInput, eventInputSchema } from './schema.ts';

/** Bytes that the submitter may take in a record line, as a JSON string without its quotes. */
export const MAX_SUBMITTER_BYTES = 280;
/** Bytes of an event as stored. It may be more than as sent: `9e15` is written out, and redactions are listed; beyond it, data is cut. */
export const MAX_STORED_EVENT_BYTES: number = MAX_RECORD_BYTES - (232 + MAX_SUBMITTER_BYTES);
// 232: the names and punctuation of the envelope 73, `prev` 64, `trail` 63, `receivedAt` and `seq` 16 each.

/** An event that is ready to be sealed. */
export interface PreparedEvent {
  readonly id: string;
  /** Canonical JSON (RFC 8785) of the normalised, redacted and masked {@link AuditEvent}. */
  readonly json: string;
}

/** The member that holds the events of a batch. */
const BATCH_KEY = 'events';
const LIMITS: JsonLimits = {
  depth: MAX_EVENT_DEPTH,
  unitBytes: MAX_EVENT_BYTES,
  units: MAX_BATCH_EVENTS,
  batchKey: BATCH_KEY,
};

/**
 * Reads a request body: one event, or `{"events": [...]}` with 1 to 1,000 of them; by the content types of CloudEvents 1.0 also
 * one of those, or an array of them. Either all are good, or it throws for
 * the first that is not, with its index in the field (`events[3].actor.id`).
 *
 * Each event is read strictly (see {@link readStrictJson}), checked against the schema, given an id (see `newId`), severity
 * and outcome where it has none, its type's alias replaced by the type's name, and scrubbed by the policy.
 *
 * Numbers that a double does not keep become text of their digits, unless the policy refuses them. Where handling is
 * lenient, whatever does not fit is kept in another form (see {@link fitEvent}), and an event that is too large loses
 * `changes` or `details` to a note; `converted` lists the places. So one bad event does not cost the others, and
 * nothing in a body that is JSON costs an event.
 *
 * Errors: `unsupported_media_type`; `batch_too_large` over 5,000,000 bytes or 1,000 events; `invalid_json` (not UTF-8, not
 * JSON); `empty_batch`; `invalid_event` for a body that holds none. Unless handling is lenient also: `record_too_large` for
 * an event over 32,768 bytes as sent; `invalid_json` for keys that come twice, lone surrogates and nesting over 32 levels;
 * `invalid_event`.
 *
 * @param handling what the request prefers (RFC 7240 section 4.4); the policy's `unfit` may know better
 * @param newId the id of an event without one, by its index. @default a UUIDv7
 *
 * @example
 * prepareBatch(Buffer.from('{"type":"login","actor":{"id":"alice"}}'), 'application/json', DEFAULT_POLICY);
 */
export function prepareBatch(
  body: Uint8Array,
  contentType: string | undefined,
  policy: PrivacyPolicy,
  handling: 'strict' | 'lenient' = 'strict',
  newId: (index: number) => string = newEventId,
): PreparedEvent[] {
  const format = formatOf(contentType);
  if (body.length > MAX_BODY_BYTES) {
    throw new SealtrailError(
      'batch_too_large',
      `a request has at most ${MAX_BODY_BYTES} bytes, this one ${body.length}`,
    );
  }
  const keeps = isLenient(policy, handling);
  const tolerance = { numbers: keeps || policy.longNumbers === 'text', rest: keeps };
  const { value, repairs } = readTolerantJson(format === 'cloudEvents' ? asBatch(body) : body, LIMITS, tolerance);
  if (!isObject(value)) {
    throw new SealtrailError('invalid_event', 'the body must be a JSON object: an event, or {"events": [...]}');
  }
  const prepare = (event: unknown, index: number | undefined, repaired: readonly string[]): PreparedEvent => {
    const { value, converted } = keeps ? fitted(event) : { value: event, converted: [] };
    return prepareEvent(value, index, { policy, newId }, [...repaired, ...converted]);
  };
  if (format !== 'events') {
    const prepareCloudEvent = (event: unknown, index: number | undefined): PreparedEvent => {
      const repaired = repairs.pathsIn(index).map(placeOfRepair);
      return prepare(fromCloudEvent(event, index, keeps), index, repaired);
    };
    return format === 'cloudEvent' ? [prepareCloudEvent(value, undefined)] : batchOf(value).map(prepareCloudEvent);
  }
  if (!Object.hasOwn(value, BATCH_KEY)) return [prepare(value, undefined, repairs.pathsIn(undefined))];
  return batchOf(value).map((event, index) => prepare(event, index, repairs.pathsIn(index)));
}

/** True if values that do not fit are kept in another form. */
export function isLenient({ unfit }: PrivacyPolicy, handling: 'strict' | 'lenient'): boolean {
  return unfit === 'keep' || (unfit === 'ask' && handling === 'lenient');
}

/** The forms of a body. */
const FORMATS = { 'application/json': 'events', [CLOUD_EVENT]: 'cloudEvent', [CLOUD_EVENTS]: 'cloudEvents' } as const;
type BodyFormat = (typeof FORMATS)[keyof typeof FORMATS];
/** RFC 8259 section 11: JSON has no parameters; but many clients send the charset that it must have anyway. */
const JSON_CONTENT = /^(application\/[a-z-]+(?:\+json)?)\s*(?:;\s*charset\s*=\s*(?:utf-8|"utf-8")\s*)?;?$/i;

function formatOf(contentType = ''): BodyFormat {
  const type = contentType.length <= 128 ? JSON_CONTENT.exec(contentType.trim())?.[1]?.toLowerCase() : undefined;
  for (const [known, format] of Object.entries(FORMATS)) if (known === type) return format;
  throw new SealtrailError('unsupported_media_type', 'send events with Content-Type: application/json', {
    field: 'Content-Type',
  });
}

/** The array of a batch of CloudEvents as a batch of ours, so that the limits of a batch hold for it. */
function asBatch(body: Uint8Array): Uint8Array {
  try {
    JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (cause) {
    // By itself: what is none could be one together with what is put around it.
    throw new SealtrailError('invalid_json', 'the body is not valid JSON', { cause });
  }
  return Buffer.concat([Buffer.from(`{"${BATCH_KEY}":`), body, Buffer.from('}')]);
}

function batchOf(body: Record<string, unknown>): readonly unknown[] {
  for (const field of Object.keys(body)) {
    if (field !== BATCH_KEY) throw invalid([field], 'unknown field: a batch has `events` only');
  }
  const events = body[BATCH_KEY];
  if (!Array.isArray(events)) throw invalid([BATCH_KEY], 'must be an array of events');
  if (events.length === 0) {
    throw errorAt('empty_batch', [BATCH_KEY], 'the batch has no events');
  }
  return events;
}

/** The input of an event, whatever it is, with the paths of values that are not as they were sent. */
function fitted(sent: unknown): { readonly value: unknown; readonly converted: readonly string[] } {
  const { event, converted } = fitEvent(sent, { isTime: (text) => timeMillis(text) !== undefined, isMaskedIp });
  const cut = Buffer.byteLength(JSON.stringify(event)) > MAX_EVENT_BYTES ? cutLargest(event) : [];
  return { value: event, converted: [...converted, ...cut] };
}

/**
 * @param index where the event stands in its batch, if it stands in one
 * @param converted paths of what is not as it was sent
 */
function prepareEvent(
  value: unknown,
  index: number | undefined,
  { policy, newId }: { readonly policy: PrivacyPolicy; readonly newId: (index: number) => string },
  converted: readonly string[],
): PreparedEvent {
  const parsed = eventInputSchema.safeParse(value);
  if (!parsed.success) throw schemaError(parsed.error, placeOf(index));
  const event = parsed.data;
  const id = event.id ?? newId(index ?? 0);
  const redacted = scrubEvent(event, policy);
  try {
    const json = canonicalJson(storedEvent(event, id, redacted, converted));
    if (fits(json)) return { id, json };
    // What was taken out left more than there was: the event is kept, and what made it grow is noted.
    return { id, json: canonicalJson(storedEvent(event, id, redacted, [...converted, ...cutLargest(event)])) };
  } catch (cause) {
    if (!(cause instanceof SealtrailError)) throw cause;
    throw errorAt(cause.code, placeOf(index), cause.message, cause);
  }
}

/** Each UTF-16 code unit is at most 3 bytes of UTF-8. */
function fits(json: string): boolean {
  return json.length * 3 <= MAX_STORED_EVENT_BYTES || Buffer.byteLength(json) <= MAX_STORED_EVENT_BYTES;
}

/** Without both, the rest is within the limits of the texts. Returns the paths that it replaced by a note. */
function cutLargest(event: { details?: unknown; changes?: unknown }): string[] {
  const cut: string[] = [];
  for (const name of ['details', 'changes'] as const) {
    const value = event[name];
    const bytes = value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
    if (bytes <= MAX_KEPT_BYTES) continue;
    const note = noteOfCut(value, bytes);
    event[name] = name === 'details' ? note : { after: note };
    cut.push(name);
  }
  return cut;
}

/** Of an event that is too large, data that is smaller than this stays. */
const MAX_KEPT_BYTES = 8192;

function placeOf(index: number | undefined): readonly Step[] {
  return index === undefined ? [] : [BATCH_KEY, index];
}

/** Fields that an event lacks are undefined until it is written. */
type StoredEvent = { readonly [Field in keyof AuditEvent]-?: AuditEvent[Field] | undefined };

/** In canonical order, so that nothing is left to sort. */
function storedEvent(event: EventInput, id: string, redacted: string[], converted: readonly string[]): StoredEvent {
  const type = resolveType(event.type);
  if (type === undefined) throw new RangeError('the schema let a type through that is none');
  return {
    action: event.action,
    actor: event.actor,
    changes: event.changes,
    context: event.context,
    converted: shownPaths([...(event.converted ?? []), ...converted]),
    decision: event.decision,
    description: event.description,
    details: event.details,
    id,
    outcome: event.outcome ?? type.outcome,
    producer: event.producer,
    redacted: redacted.length === 0 ? undefined : redacted,
    resource: event.resource,
    severity: event.severity ?? type.severity,
    time: event.time,
    type: type.name,
  };
}

/** Sorted, each once; hostile events could fill a record with them. */
function shownPaths(paths: readonly string[]): string[] | undefined {
  if (paths.length === 0) return undefined;
  const sorted = [...new Set(paths)].sort();
  const shown: string[] = [];
  let length = 0;
  for (const path of sorted) {
    length += path.length;
    if (length > MAX_PATHS_LENGTH) return [...shown, `(${sorted.length - shown.length} more)`];
    shown.push(path);
  }
  return shown;
}

function schemaError(error: z.ZodError, at: readonly Step[]): SealtrailError {
  const { path, unknown, message } = firstIssue(error);
  if (unknown === undefined) return invalid([...at, ...path], message);
  const isFieldOfServer = unknown === 'redacted' && path.length === 0;
  return invalid(
    [...at, ...path, unknown],
    isFieldOfServer ? 'is set by the server only: leave it out' : 'unknown field: free data belongs in `details`',
  );
}

function invalid(at: readonly Step[], message: string): SealtrailError {
  return errorAt('invalid_event', at, message);
}
