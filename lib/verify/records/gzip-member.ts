import { crc32, createInflateRaw } from 'node:zlib';
import { sameBytes } from '../../log/hash.ts';

/**
 * RFC 1952 section 2.3: magic, method 8 (deflate), no flags, no modification time, no extra flags, Unix. Nothing in a
 * header is covered by the checksum, so the archive fixes it to the bit.
 */
const HEADER = Buffer.from([0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3]);
/** RFC 1952 section 2.3: CRC-32 and length modulo 2^32 of the content, little-endian. */
const TRAILER_BYTES = 8;
/** Some 400 records at a time: the cost of a turn through the event loop is spread, and memory stays small. */
const CHUNK_BYTES = 256 * 1024;

/** An error in a gzip member. */
export interface GzipFlaw {
  readonly kind: 'malformed_segment' | 'trailing_bytes' | 'too_large';
  readonly message: string;
}

/**
 * Unpacks bytes that must be exactly one gzip member (RFC 1952) as the archive writes it: a fixed header, the right
 * checksum and length, nothing behind. The content comes in chunks, so that a bomb costs no memory.
 *
 * @param most bytes that the content may have; unpacking stops there
 * @returns (as the generator's return value) the first flaw; chunks before it have been yielded all the same
 */
export async function* unpackMember(member: Uint8Array, most: number): AsyncGenerator<Buffer, GzipFlaw | undefined> {
  if (member.length < HEADER.length + TRAILER_BYTES) return malformed(`${member.length} bytes are no gzip file`);
  if (!sameBytes(member.subarray(0, HEADER.length), HEADER)) {
    return malformed('it does not begin with the gzip header that the archive writes');
  }
  const body = member.subarray(HEADER.length);
  const inflate = createInflateRaw({ chunkSize: CHUNK_BYTES });
  let length = 0;
  let checksum = 0;
  try {
    inflate.end(body);
    for await (const chunk of inflate) {
      const bytes: Buffer = chunk; // the stream is in binary mode
      length += bytes.length;
      if (length > most) return { kind: 'too_large', message: `it unpacks to more than ${most} bytes` };
      checksum = crc32(bytes, checksum);
      yield bytes;
    }
  } catch (error) {
    return malformed(`it does not unpack: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    inflate.destroy();
  }
  return checkEnd(body, inflate.bytesWritten, length, checksum);
}

/** @param packed bytes of the body that deflate took */
function checkEnd(body: Uint8Array, packed: number, length: number, checksum: number): GzipFlaw | undefined {
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  if (!sameBytes(body.subarray(packed, packed + TRAILER_BYTES), trailer)) {
    return malformed('its content does not have the checksum and length that it ends with');
  }
  const behind = body.length - packed - TRAILER_BYTES;
  if (behind > 0) return { kind: 'trailing_bytes', message: `${behind} bytes stand behind the end of the gzip data` };
  return undefined;
}

const malformed = (message: string): GzipFlaw => ({ kind: 'malformed_segment', message });
