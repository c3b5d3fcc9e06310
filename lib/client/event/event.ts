import { randomUUID } from 'node:crypto';
import { SealtrailError } from '../../log/error.ts';
import { SEVERITIES, type Severity, severityOf, typeName } from './event-types.ts';
import { isPlain, plain } from './to-serializable.ts';

const ACTOR_TYPES = ['user', 'system', 'admin', 'agent', 'service'] as const;
const DECISIONS = ['allow', 'deny', 'require_approval'] as const;
const OUTCOMES = ['success', 'failure', 'denied', 'blocked', 'error'] as const;

/** Where an event belongs: each member can be queried. */
export interface EventContext {
  readonly tenant?: string | undefined;
  readonly project?: string | undefined;
  readonly session?: string | undefined;
  readonly request?: string | undefined;
  readonly correlation?: string | undefined;
  readonly agent?: string | undefined;
  readonly action?: string | undefined;
  readonly approval?: string | undefined;
}

/** Who acted. */
export interface Actor {
  readonly id: string;
  readonly type?: (typeof ACTOR_TYPES)[number] | undefined;
  readonly name?: string | undefined;
  /** IPv4 or IPv6, without port. */
  readonly ip?: string | undefined;
  readonly userAgent?: string | undefined;
}

/** What was acted on. */
export interface Resource {
  readonly type?: string | undefined;
  readonly id?: string | undefined;
  readonly name?: string | undefined;
}

/** An event as an application logs it. `details` and `changes` may hold anything: see {@link plain}. */
export interface LogEvent {
  /** Lower-case dotted `category.name`, or an alias from the catalogue (docs/schema.md). */
  readonly type: string;
  /** @default a UUID */
  readonly id?: string | undefined;
  /** RFC 3339, or a Date. @default now */
  readonly time?: string | Date | undefined;
  readonly action?: string | undefined;
  readonly outcome?: (typeof OUTCOMES)[number] | undefined;
  /** @default by type */
  readonly severity?: Severity | undefined;
  readonly actor?: Actor | undefined;
  readonly resource?: Resource | undefined;
  readonly context?: EventContext | undefined;
  readonly decision?: (typeof DECISIONS)[number] | undefined;
  readonly changes?: { readonly before?: unknown; readonly after?: unknown } | undefined;
  readonly description?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** An event that has been checked and made into JSON: nothing that happens later changes it. */
export interface PreparedEvent {
  readonly id: string;
  readonly type: string;
  readonly severity: Severity;
  readonly json: string;
  /** Of the JSON, in UTF-8. */
  readonly bytes: number;
}

/** What to do with an event whose JSON is larger than {@link MAX_EVENT_BYTES}. */
export type TooLarge = 'cut' | 'refuse';

/** The largest event that is logged, in bytes of JSON: the log takes 32,768, and the event's number needs some of them. */
export const MAX_EVENT_BYTES = 32_512;
/** How much of what is cut is kept, in UTF-16 code units. */
const KEPT = 2_000;

type Check = (value: unknown) => string | undefined;

const text =
  (max: number, min = 1): Check =>
  (value) =>
    typeof value === 'string' && value.length >= min && value.length <= max
      ? undefined
      : `must be text of ${min} to ${max} characters`;
const oneOf =
  (names: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && names.includes(value) ? undefined : `must be one of ${names.join(', ')}`;
const object: Check = (value) => (isObject(value) ? undefined : 'must be an object');
const id: Check = (value) =>
  typeof value === 'string' && value.length <= 128 && /^(?!\d+$)[A-Za-z0-9][A-Za-z0-9._:~@=+-]*$/.test(value)
    ? undefined
    : 'must start with a letter or digit, hold only letters, digits and ._:~@=+- and not be digits alone';
const time: Check = (value) =>
  typeof value === 'string' &&
  /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(value) &&
  !Number.isNaN(Date.parse(value))
    ? undefined
    : 'must be a Date or an RFC 3339 time';
const type: Check = (value) =>
  typeof value === 'string' && typeName(value) !== undefined
    ? undefined
    : 'must be lower-case and dotted, such as invoice.paid, or a name from the catalogue (docs/schema.md)';
const word = text(256);

type Checks = ReadonlyMap<string, Check>;
const checks = (byField: Readonly<Record<string, Check>>): Checks => new Map(Object.entries(byField));

/** What each field must be; the server has the last word. */
const FIELDS = checks({
  ...{ id, type, time, action: word, outcome: oneOf(OUTCOMES), severity: oneOf(SEVERITIES) },
  ...{ actor: object, resource: object, context: object, decision: oneOf(DECISIONS), changes: object },
  ...{ description: text(8192, 0), details: object },
});
const NESTED: readonly (readonly [string, Checks])[] = [
  [
    'actor',
    checks({ id: text(512), type: oneOf(ACTOR_TYPES), name: text(256, 0), ip: text(64), userAgent: text(1024, 0) }),
  ],
  ['resource', checks({ type: text(128), id: text(1024), name: text(256, 0) })],
  [
    'context',
    checks({
      ...{ tenant: word, project: word, session: word, request: word },
      ...{ correlation: word, agent: word, action: word, approval: word },
    }),
  ],
  ['changes', checks({ before: () => undefined, after: () => undefined })],
];

/**
 * Checks an event, makes it plain and fills in its id and time.
 *
 * @throws `invalid_event` with the field, `record_too_large` where it is and `tooLarge` says `refuse`
 */
export function prepareEvent(event: LogEvent, tooLarge: TooLarge = 'cut'): PreparedEvent {
  const fields = snapshot(event);
  if (!isObject(fields)) throw new SealtrailError('invalid_event', 'an event must be an object');
  if (fields.type === undefined) throw invalid('type', 'is missing');
  check(fields, FIELDS, '');
  for (const [name, nestedChecks] of NESTED) {
    const nested = fields[name];
    if (isObject(nested)) check(nested, nestedChecks, `${name}.`);
  }
  if (isObject(fields.actor) && fields.actor.id === undefined) throw invalid('actor.id', 'is missing');
  fields.id ??= randomUUID();
  fields.time ??= now();
  return sized(fields, tooLarge);
}

let newest = { at: Number.NaN, text: '' };

/** Made once for all events of a millisecond: it takes as long as an event's JSON. */
function now(): string {
  const at = Date.now();
  if (at !== newest.at) newest = { at, text: new Date(at).toISOString() };
  return newest.text;
}

/**
 * The event's fields, to be changed. What is plain already is not copied further down: it becomes JSON before anybody can
 * change it, and copying was a third of the time that `log` takes.
 */
function snapshot(event: LogEvent): unknown {
  if (!isObject(event) || Object.getPrototypeOf(event) !== Object.prototype) return plain(event);
  const { time } = event;
  const fields = time instanceof Date && !Number.isNaN(time.getTime()) ? { ...event, time: time.toISOString() } : event;
  return isPlain(fields) ? { ...fields } : plain(event);
}

function check(fields: Record<string, unknown>, checks: Checks, prefix: string): void {
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value === undefined) continue;
    const checkOne = checks.get(name);
    if (checkOne === undefined) {
      throw invalid(`${prefix}${name}`, 'is not a field of an event: put it into details');
    }
    const problem = checkOne(value);
    if (problem !== undefined) throw invalid(`${prefix}${name}`, problem);
  }
}

function sized(fields: Record<string, unknown>, tooLarge: TooLarge): PreparedEvent {
  let json = written(fields);
  let bytes = Buffer.byteLength(json);
  for (const name of ['details', 'changes']) {
    if (bytes <= MAX_EVENT_BYTES) break;
    if (tooLarge === 'refuse') throw large(bytes, name);
    cut(fields, name);
    json = written(fields);
    bytes = Buffer.byteLength(json);
  }
  if (bytes > MAX_EVENT_BYTES) throw large(bytes);
  const name = String(fields.type);
  const severity = isSeverity(fields.severity) ? fields.severity : severityOf(name);
  return { id: String(fields.id), type: name, severity, json, bytes };
}

function written(fields: Record<string, unknown>): string {
  try {
    const json = JSON.stringify(fields);
    // ECMA-262, QuoteJSONString: half of a surrogate pair becomes \\udXXX, which the server does not take.
    if (!json.includes('\\ud')) return json;
  } catch {
    // A getter or a proxy that is something else each time.
  }
  return JSON.stringify(plain(fields));
}

function large(bytes: number, field?: string): SealtrailError {
  const message = `the event has ${bytes} bytes, at most ${MAX_EVENT_BYTES} fit`;
  if (field === undefined) return new SealtrailError('record_too_large', message);
  return new SealtrailError('record_too_large', `${field}: ${message}`, { field });
}

/** Leaves the names of the members, so that a reader sees what there was. No piece of a value: it may be a secret's. */
function cut(fields: Record<string, unknown>, name: string): void {
  const value = fields[name];
  if (!isObject(value)) return;
  const bytes = Buffer.byteLength(written(value));
  const note = { cut: { bytes, members: Object.keys(value).join(', ').slice(0, KEPT).toWellFormed() } };
  fields[name] = name === 'details' ? note : { after: note };
}

const invalid = (field: string, problem: string): SealtrailError =>
  new SealtrailError('invalid_event', `${field}: ${problem}`, { field });

function isSeverity(value: unknown): value is Severity {
  return SEVERITIES.some((known) => known === value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
