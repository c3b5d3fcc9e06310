import { readFile } from 'node:fs/promises';
import type { SignedHttp } from '../client/http.ts';
import { fetchKeys } from '../client/log-view.ts';
import type { Trust } from '../client/receipt.ts';
import { fromUtf8 } from '../log/encoding.ts';
import { SealtrailError } from '../log/error.ts';
import type { Verifier } from '../log/note.ts';
import { fingerprintOf, keysOfTrail, parseTrustedKeys, type TrustedKeys } from '../verify/trust.ts';

/** The keys that a user trusts, from a file of vkeys or PEM. Errors: `usage`, `malformed_key`. */
export async function readTrust(file: string): Promise<TrustedKeys> {
  return parseTrustedKeys(await readText(file, 'the key file'));
}

/**
 * The keys that are trusted for a checkpoint of a trail.
 *
 * @param origin `<log name>/<trail>`
 * @param size the checkpoint's, in records: a retired key counts only for what it signed in its time
 * @throws `bad_signature` where there is none
 */
export function trustedFor(trust: TrustedKeys, origin: string, size: number): Verifier[] {
  const keys = keysOfTrail(trust, origin, trailOf(origin)).filter(({ from, to }) => from <= size && size <= to);
  if (keys.length === 0) {
    throw new SealtrailError('bad_signature', `no key in the key file is trusted for ${origin} at ${size} records`);
  }
  return keys.map((key) => key.verifier);
}

/** Which keys to trust for what a server sends, and where they came from. */
export interface LogKeys {
  readonly source: 'file' | 'server';
  readonly trust: Trust;
  /** SHA-256 of each key in hex. */
  readonly fingerprints: readonly string[];
}

/** The keys of the user's file; without one, those that the server itself names, which are trusted this once. */
export async function logKeys(http: SignedHttp, trail: string, file: string | undefined): Promise<LogKeys> {
  if (file === undefined) {
    const keys = await fetchKeys(http, [trail]);
    const trust: Trust = (origin) => keys.filter((key) => key.name === origin);
    return { source: 'server', trust, fingerprints: keys.map((key) => fingerprintOf(key.spki)) };
  }
  const keys = await readTrust(file);
  const fingerprints = [...new Set(keys.map((key) => fingerprintOf(key.spki)))];
  return { source: 'file', trust: (origin, size) => trustedFor(keys, origin, size), fingerprints };
}

/** `orders` of `audit.example.com/orders`. */
export function trailOf(origin: string): string {
  return origin.slice(origin.lastIndexOf('/') + 1);
}

/** A UTF-8 file of the user's, not repaired. Errors: `usage`, saying what cannot be read and why. */
export async function readText(file: string, what: string): Promise<string> {
  return fromUtf8(await readBytes(file, what), 'usage', `${what} ${file}`);
}

async function readBytes(file: string, what: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    const why =
      { ENOENT: 'there is no such file', EISDIR: 'it is a folder', EACCES: 'it may not be read' }[reason] ?? reason;
    throw new SealtrailError('usage', `cannot read ${what} ${file}: ${why}`, { cause });
  }
}
