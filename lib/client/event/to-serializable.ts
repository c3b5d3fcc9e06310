import { MAX_EVENT_DEPTH } from '../../contract/event.ts';
import { fieldPath, type Step } from '../../json/field-path.ts';

/** Levels that {@link toSerializable} keeps: `details` begins on the second one of an event, and some are left for what is put around it. */
const MAX_DEPTH = MAX_EVENT_DEPTH - 4;
/** And how many values it looks at: an event with more has too many bytes, and a few objects that hold each other twice would never end. */
const MAX_VALUES = 20_000;
/** How many values are looked at for whether a copy can be saved. */
const MAX_COPIED = 10_000;

/**
 * Any JavaScript value as JSON can keep it, taken at once: what happens to the value later does not show. Never throws.
 *
 * | value | becomes |
 * |---|---|
 * | `undefined`, as a member | nothing |
 * | `undefined` in an array | `null` |
 * | BigInt | its digits, as text |
 * | a number beyond ±(2^53 - 1), which JSON does not keep exactly everywhere | its digits, as text |
 * | `NaN`, `Infinity` | that word |
 * | Date | ISO 8601 text, or `Invalid Date` |
 * | Map | an object if all keys are text, else an array of pairs |
 * | Set | an array |
 * | Error | `name`, `message`, `code`, `cause` and its own members; no stack, which names files of the machine |
 * | Buffer, typed array, ArrayBuffer | `{ bytes, base64 }` |
 * | RegExp, function, symbol | text |
 * | a class instance | what its `toJSON` returns, else its own enumerable members |
 * | an object inside itself | `[circular]` |
 * | deeper than 28 levels | `[too deep]` |
 * | all after the first 20,000 values | `[too many]`, once for each object or array |
 * | a getter, `toJSON` or proxy that throws | `[unreadable: …]` |
 * | half of a surrogate pair | U+FFFD |
 *
 * @example
 * toSerializable({ n: 10n, at: new Date(0), tags: new Set(['a']) }); // { n: '10', at: '1970-01-01T00:00:00.000Z', tags: ['a'] }
 */
export function toSerializable(value: unknown): unknown {
  return converted(value).value;
}

/** The result of {@link toSerializable}, and the paths of values that JSON cannot keep as they were. */
export function converted(value: unknown): { readonly value: unknown; readonly places: ReadonlySet<string> } {
  const walk = { inside: [], values: 0, steps: [], places: new Set<string>() };
  return { value: convert(value, walk), places: walk.places };
}

/**
 * The members of an object, as {@link converted}: one that is too large or cannot be read costs none of the others.
 *
 * @throws what the object throws that does not even name its members
 */
export function convertedMembers(object: object): {
  readonly fields: Record<string, unknown>;
  readonly places: ReadonlySet<string>;
} {
  const places = new Set<string>();
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(object)) {
    put(fields, name, convertMember(object, name, { inside: [object], values: 0, steps: [], places }));
  }
  return { fields, places };
}

/**
 * True if {@link toSerializable} would only copy the value, halves of surrogate pairs apart: then it can be made into JSON as it is.
 * Says no when in doubt. Every event is asked, so nothing is looked at that the JSON itself shows.
 *
 * @param depth of the value in what it belongs to
 */
export function isSerializable(value: unknown, depth = 0): boolean {
  try {
    return isCopied(value, { values: 0 }, depth);
  } catch {
    return false; // A getter or a proxy that throws: `toSerializable` says so in its place.
  }
}

function isCopied(value: unknown, walk: Seen, depth: number): boolean {
  walk.values++;
  switch (typeof value) {
    case 'number':
      return isKept(value);
    case 'string':
    case 'boolean':
    case 'undefined':
      return true;
    case 'object':
      if (value === null) return true;
      // The cast: every object can be asked for members.
      return depth < MAX_DEPTH && walk.values < MAX_COPIED && areCopied(value as Fields, walk, depth + 1);
    default:
      return false;
  }
}

/** An object's members, for reading. */
type Fields = Readonly<Record<string, unknown>>;

function areCopied(value: Fields, walk: Seen, depth: number): boolean {
  if (value.toJSON !== undefined) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isCopied(value[i], walk, depth)) return false;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const name in value) if (!isCopied(value[name], walk, depth)) return false;
  return true;
}

/** How far a walk has come. */
interface Seen {
  values: number;
}

/** Where a walk through a value is, and what it has found. */
interface Walk extends Seen {
  /** The objects that it is inside of, outermost first. */
  readonly inside: object[];
  readonly steps: Step[];
  /** Paths of what became something else than JSON would say. */
  readonly places: Set<string>;
}

/** A double that every reader of JSON keeps (RFC 7493 section 2.2). */
const isKept = (value: number): boolean => Math.abs(value) <= Number.MAX_SAFE_INTEGER;

const TOO_MANY = '[too many]';

function convert(value: unknown, walk: Walk): unknown {
  if (++walk.values > MAX_VALUES) return noted(TOO_MANY, walk);
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? value : noted(value.toWellFormed(), walk);
    case 'number':
      return isKept(value) ? value : noted(String(value), walk);
    case 'bigint':
      return noted(value.toString(), walk);
    case 'symbol':
      return value.toString();
    case 'function':
    case 'object':
      return value === null ? null : convertObject(value, walk);
    default:
      return value;
  }
}

function noted<T>(value: T, walk: Walk): T {
  walk.places.add(fieldPath(walk.steps));
  return value;
}

/** The value at a step from here. */
function convertAt(step: Step, value: unknown, walk: Walk): unknown {
  walk.steps.push(step);
  const result = convert(value, walk);
  walk.steps.pop();
  return result;
}

function convertObject(value: object, walk: Walk): unknown {
  if (walk.inside.includes(value)) return noted('[circular]', walk);
  if (walk.inside.length >= MAX_DEPTH) return noted('[too deep]', walk);
  const depth = walk.steps.length;
  walk.inside.push(value);
  try {
    return typeof value === 'function'
      ? `[function ${String(Reflect.get(value, 'name'))}]`
      : convertReadable(value, walk);
  } catch (error) {
    walk.steps.length = depth;
    return noted(unreadable(error), walk);
  } finally {
    walk.inside.pop();
  }
}

function convertReadable(value: object, walk: Walk): unknown {
  // Most objects are plain ones: they are not asked what else they might be.
  if (Object.getPrototypeOf(value) === Object.prototype && !('toJSON' in value)) {
    return members(value, Object.keys(value), walk);
  }
  if (Array.isArray(value)) return convertItems(value.length, value, walk);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Map) return convertMap(value, walk);
  if (value instanceof Set) return convertItems(value.size, [...value], walk);
  if (value instanceof Error) return convertError(value, walk);
  if (value instanceof RegExp) return String(value);
  if (value instanceof ArrayBuffer) return bytes(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) return bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  const toJson: unknown = Reflect.get(value, 'toJSON');
  if (typeof toJson === 'function') return convert(Reflect.apply(toJson, value, []), walk);
  return members(value, Object.keys(value), walk);
}

/** An array may say that it has billions of items. */
function convertItems(length: number, items: ArrayLike<unknown>, walk: Walk): unknown[] {
  const result: unknown[] = [];
  for (let i = 0; i < length && walk.values <= MAX_VALUES; i++) result.push(convertAt(i, items[i], walk) ?? null);
  return result;
}

function convertMap(map: ReadonlyMap<unknown, unknown>, walk: Walk): unknown {
  const pairs = [...map];
  if (!pairs.every(([key]) => typeof key === 'string')) return convertItems(pairs.length, pairs, walk);
  const result: Record<string, unknown> = {};
  for (const [key, item] of pairs) {
    if (walk.values > MAX_VALUES) break;
    put(result, String(key), convertAt(String(key), item, walk));
  }
  return result;
}

function convertError(error: Error, walk: Walk): unknown {
  const names = ['name', 'message', 'code', 'cause'].filter((name) => Reflect.get(error, name) !== undefined);
  return members(error, [...new Set([...names, ...Object.keys(error)])], walk);
}

function bytes(data: Uint8Array): object {
  const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  return { bytes: data.byteLength, base64 };
}

function members(value: object, names: readonly string[], walk: Walk): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const name of names) {
    if (walk.values > MAX_VALUES) break;
    put(result, name, convertMember(value, name, walk));
  }
  return result;
}

function convertMember(value: object, name: string, walk: Walk): unknown {
  let member: unknown;
  try {
    member = Reflect.get(value, name);
  } catch (error) {
    walk.places.add(fieldPath([...walk.steps, name]));
    return unreadable(error);
  }
  return convertAt(name, member, walk);
}

function put(result: Record<string, unknown>, key: string, value: unknown): void {
  if (value === undefined) return;
  // By assignment a member named __proto__ would be lost; for all others it is several times faster.
  if (key === '__proto__') {
    Object.defineProperty(result, key, { value, enumerable: true, configurable: true, writable: true });
  } else result[key.toWellFormed()] = value;
}

/** Also of an error that throws when it is looked at. */
function unreadable(error: unknown): string {
  let reason = 'no reason given';
  try {
    if (error instanceof Error && typeof error.message === 'string') reason = error.message.toWellFormed();
  } catch {
    // A proxy, thrown by a proxy.
  }
  return `[unreadable: ${reason}]`;
}
