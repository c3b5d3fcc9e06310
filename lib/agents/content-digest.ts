import { createHash } from 'node:crypto';
import { canonicalJson } from '../json/canonical.ts';
import { SealtrailError } from '../log/error.ts';

/**
 * SHA-256 of a JSON value's canonical form (RFC 8785), lower-case hex: the same for equal data, no matter who wrote it. What has no
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
