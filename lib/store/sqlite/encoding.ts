import { SealtrailError } from '../../log/error.ts';
import type { Attribute } from '../ports.ts';

/** An item's attributes, as stored in two columns. */
export interface EncodedAttributes {
  /** A JSON object. Strings and numbers stand for themselves, bytes as `[offset, length]` into the other column. */
  readonly json: string;
  /** The bytes of all byte attributes; null if there are none. */
  readonly bytes: Uint8Array | null;
}

/**
 * Encodes attributes without loss. JSON keeps integers up to 2^53 - 1 and every string. Most large items have a single byte
 * attribute, which is passed to SQLite and back without a copy.
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
  // fromEntries defines properties, so an attribute named __proto__ is an ordinary one.
  return { json: JSON.stringify(Object.fromEntries(entries)), bytes };
}

/**
 * Decodes the output of {@link encodeAttributes}. Byte attributes own their memory.
 *
 * @throws SealtrailError `store_corrupt` if the columns are invalid.
 */
export function decodeAttributes(json: string, bytes: Uint8Array | null): Record<string, Attribute> {
  const attributes = parse(json);
  for (const name of Object.keys(attributes)) {
    const value = attributes[name];
    // A property named __proto__ is the object's own by now, so assigning it is safe.
    if (typeof value === 'object') attributes[name] = bytesAt(value, bytes);
    else if (typeof value !== 'string' && typeof value !== 'number') throw notThere();
  }
  return attributes as Record<string, Attribute>; // The loop has checked every value.
}

function bytesAt(place: unknown, bytes: Uint8Array | null): Uint8Array {
  const [offset, length] = Array.isArray(place) ? place : [];
  const isPlace = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (bytes === null || !isPlace || offset + length > bytes.byteLength) {
    throw notThere();
  }
  return length === bytes.byteLength ? bytes : bytes.slice(offset, offset + length);
}

const notThere = (): SealtrailError =>
  new SealtrailError('store_corrupt', 'an item has an attribute without its value');

function parse(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new SealtrailError('store_corrupt', "an item's attributes are not JSON", { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>; // JSON
  throw new SealtrailError('store_corrupt', "an item's attributes are not an object");
}
