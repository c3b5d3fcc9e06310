import type { RetiredKey } from '../../keys/retired-key.ts';
import { pemName, vkeyName } from '../../log/archive.ts';
import { openCheckpoint } from '../../log/checkpoint.ts';
import { type Cosigner, spkiOf } from '../../log/cosignature.ts';
import { SealtrailError } from '../../log/error.ts';
import { sameBytes } from '../../log/hash.ts';
import { parseNote, parseVkey, pemOf, type Verifier, verifierFromPem, verifierFromSpki } from '../../log/note.ts';
import type { Objects, Retention } from '../../store/ports.ts';
import type { SignedCheckpoint } from './archive-state.ts';
import { putOnce } from './archive-writer.ts';

/** A key's ID as the archive names it: 8 hex digits, lower case (C2SP signed-note, Verifier keys). */
export const keyIdOf = ({ keyId }: Pick<Verifier, 'keyId'>): string => keyId.toString(16).padStart(8, '0');

/**
 * Puts a public key at the archive's root, as a vkey line and as PEM. A reader of the archive finds it there; whether to
 * trust it he has to learn elsewhere.
 *
 * @throws `object_differs` when another key stands there: an alarm, or two keys that share the 32 bits of an ID
 */
export async function putKey(objects: Objects, verifier: Verifier, retention: Retention | undefined): Promise<void> {
  const id = keyIdOf(verifier);
  await putOnce(objects, pemName(id), Buffer.from(pemOf(verifier)), retention);
  try {
    await putOnce(objects, vkeyName(id), Buffer.from(`${verifier.vkey}\n`), retention);
  } catch (error) {
    if (!(error instanceof SealtrailError) || error.code !== 'object_differs') throw error;
    const stored = await objects.get(vkeyName(id));
    if (stored === undefined || !isSameKey(stored, verifier)) throw error;
  }
}

/** Puts the ML-DSA-44 key of a trail at the archive's root, like {@link putKey}. @throws `object_differs` */
export async function putMlDsaKey(
  objects: Objects,
  cosigner: Cosigner,
  retention: Retention | undefined,
): Promise<void> {
  const id = keyIdOf(cosigner);
  await putOnce(objects, pemName(id), Buffer.from(pemOf({ spki: spkiOf(cosigner) })), retention);
  await putOnce(objects, vkeyName(id), Buffer.from(`${cosigner.vkey}\n`), retention);
}

/**
 * True if a stored vkey is the same key under the name of another trail: the ID of an ECDSA key does not depend on its
 * name (C2SP signed-note, Signature types, 0x02), so all trails share one, and the first trail's name stands in it.
 */
function isSameKey(stored: Uint8Array, verifier: Verifier): boolean {
  try {
    const { algorithm, keyId, spki } = parseVkey(Buffer.from(stored).toString().trimEnd());
    return algorithm === verifier.algorithm && keyId === verifier.keyId && sameBytes(spki, verifier.spki);
  } catch {
    return false; // not a vkey at all
  }
}

/**
 * The keys that may have signed a checkpoint and have to be in the archive with it: those that sign now and those of its
 * signatures that are neither of them nor archived, of keys that have been retired since. There are such when a key is
 * retired before the archive has come up to what it had signed, alone or with its successor.
 *
 * @param retired asked only where it matters
 */
export async function readSignatories(
  trail: string,
  current: readonly Verifier[],
  archived: readonly string[],
  { size, note }: SignedCheckpoint,
  retired: () => Promise<readonly RetiredKey[]>,
): Promise<readonly Verifier[]> {
  const known = new Set([...current.map(({ keyId }) => keyId), ...archived.map((id) => Number.parseInt(id, 16))]);
  const missing = new Set(keyIdsIn(note).filter((id) => !known.has(id)));
  if (missing.size === 0) return current;
  const ended = (await retired()).filter(({ ends }) => size <= (ends[trail] ?? 0));
  const origin = current[0]?.name ?? '';
  const signed = ended.map(({ spki }) => verifierFromSpki(origin, spki)).filter(({ keyId }) => missing.has(keyId));
  return [...current, ...signed];
}

function keyIdsIn(note: string): readonly number[] {
  try {
    return parseNote(note).signatures.map(({ keyId }) => keyId);
  } catch {
    return []; // no note: assertSignature says so
  }
}

/**
 * Checks the signature of a checkpoint that is about to be archived, against the keys that sign now and, where those
 * have replaced others since, against the keys that signed what is archived.
 *
 * @param current its {@link readSignatories}, at least one, named like the checkpoint's origin
 * @param archived key IDs of public keys in the archive
 * @throws `store_corrupt` unless one of them has signed it
 */
export async function assertSignature(
  objects: Objects,
  current: readonly Verifier[],
  archived: readonly string[],
  { size, note }: SignedCheckpoint,
): Promise<void> {
  const origin = current[0]?.name ?? '';
  const verifiers = [...current];
  for (const id of archived.filter((known) => !current.some((verifier) => keyIdOf(verifier) === known))) {
    const pem = await objects.get(pemName(id));
    if (pem !== undefined) verifiers.push(verifierFromPem(origin, Buffer.from(pem).toString()));
  }
  try {
    openCheckpoint(note, origin, verifiers);
  } catch (cause) {
    const message = `the checkpoint of ${origin} at size ${size} is not signed by a key of the log`;
    throw new SealtrailError('store_corrupt', message, { cause });
  }
}
