import { createHmac, timingSafeEqual } from 'node:crypto';
import { SealtrailError } from '../../log/error.ts';
import { checkObjectKey, contentDisposition } from '../object-key.ts';
import type { LinkedFile } from '../ports.ts';

/** Longer than any token made here. */
const MAX_TOKEN = 2048;

/** A token's grant: the file, its name and type, and when it expires (Unix milliseconds). */
type Grant = readonly [key: string, fileName: string, mediaType: string, until: number];

/**
 * Tokens of links to downloads. A token is its grant in JSON, then HMAC-SHA-256(secret, "sealtrail download" 0x00 JSON),
 * both in base64url without padding (RFC 4648 section 5), with a dot between them. Without the secret, a token can
 * be neither made nor extended.
 */
export class DownloadTokens {
  readonly #secret: Uint8Array;
  readonly #now: () => number;

  /** @param secret at least 16 bytes, kept across restarts */
  constructor(secret: Uint8Array, now: () => number) {
    if (secret.length < 16) throw new RangeError(`a secret of links has at least 16 bytes, not ${secret.length}`);
    this.#secret = secret;
    this.#now = now;
  }

  make(key: string, { fileName, mediaType, seconds }: LinkedFile): string {
    checkObjectKey(key);
    contentDisposition(fileName);
    const grant: Grant = [key, fileName, mediaType, this.#now() + seconds * 1000];
    const payload = Buffer.from(JSON.stringify(grant));
    return `${payload.toString('base64url')}.${this.#mac(payload).toString('base64url')}`;
  }

  /** @throws `forbidden` for a token that is not from here or has expired */
  read(token: string): { readonly key: string; readonly fileName: string; readonly mediaType: string } {
    const [encoded = '', mac = '', ...more] = token.slice(0, MAX_TOKEN).split('.');
    const payload = Buffer.from(encoded, 'base64url');
    const given = Buffer.from(mac, 'base64url');
    const expected = this.#mac(payload);
    const isValid = given.length === expected.length && timingSafeEqual(given, expected);
    // Base64url can encode the same bytes in several ways; only the canonical one is accepted.
    const isCanonical = `${payload.toString('base64url')}.${given.toString('base64url')}` === token;
    if (!isValid || !isCanonical || more.length > 0) throw refused();
    const [key, fileName, mediaType, until]: Grant = JSON.parse(payload.toString()); // written here: its MAC is valid
    if (this.#now() >= until) throw refused();
    return { key, fileName, mediaType };
  }

  #mac(payload: Uint8Array): Buffer {
    return createHmac('sha256', this.#secret).update('sealtrail download\0').update(payload).digest();
  }
}

const refused = (): SealtrailError =>
  new SealtrailError(
    'forbidden',
    'this link is not from this server, or it has expired: look at the export for a new one',
  );
