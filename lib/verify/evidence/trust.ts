import { createHash } from 'node:crypto';
import { fromBase64, fromDecimal, toHex } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseVkey, type Verifier, verifierFromPem, verifierFromSpki } from '../../log/note.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';

/**
 * A public key and its scope of trust. A vkey carries the name `<log name>/<trail>` and so is trusted for that
 * trail, and for the log's own trails where nothing else is ({@link keysOfTrail}); a PEM carries no name and is trusted for all trails, whatever the log calls itself: compare the report's log
 * name with the one you expect, or give it.
 */
export interface TrustedKey {
  /** SubjectPublicKeyInfo in DER. */
  readonly spki: Uint8Array;
  /** The origin for which it is trusted; absent: any. */
  readonly name?: string;
  /** The trail for which it is trusted; absent: any. */
  readonly trail?: string;
  /** Checkpoint sizes for which it is trusted, both inclusive; absent: no bound. */
  readonly from?: number;
  readonly to?: number;
}

/** The keys that a verifier trusts. */
export type TrustedKeys = readonly TrustedKey[];

/** A trusted key under the name that it has in one trail. */
export interface TrailKey {
  readonly verifier: Verifier;
  readonly from: number;
  readonly to: number;
}

const PEM_BEGIN = '-----BEGIN PUBLIC KEY-----';
const PEM_END = '-----END PUBLIC KEY-----';

/**
 * Reads a key file: a vkey, a PEM, or a list of keys with the checkpoint sizes for which each is trusted:
 *
 * ```
 * # one key a line; from and to are checkpoint sizes, both inclusive
 * audit.example.com/orders+0f1e2d3c+AW9sZCBrZXk... to=120000
 * audit.example.com/orders+4b5a6978+AW5ldyBrZXk... from=118000
 * spki:MCowBQYDK2VwAyEA... trail=payments
 * trail=payments from=7        <- of the PEM that follows
 * -----BEGIN PUBLIC KEY-----
 * ...
 * ```
 *
 * @throws `malformed_key`, naming the line
 */
export function parseTrustedKeys(text: string): TrustedKeys {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const keys: TrustedKey[] = [];
  let pending: Omit<TrustedKey, 'spki'> | undefined;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line === '' || line.startsWith('#')) continue;
    const number = at + 1;
    if (line === PEM_BEGIN) {
      const end = lines.indexOf(PEM_END, at);
      if (end < 0) throw malformed(number, 'the PEM that begins here has no end');
      keys.push({ ...pending, spki: atLine(number, () => spkiOfPem(lines.slice(at, end + 1))) });
      pending = undefined;
      at = end;
      continue;
    }
    if (line.startsWith('-----')) throw malformed(number, `the PEM of a public key begins with ${PEM_BEGIN}`);
    if (pending !== undefined) throw malformed(number, 'after from=, to= and trail= alone on a line comes a PEM');
    const [first = '', ...rest] = line.split(/\s+/);
    if (/^(from|to|trail)=/.test(first)) pending = parseScope(number, [first, ...rest]);
    else keys.push({ ...parseScope(number, rest), ...atLine(number, () => parseKey(first)) });
  }
  if (pending !== undefined) throw malformed(lines.length, 'after from=, to= and trail= alone on a line comes a PEM');
  if (keys.length === 0) throw new SealtrailError('malformed_key', 'the key file holds no key');
  return keys;
}

function spkiOfPem(lines: readonly string[]): Uint8Array {
  return verifierFromPem('any', `${lines.join('\n')}\n`).spki;
}

function parseKey(text: string): TrustedKey {
  if (text.startsWith('spki:')) {
    const spki = fromBase64(text.slice('spki:'.length), 'malformed_key', 'the key');
    return { spki: verifierFromSpki('any', spki).spki };
  }
  const { name, spki } = parseVkey(text);
  return { name, spki };
}

function parseScope(number: number, words: readonly string[]): Omit<TrustedKey, 'spki'> {
  const scope: { trail?: string; from?: number; to?: number } = {};
  for (const word of words) {
    const [, name = '', value = ''] = /^(from|to|trail)=(.+)$/.exec(word) ?? [];
    if (name === 'trail') {
      if (!isTrailName(value) && !isSystemTrailName(value))
        throw malformed(number, 'trail= is not the name of a trail');
      scope.trail = value;
    } else if (name === 'from' || name === 'to') {
      scope[name] = atLine(number, () => fromDecimal(value, 'malformed_key', `${name}=`));
    } else throw malformed(number, 'after a key come from=<size>, to=<size> and trail=<name> only');
  }
  if ((scope.from ?? 0) > (scope.to ?? Number.POSITIVE_INFINITY)) throw malformed(number, 'from= is above to=');
  return scope;
}

function atLine<T>(number: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    throw malformed(number, error.message, error);
  }
}

const malformed = (line: number, message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('malformed_key', `line ${line} of the key file: ${message}`, { cause });

/** True if a text can be the name of a key, as an origin must (C2SP signed-note, Format). */
export const isKeyName = (text: string): boolean => text.isWellFormed() && /^[^\p{White_Space}\p{Cc}+]+$/u.test(text);

/**
 * The keys that are trusted for a trail, under the name that they have there; none for an origin that no key can have.
 *
 * Proofs about a trail rest on the log's own trails as well: `_index` states runs, `_system` exports, `_heads` heads.
 * One of them may begin after the keys were given, so where no key is for it, the log's keys of other trails are: those
 * of the same log name, without bounds, since sizes of one trail say nothing of another.
 */
export function keysOfTrail(trust: TrustedKeys, origin: string, trail: string): TrailKey[] {
  if (!isKeyName(origin)) return [];
  const own = trust.filter((key) => (key.name ?? origin) === origin && (key.trail ?? trail) === trail);
  return (own.length > 0 || !isSystemTrailName(trail) ? own : unboundedKeysOf(trust, logOf(origin))).map(
    ({ spki, from, to }) => ({
      verifier: verifierFromSpki(origin, spki),
      from: from ?? 0,
      to: to ?? Number.MAX_SAFE_INTEGER,
    }),
  );
}

/**
 * The keys that are trusted for one checkpoint: a retired key counts for what it signed in its time.
 *
 * @param origin `<log name>/<trail>`
 * @param size the checkpoint's, in records
 * @throws `bad_signature` where there is none
 */
export function keysOfCheckpoint(trust: TrustedKeys, origin: string, size: number): Verifier[] {
  const keys = keysOfTrail(trust, origin, trailOf(origin)).filter(({ from, to }) => from <= size && size <= to);
  if (keys.length === 0) {
    throw new SealtrailError('bad_signature', `no key that was given is trusted for ${origin} at ${size} records`);
  }
  return keys.map(({ verifier }) => verifier);
}

/** Keys whose names are of a log, and which nothing limits, each once. */
function unboundedKeysOf(trust: TrustedKeys, log: string): TrustedKey[] {
  const keys = trust.filter(
    ({ name, trail, from, to }) =>
      name?.includes('/') && logOf(name) === log && trail === undefined && from === undefined && to === undefined,
  );
  return [...new Map(keys.map((key) => [fingerprintOf(key.spki), key])).values()];
}

/** `orders` of `audit.example.com/orders`. */
export const trailOf = (origin: string): string => origin.slice(origin.lastIndexOf('/') + 1);

/** `audit.example.com` of `audit.example.com/orders`. */
const logOf = (origin: string): string => origin.slice(0, origin.lastIndexOf('/'));

/** The log name that the trusted vkeys agree on; undefined where there is none, or more than one. */
export function logNameOf(trust: TrustedKeys): string | undefined {
  const names = new Set(trust.flatMap(({ name }) => (name?.includes('/') ? [logOf(name)] : [])));
  const [only] = names;
  return names.size === 1 ? only : undefined;
}

/** SHA-256 of a key's SubjectPublicKeyInfo in lower-case hex: to compare with a fingerprint from elsewhere. */
export const fingerprintOf = (spki: Uint8Array): string => createHash('sha256').update(spki).digest('hex');

/** A key ID as notes, vkeys and the archive write it: 8 lower-case hex digits. */
export const keyIdText = (keyId: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(keyId);
  return toHex(bytes);
};
