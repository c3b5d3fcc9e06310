import { SealtrailError } from '../../log/error.ts';
import type { Attribute } from '../ports.ts';

/** The attributes of an item in the two columns that hold them. */
export interface EncodedAttributes {
  /** A JSON object. Strings and numbers stand for themselves, bytes as `[offset, length]` into the other column. */
  readonly json: string;
  /** The bytes of all byte attributes; null where there is none. */
  readonly bytes: Uint8Array | null;
}

/**
 * Encodes attributes without loss. JSON keeps integers up to 2^53 - 1 and every string; the one byte attribute that
 * most large items have goes to SQLite and back with no copy made here.
 */
export function encodeAttributes(attributes: Readonly<Record<string, Attribute>>): EncodedAttributes {
  const parts: Uint8Array[] = [];
  let length = 0;
  const entries = Object.entries(attributes).map(([name, value]): [string, unknown] => {
    if (typeof value !== 'object') return [name, value];
    parts.push(value);
    length += value.byteLength;
    return [name, [length - value.byteLength, value.byteLength]];
  });
  if (parts.length === 0) return { json: JSON.stringify(attributes), bytes: null };
  const [only] = parts;
  const bytes = parts.length === 1 && only ? only : Buffer.concat(parts, length);
  // fromEntries defines properties, so that an attribute named __proto__ is one like any other.
  return { json: JSON.stringify(Object.fromEntries(entries)), bytes };
}

/**
 * The attributes that were encoded. Bytes own their memory.
 *
 * @throws SealtrailError `store_corrupt` where the columns do not fit together.
 */
export function decodeAttributes(json: string, bytes: Uint8Array | null): Record<string, Attribute> {
  const parsed = parse(json);
  if (bytes === null) return parsed as Record<string, Attribute>; // No bytes, hence no place that refers to them.
  for (const [name, value] of Object.entries(parsed)) {
    if (typeof value !== 'object') continue;
    const [offset, length] = value;
    if (offset + length > bytes.byteLength) {
      throw new SealtrailError('store_corrupt', `an item's attribute ${JSON.stringify(name)} lacks its bytes`);
    }
    const whole = offset === 0 && length === bytes.byteLength;
    const own = whole ? bytes : bytes.slice(offset, offset + length);
    Object.defineProperty(parsed, name, { value: own, enumerable: true, configurable: true, writable: true });
  }
  return parsed as Record<string, Attribute>; // The loop has replaced every place.
}

type Parsed = Record<string, string | number | [offset: number, length: number]>;

function parse(json: string): Parsed {
  try {
    return JSON.parse(json) as Parsed; // What encodeAttributes wrote; the database file is trusted to be ours.
  } catch (cause) {
    throw new SealtrailError('store_corrupt', "an item's attributes are not JSON", { cause });
  }
}
