import { SealtrailError } from '../../log/error.ts';

/**
 * Asks for keys in URL encoding. As plain XML a key with a control character, which anybody who may put objects can make, breaks
 * the whole listing, and a carriage return reads as another character: a verifier would see nothing, or something else.
 */
export const LISTING = { EncodingType: 'url' } as const;

/**
 * Reads the keys of a listing.
 *
 * @param encoding what the answer says: `url`, or nothing where a store knows no encoding and keys are as they are
 * @param rootLength characters of the keys that are not the port's
 */
export function keyReader(encoding: string | undefined, rootLength: number): (key: string | undefined) => string {
  if (encoding !== LISTING.EncodingType) return (key = '') => key.slice(rootLength);
  return (key = '') => decode(key).slice(rootLength);
}

/** As HTML forms encode it: a space is a plus sign. */
function decode(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch (cause) {
    throw new SealtrailError('store_corrupt', `S3 lists a key that is not encoded: ${JSON.stringify(key)}`, { cause });
  }
}
