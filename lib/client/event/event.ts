import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { type EventName, resolveType } from '../../contract/catalogue.ts';
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
import { fitEvent } from '../../contract/fit.ts';
import { ACTOR_TYPES, DECISIONS, OUTCOMES, SEVERITIES, type Severity } from '../../contract/vocabulary.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject, parseJson } from '../../log/json.ts';
import { isMaskedIp } from '../../privacy/mask.ts';
import { coreOf, cutData, MAX_LOGGED_BYTES, written } from './event-size.ts';
import { convertedMembers, isSerializable, toSerializable } from './to-serializable.ts';

/** Names of the catalogue, which editors complete, and all others. */
export type AnyName = EventName | (string & Record<never, never>);

/** An event as an application logs it. `details` and `changes` may hold any value: see {@link toSerializable}. */
export interface LogEvent<Name extends string = AnyName>
  extends Omit<SentEvent, 'converted' | 'producer' | 'time' | 'type'> {
  /** The event's type: a name of the catalogue (docs/schema.md), or dotted words of your own such as `invoice.paid`. */
  readonly type: Name;
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

/** The treatment of an event whose JSON is larger than {@link MAX_LOGGED_BYTES}. */
export type TooLarge = 'cut' | 'refuse';
/** The treatment of an event with an unknown field, or a value that does not fit its field. */
export type Invalid = 'fit' | 'throw';

/** How an event is prepared. */
export interface Preparation {
  /** @default cut */
  readonly tooLarge?: TooLarge | undefined;
  /** @default fit */
  readonly invalid?: Invalid | undefined;
  /** Takes out secrets and personal data, in place. */
  readonly scrub?: ((fields: Record<string, unknown>) => void) | undefined;
  /** Called for what `fit` had to keep in another form, the first of it. */
  readonly onUnfit?: (error: SealtrailError) => void;
}

type Check = (value: unknown) => string | undefined;
/** The demand on a field: a text within limits, one of some words, or whatever a function accepts. */
type Rule = TextLimits | readonly string[] | Check;

const object: Check = (value) => (isObject(value) ? undefined : 'must be an object');
const anything: Check = () => undefined;
const id: Check = (value) => (isEventId(value) ? undefined : EVENT_ID_RULE);
const ip: Check = (value) =>
  typeof value === 'string' && (isIP(value) !== 0 || isMaskedIp(value)) ? undefined : 'must be an IPv4 or IPv6 address';
const texts: Check = (value) =>
  Array.isArray(value) && value.every((one) => typeof one === 'string') ? undefined : 'must be a list of paths';
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

const FIELDS = rules<LogEvent & Pick<SentEvent, 'converted'>>({
  ...EVENT_TEXTS,
  converted: texts,
  ...{ id, type, time, outcome: OUTCOMES, severity: SEVERITIES, decision: DECISIONS },
  ...{ actor: object, resource: object, context: object, changes: object, details: object },
});
const NESTED: readonly (readonly [keyof LogEvent, Rules])[] = [
  ['actor', rules<Actor>({ ...ACTOR_TEXTS, ip, type: ACTOR_TYPES })],
  ['resource', rules<Resource>(RESOURCE_TEXTS)],
  ['context', new Map(CONTEXT_FIELDS.map((field) => [field, CONTEXT_TEXT]))],
  ['changes', rules<Changes>({ before: anything, after: anything })],
];

/**
 * Checks an event, makes it plain and fills in its id and time.
 *
 * Values that do not fit are kept in another form (see {@link fitEvent}), and `converted` lists the places: an event holds what
 * others sent, and must never be lost for it.
 *
 * @throws only by choice: `invalid_event` with the field, `record_too_large`
 */
export function prepareEvent(event: LogEvent, preparation: Preparation = {}): PreparedEvent {
  const { scrub } = preparation;
  const { fields, places } = sound(snapshot(event, scrub !== undefined), preparation);
  scrub?.(fields);
  fields.id ??= randomUUID();
  fields.time ??= now();
  return sized(fields, places, preparation.tooLarge);
}

/** An event as plain JSON, to be changed, and the places that are not as they were given. */
interface Snapshot<T> {
  readonly fields: T;
  readonly places: ReadonlySet<string>;
}

type Fields = Record<string, unknown>;

function sound({ fields, places }: Snapshot<unknown>, { invalid = 'fit', onUnfit }: Preparation): Snapshot<Fields> {
  try {
    if (!isObject(fields)) throw new SealtrailError('invalid_event', 'an event must be an object');
    assertSound(fields);
    return { fields, places };
  } catch (error) {
    if (invalid === 'throw' || !(error instanceof SealtrailError)) throw error;
    onUnfit?.(error);
    const { event, converted } = fitEvent(fields, { isTime: (text) => time(text) === undefined, isMaskedIp });
    return { fields: event, places: new Set([...places, ...converted]) };
  }
}

function assertSound(fields: Record<string, unknown>): void {
  if (fields.type === undefined) throw unsound('type', 'is missing');
  check(fields, FIELDS, '');
  for (const [name, nestedRules] of NESTED) {
    const nested = fields[name];
    if (isObject(nested)) check(nested, nestedRules, `${name}.`);
  }
  if (isObject(fields.actor) && fields.actor.id === undefined) throw unsound('actor.id', 'is missing');
}

/** The same event without what `scrub` takes out. */
export function scrubbed(event: PreparedEvent, scrub: (fields: Record<string, unknown>) => void): PreparedEvent {
  const fields = parseJson(event.json) as Fields; // which it was
  scrub(fields);
  const json = JSON.stringify(fields);
  return { ...event, json, bytes: Buffer.byteLength(json) };
}

let newest = { at: Number.NaN, text: '' };

/** Made once for all events of a millisecond: it takes as long as an event's JSON. */
function now(): string {
  const at = Date.now();
  if (at !== newest.at) newest = { at, text: new Date(at).toISOString() };
  return newest.text;
}

const NOWHERE: ReadonlySet<string> = new Set();

/**
 * Serializable values are not copied further down: they become JSON before anyone can change them, and copying was a third
 * of the time that `log` takes. To be scrubbed, it must be a copy.
 */
function snapshot(event: LogEvent, isCopy: boolean): Snapshot<unknown> {
  try {
    if (isObject(event)) return (isCopy ? undefined : plainFields(event)) ?? convertedMembers(event);
  } catch {
    // A proxy that does not even name its members.
  }
  return { fields: toSerializable(event), places: NOWHERE };
}

function plainFields(event: LogEvent): Snapshot<Fields> | undefined {
  try {
    if (Object.getPrototypeOf(event) !== Object.prototype) return undefined;
    const { time } = event;
    const isDate = time instanceof Date && !Number.isNaN(time.getTime());
    const fields = isDate ? { ...event, time: time.toISOString() } : { ...event };
    return isSerializable(fields) ? { fields, places: NOWHERE } : undefined;
  } catch {
    return undefined; // A getter or a proxy that throws: the conversion says so in its place.
  }
}

/** Early and with the field's name; the server has the last word. */
function check(fields: Record<string, unknown>, rules: Rules, prefix: string): void {
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value === undefined) continue;
    const rule = rules.get(name);
    if (rule === undefined) throw unsound(`${prefix}${name}`, 'is not a field of an event: put it into details');
    const problem = problemOf(value, rule);
    if (problem !== undefined) throw unsound(`${prefix}${name}`, problem);
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

function sized(
  fields: Record<string, unknown>,
  places: ReadonlySet<string>,
  tooLarge: TooLarge = 'cut',
): PreparedEvent {
  const found = new Set(places);
  let json = written(fields, found);
  let bytes = Buffer.byteLength(json);
  for (const name of ['details', 'changes'] as const) {
    if (bytes <= MAX_LOGGED_BYTES) break;
    if (tooLarge === 'refuse') throw large(bytes, name);
    cutData(fields, name, found);
    json = written(fields, found);
    bytes = Buffer.byteLength(json);
  }
  if (bytes > MAX_LOGGED_BYTES) {
    if (tooLarge === 'refuse') throw large(bytes);
    json = written(coreOf(fields, found), found);
    bytes = Buffer.byteLength(json);
  }
  const name = String(fields.type);
  const severity = isSeverity(fields.severity) ? fields.severity : (resolveType(name)?.severity ?? 'info');
  return { id: String(fields.id), type: name, severity, json, bytes };
}

function large(bytes: number, field?: string): SealtrailError {
  const message = `the event has ${bytes} bytes, at most ${MAX_LOGGED_BYTES} fit`;
  if (field === undefined) return new SealtrailError('record_too_large', message);
  return new SealtrailError('record_too_large', `${field}: ${message}`, { field });
}

const unsound = (field: string, problem: string): SealtrailError =>
  new SealtrailError('invalid_event', `${field}: ${problem}`, { field });

function isSeverity(value: unknown): value is Severity {
  return SEVERITIES.some((known) => known === value);
}
