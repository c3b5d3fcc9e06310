import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { MAX_BODY_BYTES } from '../../event/intake.ts';
import { SealtrailError } from '../../log/error.ts';

const inflate = promisify(gunzip);

/**
 * Undoes a body's `Content-Encoding`, which may be `gzip` or none.
 *
 * @throws `unsupported_media_type` for another coding, `invalid_json` for what is not gzip, `batch_too_large` when more
 *   than 5,000,000 bytes come out
 */
export async function decodeContent(sent: Uint8Array, encoding = 'identity'): Promise<Uint8Array> {
  const coding = encoding.trim().toLowerCase(); // RFC 9110 section 8.4.1: codings are case-insensitive
  if (coding === 'identity') return sent;
  if (coding !== 'gzip') {
    const message = 'a body may be sent as it is or with Content-Encoding: gzip';
    throw new SealtrailError('unsupported_media_type', message, { field: 'Content-Encoding' });
  }
  try {
    return await inflate(sent, { maxOutputLength: MAX_BODY_BYTES });
  } catch (cause) {
    if (cause instanceof RangeError) throw bodyTooLarge(); // node's way to say that the output is longer
    throw new SealtrailError('invalid_json', 'the body is not gzip, though Content-Encoding says so', { cause });
  }
}

/** What a body that is too large is refused with. */
export const bodyTooLarge = (): SealtrailError =>
  new SealtrailError('batch_too_large', `a request has at most ${MAX_BODY_BYTES} bytes: send fewer events at a time`);
