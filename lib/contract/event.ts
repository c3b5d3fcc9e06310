import { MAX_PRODUCER_ID_LENGTH, type ProducerMark } from '../log/producer.ts';
import type { ActorType, Decision, Outcome, Severity } from './vocabulary.ts';

// The fields of an event and their limits. The server's schema (lib/event/schema.ts) and the client's checks
// (lib/client/event/event.ts) are typed by this file, so a field that one of them lacks does not compile.

/** Bytes of the body of an append. */
export const MAX_BODY_BYTES = 5_000_000;
/** Events in a batch. */
export const MAX_BATCH_EVENTS = 1000;
/** Bytes of an event as sent. */
export const MAX_EVENT_BYTES = 32_768;
/** Levels of objects and arrays in an event; the event itself is the first. */
export const MAX_EVENT_DEPTH = 32;

/** The fields of an event's context. Each is a text of 1 to 256 characters and a dimension of queries. */
export const CONTEXT_FIELDS = [
  'tenant',
  'project',
  'session',
  'request',
  'correlation',
  'agent',
  'action',
  'approval',
] as const;
/** One of {@link CONTEXT_FIELDS}. */
export type ContextField = (typeof CONTEXT_FIELDS)[number];

/** Where an event belongs: each member can be queried. */
export type EventContext = { readonly [Field in ContextField]?: string | undefined };

/** Who acted. */
export interface Actor {
  readonly id: string;
  /** IPv4 or IPv6, without port. */
  readonly ip?: string | undefined;
  readonly name?: string | undefined;
  readonly type?: ActorType | undefined;
  readonly userAgent?: string | undefined;
}

/** The thing acted on. */
export interface Resource {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly type?: string | undefined;
}

/** State before and after a change. */
export interface Changes {
  readonly after?: unknown;
  readonly before?: unknown;
}

/** The fields of an event that are the same for producers, the client and the stored record. */
export interface EventFields {
  readonly action?: string | undefined;
  readonly actor?: Actor | undefined;
  readonly changes?: Changes | undefined;
  readonly context?: EventContext | undefined;
  readonly decision?: Decision | undefined;
  readonly description?: string | undefined;
  /** A JSON object of any shape. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly outcome?: Outcome | undefined;
  readonly resource?: Resource | undefined;
}

/** An event as a producer sends it. */
export interface SentEvent extends EventFields {
  /** Sorted paths of converted values, such as a number kept as text. The log adds its own. */
  readonly converted?: readonly string[] | undefined;
  readonly id?: string | undefined;
  /** The event's place among its producer's events. Requires an `id`. */
  readonly producer?: ProducerMark | undefined;
  /** @default by type, else `info` */
  readonly severity?: Severity | undefined;
  /** RFC 3339, by the producer's clock. */
  readonly time?: string | undefined;
  /** Lower-case dotted `category.name`, or an alias from the catalogue (docs/schema.md). */
  readonly type: string;
}

/** An event in a record: normalised, redacted and masked. */
export interface StoredEvent extends SentEvent {
  readonly id: string;
  readonly severity: Severity;
  /** Sorted paths of the redacted places, such as `details.items[0].token`. */
  readonly redacted?: readonly string[] | undefined;
}

/** Bounds of a text, both inclusive. The server counts code points, the client UTF-16 code units, of which a text has at least as many. */
export interface TextLimits {
  readonly min: number;
  readonly max: number;
}

/** A name or identifier: never empty. */
const word = (max: number): TextLimits => ({ min: 1, max });
/** Free text. */
const text = (max: number): TextLimits => ({ min: 0, max });

/** The keys of T whose values are plain texts. */
type TextKeys<T> = { [K in keyof T]-?: string extends T[K] ? K : never }[keyof T];

/** Limits of the texts of an actor. */
export const ACTOR_TEXTS: Readonly<Record<TextKeys<Actor>, TextLimits>> = {
  id: word(512),
  ip: word(64),
  name: text(256),
  userAgent: text(1024),
};
/** Limits of the texts of a resource. */
export const RESOURCE_TEXTS: Readonly<Record<TextKeys<Resource>, TextLimits>> = {
  id: word(1024),
  name: text(256),
  type: word(128),
};
/** Limits of every {@link CONTEXT_FIELDS}. */
export const CONTEXT_TEXT: TextLimits = word(256);
/** Limits of an event's own texts. */
export const EVENT_TEXTS: Readonly<Record<TextKeys<EventFields>, TextLimits>> = {
  action: word(256),
  description: text(8192),
};
/** Limits of a producer's id. */
export const PRODUCER_ID_TEXT: TextLimits = word(MAX_PRODUCER_ID_LENGTH);

/** Longest event id, in characters. */
export const MAX_ID_LENGTH = 128;
/** An event's id: fits into a URL path unescaped, and cannot be mistaken for a sequence number. */
export const EVENT_ID: RegExp = /^(?!\d+$)[A-Za-z0-9][A-Za-z0-9._:~@=+-]*$/;
/** True if a value can be an event's id. */
export const isEventId = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_ID_LENGTH && EVENT_ID.test(value);
/** The rule of {@link EVENT_ID}, as errors state it. */
export const EVENT_ID_RULE =
  'must start with a letter or digit, hold only letters, digits and ._:~@=+- and not be digits alone';

/** The rule of a type's name, as errors state it. */
export const TYPE_RULE =
  'must be words joined by dots, such as invoice.paid, or a name from the catalogue (docs/schema.md)';
