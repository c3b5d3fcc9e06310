import { readFile } from 'node:fs/promises';
import { defined } from '../../base/defined.ts';
import type { Trust } from '../../client/event/receipt.ts';
import type { SignedHttp } from '../../client/http/http.ts';
import { fetchKeys, type NamedKey } from '../../client/read/log-view.ts';
import { fromUtf8 } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { type Policy, parsePolicy } from '../../log/policy.ts';
import { fingerprintOf, keysOfCheckpoint, parseTrustedKeys, type TrustedKeys } from '../../verify/evidence/trust.ts';

/** Reads the user's trusted keys from a file of vkeys or PEM. @throws `usage`, `malformed_key` */
export async function readTrust(file: string): Promise<TrustedKeys> {
  return parseTrustedKeys(await readText(file, 'the key file'));
}

/** Reads the user's policy of witnesses (C2SP tlog-policy). @throws `usage`, `malformed_policy` */
export async function readPolicy(file: string): Promise<Policy> {
  return parsePolicy(await readBytes(file, 'the policy'));
}

/** The keys that verify a server's responses, and their source. */
export interface LogKeys {
  readonly source: 'file' | 'server';
  readonly keys: TrustedKeys;
  /** The same, for checking responses. */
  readonly trust: Trust;
  /** SHA-256 of each key in hex. */
  readonly fingerprints: readonly string[];
}

/** The keys of the user's file; without one, the server's own keys, which are trusted for this call only. */
export async function logKeys(http: SignedHttp, trail: string, file: string | undefined): Promise<LogKeys> {
  const keys = file === undefined ? trustedAsNamed(await fetchKeys(http, [trail])) : await readTrust(file);
  const fingerprints = [...new Set(keys.map(({ spki }) => fingerprintOf(spki)))];
  const trust: Trust = (origin, size) => keysOfCheckpoint(keys, origin, size);
  return { source: file === undefined ? 'server' : 'file', keys, trust, fingerprints };
}

/** Trusts the server's keys for the trails that it names, and a retired key up to its end. */
function trustedAsNamed(keys: readonly NamedKey[]): TrustedKeys {
  return keys.map(({ verifier: { name, spki }, to }) => ({ name, spki, ...defined({ to }) }));
}

/** Reads a file of the user's as strict UTF-8. @throws `usage`, saying what cannot be read and why */
export async function readText(file: string, what: string): Promise<string> {
  return fromUtf8(await readBytes(file, what), 'usage', `${what} ${file}`);
}

/** Reads a file of the user's. @throws as {@link readText} */
export async function readBytes(file: string, what: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    const why =
      { ENOENT: 'there is no such file', EISDIR: 'it is a folder', EACCES: 'it may not be read' }[reason] ?? reason;
    throw new SealtrailError('usage', `cannot read ${what} ${file}: ${why}`, { cause });
  }
}
