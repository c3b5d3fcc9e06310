import { createHash } from 'node:crypto';
import { canonicalJson } from '../json/canonical.ts';
import { SealtrailError } from '../log/error.ts';

/** Most bytes of JSON of one content that an event takes in; an event has 32,512 bytes for all its members. */
const MOST_BYTES = 12_000;

/**
 * SHA-256 of a JSON value's canonical form (RFC 8785), lower-case hex: the same for equal data, whoever wrote it. What has no
 * canonical form, such as a number beyond a double, is hashed as `JSON.stringify` writes it.
 *
 * @example contentDigest({ b: 1, a: 2 }); // as `jq -cS . | tr -d '\n' | sha256sum` prints it
 */
export function contentDigest(value: unknown): string {
  return createHash('sha256').update(textOf(value)).digest('hex');
}

function textOf(value: unknown): string {
  try {
    return canonicalJson(value);
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    return JSON.stringify(value) ?? 'null';
  }
}

/** A content for an event's details: as it is where it is small, else its size. Redaction is the logger's. */
export function contentFor(value: unknown): unknown {
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? '');
  return bytes <= MOST_BYTES ? value : { leftOut: `too large for an event: ${bytes} bytes of JSON` };
}
