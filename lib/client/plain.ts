/** What {@link plain} does not go deeper than: the server takes 32 levels, and `details` stands on the second one. */
const MAX_DEPTH = 28;

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
 * | a getter or `toJSON` that throws | `[unreadable: …]` |
 * | half of a surrogate pair | U+FFFD |
 *
 * @example
 * plain({ n: 10n, at: new Date(0), tags: new Set(['a']) }); // { n: '10', at: '1970-01-01T00:00:00.000Z', tags: ['a'] }
 */
export function plain(value: unknown): unknown {
  return convert(value, []);
}

/** @param inside the objects that the value stands in, outermost first */
function convert(value: unknown, inside: readonly object[]): unknown {
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
      return value === null ? null : convertObject(value, inside);
    default:
      return value;
  }
}

function convertObject(value: object, inside: readonly object[]): unknown {
  if (inside.includes(value)) return '[circular]';
  if (inside.length >= MAX_DEPTH) return '[too deep]';
  try {
    return convertReadable(value, [...inside, value]);
  } catch (error) {
    return unreadable(error);
  }
}

function convertReadable(value: object, inside: readonly object[]): unknown {
  // Most objects are plain ones: they are not asked what else they might be.
  if (Object.getPrototypeOf(value) === Object.prototype && !('toJSON' in value)) {
    return members(value, Object.keys(value), inside);
  }
  if (Array.isArray(value)) return Array.from(value, (item: unknown) => convert(item, inside) ?? null);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Map) return convertMap(value, inside);
  if (value instanceof Set) return Array.from(value, (item: unknown) => convert(item, inside) ?? null);
  if (value instanceof Error) return convertError(value, inside);
  if (value instanceof RegExp) return String(value);
  if (value instanceof ArrayBuffer) return bytes(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) return bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  const toJson: unknown = Reflect.get(value, 'toJSON');
  if (typeof toJson === 'function') return convert(Reflect.apply(toJson, value, []), inside);
  return members(value, Object.keys(value), inside);
}

function convertMap(map: ReadonlyMap<unknown, unknown>, inside: readonly object[]): unknown {
  const pairs = [...map];
  if (!pairs.every(([key]) => typeof key === 'string')) {
    return pairs.map((pair) => pair.map((one) => convert(one, inside) ?? null));
  }
  const result: Record<string, unknown> = {};
  for (const [key, item] of pairs) put(result, String(key), convert(item, inside));
  return result;
}

function convertError(error: Error, inside: readonly object[]): unknown {
  const names = ['name', 'message', 'code', 'cause'].filter((name) => Reflect.get(error, name) !== undefined);
  return members(error, [...new Set([...names, ...Object.keys(error)])], inside);
}

function bytes(data: Uint8Array): object {
  const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  return { bytes: data.byteLength, base64 };
}

function members(value: object, names: readonly string[], inside: readonly object[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const name of names) {
    try {
      put(result, name, convert(Reflect.get(value, name), inside));
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
