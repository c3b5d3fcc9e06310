import { randomUUID } from 'node:crypto';
import { resolveType } from '../../contract/catalogue.ts';
import {
  ACTOR_TEXTS,
  type Actor,
  type Changes,
  CONTEXT_FIELDS,
  CONTEXT_TEXT,
  EVENT_ID_RULE,
  EVENT_TEXTS,
  isEventId,
  RESOURCE_TEXTS,
  type Resource,
  type SentEvent,
  type TextLimits,
  TYPE_RULE,
} from '../../contract/event.ts';
import { ACTOR_TYPES, DECISIONS, OUTCOMES, SEVERITIES, type Severity } from '../../contract/vocabulary.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject } from '../../log/json.ts';
import { isPlain, plain } from './to-serializable.ts';

/** An event as an application logs it. `details` and `changes` may hold any value: see {@link plain}. */
export interface LogEvent extends Omit<SentEvent, 'producer' | 'time'> {
  /** RFC 3339, or a Date. @default now */
  readonly time?: string | Date | undefined;
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
/** The demand on a field: a text within limits, one of some words, or whatever a function accepts. */
type Rule = TextLimits | readonly string[] | Check;

const object: Check = (value) => (isObject(value) ? undefined : 'must be an object');
const anything: Check = () => undefined;
const id: Check = (value) => (isEventId(value) ? undefined : EVENT_ID_RULE);
const time: Check = (value) =>
  typeof value === 'string' &&
  /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(value) &&
  !Number.isNaN(Date.parse(value))
    ? undefined
    : 'must be a Date or an RFC 3339 time';
const type: Check = (value) => (typeof value === 'string' && resolveType(value) !== undefined ? undefined : TYPE_RULE);

type Rules = ReadonlyMap<string, Rule>;
/** A rule for every field of T: a field of the contract without one does not compile. */
const rules = <T>(byField: Readonly<Record<keyof T & string, Rule>>): Rules => new Map(Object.entries(byField));

const FIELDS = rules<LogEvent>({
  ...EVENT_TEXTS,
  ...{ id, type, time, outcome: OUTCOMES, severity: SEVERITIES, decision: DECISIONS },
  ...{ actor: object, resource: object, context: object, changes: object, details: object },
});
const NESTED: readonly (readonly [keyof LogEvent, Rules])[] = [
  ['actor', rules<Actor>({ ...ACTOR_TEXTS, type: ACTOR_TYPES })],
  ['resource', rules<Resource>(RESOURCE_TEXTS)],
  ['context', new Map(CONTEXT_FIELDS.map((field) => [field, CONTEXT_TEXT]))],
  ['changes', rules<Changes>({ before: anything, after: anything })],
];

/**
 * Checks an event, makes it plain and fills in its id and time.
 *
 * @throws `invalid_event` with the field; `record_too_large` with `tooLarge` set to `refuse`
 */
export function prepareEvent(event: LogEvent, tooLarge: TooLarge = 'cut'): PreparedEvent {
  const fields = snapshot(event);
  if (!isObject(fields)) throw new SealtrailError('invalid_event', 'an event must be an object');
  if (fields.type === undefined) throw invalid('type', 'is missing');
  check(fields, FIELDS, '');
  for (const [name, nestedRules] of NESTED) {
    const nested = fields[name];
    if (isObject(nested)) check(nested, nestedRules, `${name}.`);
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

/** Early and with the field's name; the server has the last word. */
function check(fields: Record<string, unknown>, rules: Rules, prefix: string): void {
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value === undefined) continue;
    const rule = rules.get(name);
    if (rule === undefined) throw invalid(`${prefix}${name}`, 'is not a field of an event: put it into details');
    const problem = problemOf(value, rule);
    if (problem !== undefined) throw invalid(`${prefix}${name}`, problem);
  }
}

function problemOf(value: unknown, rule: Rule): string | undefined {
  if (typeof rule === 'function') return rule(value);
  if ('max' in rule) {
    const { min, max } = rule;
    const fits = typeof value === 'string' && value.length >= min && value.length <= max;
    return fits ? undefined : `must be text of ${min} to ${max} characters`;
  }
  return typeof value === 'string' && rule.includes(value) ? undefined : `must be one of ${rule.join(', ')}`;
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
  const severity = isSeverity(fields.severity) ? fields.severity : (resolveType(name)?.severity ?? 'info');
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
