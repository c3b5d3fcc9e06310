import { SealtrailError } from '../../log/error.ts';

/**
 * Requests URL-encoded keys. In plain XML, a key with a control character, which anyone who may put objects can create,
 * breaks the whole listing, and a carriage return changes into another character.
 */
export const LISTING = { EncodingType: 'url' } as const;

/**
 * Makes a function that decodes the keys of a listing.
 *
 * @param encoding the response's encoding: `url`, or undefined if the store does not encode keys
 * @param rootLength length of the prefix to strip from the keys
 */
export function keyReader(encoding: string | undefined, rootLength: number): (key: string | undefined) => string {
  if (encoding !== LISTING.EncodingType) return (key = '') => key.slice(rootLength);
  return (key = '') => decode(key).slice(rootLength);
}

/** Decodes a key encoded as in HTML forms, where a plus sign is a space. */
function decode(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch (cause) {
    throw new SealtrailError('store_corrupt', `S3 lists a key that is not encoded: ${JSON.stringify(key)}`, { cause });
  }
}
