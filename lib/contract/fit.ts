import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { isObject } from '../log/json.ts';
import { PRODUCER_ID, PRODUCER_LINK } from '../log/producer.ts';
import { MAX_TYPE_LENGTH, resolveType } from './catalogue.ts';
import {
  ACTOR_TEXTS,
  CONTEXT_FIELDS,
  CONTEXT_TEXT,
  EVENT_TEXTS,
  isEventId,
  PRODUCER_ID_TEXT,
  RESOURCE_TEXTS,
  type TextLimits,
} from './event.ts';
import { ACTOR_TYPES, DECISIONS, OUTCOMES, SEVERITIES } from './vocabulary.ts';

/**
 * An event made to fit the schema. Input of an application's callers ends up in events and must never cost one, least of all
 * for a hostile request. These rules turn any input into an event. The server applies them with `Prefer: handling=lenient`
 * or if a trail's policy says so.
 *
 * - A text that is too long is cut. The end of an id is replaced by a digest, so that different ids stay different.
 * - A number or flag in place of a text becomes its text.
 * - Anything else (an invalid address, an unknown field) goes to `details.unfit`, under the name of its field.
 * - An invalid type becomes `custom.event`, an actor without an id gets `(unknown)`.
 *
 * Every changed place is listed in `converted`.
 */
export interface Fitted {
  readonly event: Record<string, unknown>;
  /** Paths of the changed places. */
  readonly converted: readonly string[];
}

/** Checks that differ between the server and the client. */
export interface FitRules {
  /** True if a text is an RFC 3339 time. */
  readonly isTime: (text: string) => boolean;
  /** True if a text is a masked address. */
  readonly isMaskedIp: (text: string) => boolean;
}

/** Maximum length of a value in `details.unfit`, in UTF-16 code units. */
const MAX_UNFIT = 2000;
const UNKNOWN = '(unknown)';
const FREE_TYPE = 'custom.event';

/** Turns any input into an event that the schema accepts. @param sent JSON values; the event is a copy that shares `details` */
export function fitEvent(sent: unknown, rules: FitRules): Fitted {
  const fit = new Fit(rules);
  const event = isObject(sent) ? fit.event(sent) : fit.nothing(sent);
  return { event, converted: [...fit.converted].sort() };
}

type Fields = Record<string, unknown>;
/** Fits a value into its field; undefined if it cannot. */
type FitField = (value: unknown, path: string) => unknown;

class Fit {
  readonly converted = new Set<string>();
  readonly #rules: FitRules;
  readonly #unfit = new Map<string, unknown>();

  constructor(rules: FitRules) {
    this.#rules = rules;
  }

  nothing(sent: unknown): Fields {
    this.#setAside('event', sent);
    return { type: FREE_TYPE, details: { unfit: Object.fromEntries(this.#unfit) } };
  }

  event(sent: Fields): Fields {
    const event = this.#object(sent, '', this.#fields);
    if (event.type === undefined) {
      this.converted.add('type');
      event.type = FREE_TYPE;
    }
    if (event.producer !== undefined && event.id === undefined) {
      this.#setAside('producer', event.producer);
      delete event.producer;
    }
    if (this.#unfit.size > 0) event.details = withUnfit(event.details, Object.fromEntries(this.#unfit));
    return event;
  }

  readonly #word =
    ({ min, max }: TextLimits, isId: boolean): FitField =>
    (value, path) => {
      const text = typeof value === 'string' ? value : this.#asText(value, path);
      if (text === undefined) return undefined;
      const whole = text.toWellFormed();
      const fitting = whole.length <= max ? whole : isId ? cutId(whole, max) : cut(whole, max);
      if (fitting !== value) this.converted.add(path);
      return fitting.length < min ? undefined : fitting;
    };

  readonly #oneOf =
    (words: readonly string[]): FitField =>
    (value, path) =>
      words.some((word) => word === value) ? value : this.#setAside(path, value);

  readonly #where =
    (passes: (value: unknown) => boolean): FitField =>
    (value, path) =>
      passes(value) ? value : this.#setAside(path, value);

  readonly #any: FitField = (value) => value;

  readonly #actor: FitField = (value, path) => {
    if (!isObject(value)) {
      const id = this.#word(ACTOR_TEXTS.id, true)(value, 'actor.id');
      this.converted.add(path);
      return id === undefined ? this.#setAside(path, value) : { id };
    }
    const actor = this.#object(value, 'actor', {
      id: this.#word(ACTOR_TEXTS.id, true),
      ip: (ip, at) => this.#address(ip) ?? this.#setAside(at, ip),
      name: this.#word(ACTOR_TEXTS.name, false),
      type: this.#oneOf(ACTOR_TYPES),
      userAgent: this.#word(ACTOR_TEXTS.userAgent, false),
    });
    if (actor.id === undefined) {
      this.converted.add('actor.id');
      actor.id = UNKNOWN;
    }
    return actor;
  };

  readonly #members =
    (fields: Readonly<Record<string, FitField>>): FitField =>
    (value, path) =>
      isObject(value) ? this.#object(value, path, fields) : this.#setAside(path, value);

  readonly #producer: FitField = (value, path) => {
    const fits =
      isObject(value) &&
      Object.keys(value).every((key) => key === 'id' || key === 'prev' || key === 'seq') &&
      typeof value.id === 'string' &&
      value.id.length <= PRODUCER_ID_TEXT.max &&
      PRODUCER_ID.test(value.id) &&
      typeof value.prev === 'string' &&
      PRODUCER_LINK.test(value.prev) &&
      Number.isSafeInteger(value.seq) &&
      Number(value.seq) >= 0;
    return fits ? value : this.#setAside(path, value);
  };

  readonly #fields: Readonly<Record<string, FitField>> = {
    action: this.#word(EVENT_TEXTS.action, false),
    actor: this.#actor,
    changes: this.#members({ after: this.#any, before: this.#any }),
    converted: this.#where((value) => Array.isArray(value) && value.every((one) => typeof one === 'string')),
    context: this.#members(Object.fromEntries(CONTEXT_FIELDS.map((name) => [name, this.#word(CONTEXT_TEXT, true)]))),
    decision: this.#oneOf(DECISIONS),
    description: this.#word(EVENT_TEXTS.description, false),
    details: this.#where(isObject),
    id: this.#where(isEventId),
    outcome: this.#oneOf(OUTCOMES),
    producer: this.#producer,
    resource: this.#members({
      id: this.#word(RESOURCE_TEXTS.id, true),
      name: this.#word(RESOURCE_TEXTS.name, false),
      type: this.#word(RESOURCE_TEXTS.type, false),
    }),
    severity: this.#oneOf(SEVERITIES),
    time: this.#where((value) => typeof value === 'string' && this.#rules.isTime(value)),
    type: this.#where(
      (value) => typeof value === 'string' && value.length <= MAX_TYPE_LENGTH && resolveType(value) !== undefined,
    ),
  };

  #object(sent: Fields, path: string, fields: Readonly<Record<string, FitField>>): Fields {
    const fitted: Fields = {};
    for (const [name, value] of Object.entries(sent)) {
      if (value === undefined) continue;
      const at = path === '' ? name : `${path}.${name}`;
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      const member = field === undefined ? this.#setAside(at, value) : field(value, at);
      if (member !== undefined) fitted[name] = member;
    }
    return fitted;
  }

  #asText(value: unknown, path: string): string | undefined {
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    return this.#setAside(path, value);
  }

  /** The address without its port: proxies write `203.0.113.7:51234` and `[2001:db8::1]:443`. */
  #address(value: unknown): string | undefined {
    if (typeof value !== 'string' || value.length > ACTOR_TEXTS.ip.max) return undefined;
    if (isIP(value) !== 0 || this.#rules.isMaskedIp(value)) return value;
    const bare = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d{1,5})?$/.exec(value);
    const address = bare?.[1] ?? bare?.[2] ?? '';
    if (isIP(address) === 0) return undefined;
    this.converted.add('actor.ip');
    return address;
  }

  #setAside(path: string, value: unknown): undefined {
    this.converted.add(path);
    const kept = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
    this.#unfit.set(path, typeof value === 'number' ? value : cut(kept.toWellFormed(), MAX_UNFIT));
    return undefined;
  }
}

function withUnfit(details: unknown, unfit: Fields): Fields {
  const fields = isObject(details) ? details : {};
  let name = 'unfit';
  for (let n = 2; Object.hasOwn(fields, name); n++) name = `unfit${n}`;
  return { ...fields, [name]: unfit };
}

const ELLIPSIS = '…';
const DIGEST_DIGITS = 16;

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}${ELLIPSIS}`;
}

/** Cuts an id to its beginning and 64 bits of the SHA-256 of the whole. */
function cutId(text: string, max: number): string {
  const digest = createHash('sha256').update(text).digest('hex').slice(0, DIGEST_DIGITS);
  return `${text.slice(0, max - 1 - DIGEST_DIGITS).toWellFormed()}${ELLIPSIS}${digest}`;
}

/** Maximum length of the listed names, in UTF-16 code units. */
const MAX_NAMES = 2000;

/**
 * The note that replaces oversized data: its size and the names in it. It contains no part of a value, which may be part of a
 * secret.
 */
export function noteOfCut(value: unknown, bytes: number): { cut: { bytes: number; members: string } } {
  const names = isObject(value) ? Object.keys(value).join(', ') : '';
  return { cut: { bytes, members: cut(names, MAX_NAMES).toWellFormed() } };
}
