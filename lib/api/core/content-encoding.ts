import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { MAX_BODY_BYTES } from '../../contract/event.ts';
import { SealtrailError } from '../../log/error.ts';

const inflate = promisify(gunzip);

/**
 * Decodes a body's `Content-Encoding`, which may be `gzip` or none.
 *
 * @throws `unsupported_media_type` for another coding, `invalid_json` if the body is not gzip, `batch_too_large` if it
 *   decodes to more than 5,000,000 bytes
 */
export async function decodeContent(sent: Uint8Array, encoding = 'identity'): Promise<Uint8Array> {
  const coding = encoding.trim().toLowerCase(); // RFC 9110 section 8.4.1: codings are case-insensitive
  if (coding === 'identity') return sent;
  if (coding !== 'gzip') {
    const message = 'send the body unencoded or with Content-Encoding: gzip';
    throw new SealtrailError('unsupported_media_type', message, { field: 'Content-Encoding' });
  }
  try {
    return await inflate(sent, { maxOutputLength: MAX_BODY_BYTES });
  } catch (cause) {
    if (cause instanceof RangeError) throw bodyTooLarge(); // Node's error for output beyond the limit
    throw new SealtrailError('invalid_json', 'the body is not gzip, though Content-Encoding says so', { cause });
  }
}

/** The error for a body that is too large. */
export const bodyTooLarge = (): SealtrailError =>
  new SealtrailError('batch_too_large', `a request has at most ${MAX_BODY_BYTES} bytes: send fewer events at a time`);
