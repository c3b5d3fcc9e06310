import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { toHex } from '../log/encoding.ts';
import { SealtrailError } from '../log/error.ts';
import { type Field, MESSAGES, type MessageName } from './messages.ts';

/** Messages within messages: a value of a log may hold lists of values. */
const MAX_DEPTH = 48;
/** Messages and values of one request: each takes at least two bytes there, and many times that in memory. */
const MAX_NODES = 400_000;

type Members = Record<string, unknown>;

/**
 * Reads a message of OTLP in protobuf, as what OTLP/JSON writes for it: ids in hex, 64-bit numbers as text. Unknown fields are
 * skipped. Time and memory are bounded by the number of bytes.
 *
 * @throws `invalid_json` for bytes that are no such message, or nest too deeply
 */
export function decodeMessage(bytes: Uint8Array, name: MessageName): Members {
  try {
    const reader = new BinaryReader(bytes);
    return new Decoder(reader).message(name, bytes.length, 0);
  } catch (cause) {
    if (cause instanceof SealtrailError) throw cause;
    throw new SealtrailError('invalid_json', `the body is no ${name} in protobuf`, { cause });
  }
}

class Decoder {
  readonly #reader: BinaryReader;
  #nodes = 0;

  constructor(reader: BinaryReader) {
    this.#reader = reader;
  }

  message(name: MessageName, end: number, depth: number): Members {
    if (depth > MAX_DEPTH) throw new SealtrailError('invalid_json', `the body nests deeper than ${MAX_DEPTH} levels`);
    const reader = this.#reader;
    if (end > reader.len) throw new RangeError('a message ends beyond the body');
    const fields = MESSAGES.get(name);
    const members: Members = {};
    while (reader.pos < end) {
      const [number, wire] = reader.tag();
      const field = fields?.get(number);
      if (field === undefined || wire !== wireTypeOf(field)) reader.skip(wire, number);
      else this.#add(members, field, depth);
    }
    if (reader.pos !== end) throw new RangeError('a field ends beyond its message');
    return members;
  }

  #add(members: Members, field: Field, depth: number): void {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES)
      throw new SealtrailError('batch_too_large', `a request has at most ${MAX_NODES} values`);
    const value = this.#value(field, depth);
    const list = members[field.name];
    if (!field.isList) members[field.name] = value;
    else if (Array.isArray(list)) list.push(value);
    else members[field.name] = [value];
  }

  #value({ type }: Field, depth: number): unknown {
    const reader = this.#reader;
    switch (type.is) {
      case 'message': {
        const length = reader.uint32();
        return this.message(type.of, reader.pos + length, depth + 1);
      }
      case 'hex':
        return toHex(reader.bytes());
      case 'bytes':
        return Buffer.from(reader.bytes()).toString('base64');
      case 'int64':
      case 'fixed64':
        return String(reader[type.is]());
      case 'double': {
        const value = reader.double();
        // As protobuf's JSON writes what JSON has no number for.
        return Number.isFinite(value) ? value : String(value);
      }
      default:
        return reader[type.is]();
    }
  }
}

function wireTypeOf({ type }: Field): WireType {
  switch (type.is) {
    case 'fixed64':
    case 'double':
      return WireType.Bit64;
    case 'fixed32':
      return WireType.Bit32;
    case 'bool':
    case 'int32':
    case 'uint32':
    case 'int64':
      return WireType.Varint;
    default:
      return WireType.LengthDelimited;
  }
}
