/** What {@link plain} does not go deeper than: the server takes 32 levels, and `details` stands on the second one. */
const MAX_DEPTH = 28;
/** And how many values it looks at: an event has far fewer bytes, and a few objects that hold each other twice would never end. */
const MAX_VALUES = 100_000;
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
 * | all after the first 100,000 values | `[too many]` |
 * | a getter or `toJSON` that throws | `[unreadable: …]` |
 * | half of a surrogate pair | U+FFFD |
 *
 * @example
 * plain({ n: 10n, at: new Date(0), tags: new Set(['a']) }); // { n: '10', at: '1970-01-01T00:00:00.000Z', tags: ['a'] }
 */
export function plain(value: unknown): unknown {
  return convert(value, { inside: [], values: 0 });
}

/**
 * Whether {@link plain} would only copy the value, halves of surrogate pairs apart: then it can be made into JSON as it is.
 * Says no when in doubt. Every event is asked, so nothing is looked at that the JSON itself shows.
 *
 * @param depth of the value in what it belongs to
 */
export function isPlain(value: unknown, depth = 0): boolean {
  try {
    return isCopied(value, { inside: [], values: 0 }, depth);
  } catch {
    return false; // A getter or a proxy that throws: `plain` says so in its place.
  }
}

function isCopied(value: unknown, walk: Walk, depth: number): boolean {
  walk.values++;
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value);
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

function areCopied(value: Fields, walk: Walk, depth: number): boolean {
  if (value.toJSON !== undefined) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isCopied(value[i], walk, depth)) return false;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const name in value) if (!isCopied(value[name], walk, depth)) return false;
  return true;
}

/** Where a walk through a value is. */
interface Walk {
  /** The objects that it is inside of, outermost first. */
  readonly inside: object[];
  /** Seen so far. */
  values: number;
}

function convert(value: unknown, walk: Walk): unknown {
  if (++walk.values > MAX_VALUES) return '[too many]';
  switch (typeof value) {
    case 'string':
      return value.toWellFormed();
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return value.toString();
    case 'function':
      return `[function ${value.name}]`;
    case 'symbol':
      return value.toString();
    case 'object':
      return value === null ? null : convertObject(value, walk);
    default:
      return value;
  }
}

function convertObject(value: object, walk: Walk): unknown {
  if (walk.inside.includes(value)) return '[circular]';
  if (walk.inside.length >= MAX_DEPTH) return '[too deep]';
  walk.inside.push(value);
  try {
    return convertReadable(value, walk);
  } catch (error) {
    return unreadable(error);
  } finally {
    walk.inside.pop();
  }
}

function convertReadable(value: object, walk: Walk): unknown {
  // Most objects are plain ones: they are not asked what else they might be.
  if (Object.getPrototypeOf(value) === Object.prototype && !('toJSON' in value)) {
    return members(value, Object.keys(value), walk);
  }
  if (Array.isArray(value)) return Array.from(value, (item: unknown) => convert(item, walk) ?? null);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Map) return convertMap(value, walk);
  if (value instanceof Set) return Array.from(value, (item: unknown) => convert(item, walk) ?? null);
  if (value instanceof Error) return convertError(value, walk);
  if (value instanceof RegExp) return String(value);
  if (value instanceof ArrayBuffer) return bytes(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) return bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  const toJson: unknown = Reflect.get(value, 'toJSON');
  if (typeof toJson === 'function') return convert(Reflect.apply(toJson, value, []), walk);
  return members(value, Object.keys(value), walk);
}

function convertMap(map: ReadonlyMap<unknown, unknown>, walk: Walk): unknown {
  const pairs = [...map];
  if (!pairs.every(([key]) => typeof key === 'string')) {
    return pairs.map((pair) => pair.map((one) => convert(one, walk) ?? null));
  }
  const result: Record<string, unknown> = {};
  for (const [key, item] of pairs) put(result, String(key), convert(item, walk));
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
    try {
      put(result, name, convert(Reflect.get(value, name), walk));
    } catch (error) {
      put(result, name, unreadable(error));
    }
  }
  return result;
}

function put(result: Record<string, unknown>, key: string, value: unknown): void {
  if (value === undefined) return;
  // By assignment a member named __proto__ would be lost; for all others it is several times faster.
  if (key === '__proto__') {
    Object.defineProperty(result, key, { value, enumerable: true, configurable: true, writable: true });
  } else result[key.toWellFormed()] = value;
}

function unreadable(error: unknown): string {
  const reason = error instanceof Error && typeof error.message === 'string' ? error.message : 'no reason given';
  return `[unreadable: ${reason.toWellFormed()}]`;
}
