import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { type Actor, isEventId, type SentEvent } from '../contract/event.ts';
import { timeMillis } from '../contract/time.ts';
import { isObject } from '../log/json.ts';

/** A system whose audit records can be imported. */
export interface ImportSource {
  /** One English phrase: what its files hold. */
  readonly holds: string;
  /** The records in a JSON value of a file: one, or those in the envelope that the system puts around them. */
  readonly records: (value: unknown) => readonly unknown[];
  /** The event that a record stands for; undefined for anything but a record of this system. */
  readonly event: (record: Readonly<Record<string, unknown>>) => SentEvent | undefined;
}

/** JSON bytes of a record that an event takes in beside its own fields. */
const MAX_ORIGINAL_BYTES = 24_000;

/** The text at a path, or undefined where there is none. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const found = valueAt(value, ...path);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

/** The value at a path. */
export function valueAt(value: unknown, ...path: readonly (string | number)[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = Reflect.get(at, key);
  }
  return at;
}

/** An event's id by the source's own: the same record has the same id whenever it is imported. */
export function sourceId(prefix: string, ...parts: readonly string[]): string {
  const id = `${prefix}-${parts.join('.')}`;
  return isEventId(id) ? id : `${prefix}-${digest(JSON.stringify(parts)).slice(0, 40)}`;
}

/** An id for a record without one of its own: by its content. */
export const contentId = (prefix: string, record: unknown): string =>
  `${prefix}-${digest(JSON.stringify(record) ?? '').slice(0, 40)}`;

/** A time, where it is one. */
export function timeOf(text: string | undefined): { readonly time?: string } {
  return text === undefined || timeMillis(text) === undefined ? {} : { time: text };
}

/** Who acted; undefined where no one is named. Anything but an address is left out: the record has it. */
export function actorOf(id: string | undefined, more: Omit<Actor, 'id'>): Pick<SentEvent, 'actor'> {
  if (id === undefined) return {};
  const { ip, ...rest } = more;
  const known = Object.entries(rest).filter(([, value]) => value !== undefined);
  return { actor: { id, ...Object.fromEntries(known), ...(ip === undefined || isIP(ip) === 0 ? {} : { ip }) } };
}

/** `StartLogging` and `start-logging` become `start_logging`: a word of a type. */
export function typeWord(name: string): string {
  const snake = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2');
  return (
    snake
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/g, '_')
      .replace(/^[_-]+|[_-]+$/g, '') || 'event'
  );
}

/** The record itself, for the details. Of one that is too large for an event, the largest members give way to their digests. */
export function originalOf(source: string, record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = { ...record };
  const sizes = Object.entries(record).map(([name, value]) => ({ name, bytes: sizeOf(value) }));
  let left = sizes.reduce((sum, { name, bytes }) => sum + bytes + name.length + 4, 2);
  for (const { name, bytes } of sizes.sort((a, b) => b.bytes - a.bytes)) {
    if (left <= MAX_ORIGINAL_BYTES) break;
    kept[name] = { leftOut: `${bytes} bytes of JSON`, sha256: digest(JSON.stringify(record[name]) ?? '') };
    left -= bytes - 120;
  }
  return { source, original: kept };
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The elements of an array, also inside one of these members; anything else is one record. */
export function unwrapped(value: unknown, ...members: readonly string[]): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (!isObject(value)) return [value];
  for (const member of members) {
    const inside = value[member];
    if (Array.isArray(inside)) return inside;
  }
  return [value];
}
