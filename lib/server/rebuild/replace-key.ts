import type { RetiredKey } from '../../keys/retired-key.ts';
import { SealtrailError } from '../../log/error.ts';
import { sameBytes } from '../../log/hash.ts';
import { verifierFromSpki } from '../../log/note.ts';
import type { Standing } from '../../rebuild/standing.ts';
import { KeyFileSigner } from '../../store/keyfile/signer.ts';
import { type DataFolder, nextKeyFile, readRetiredKeys, replaceSigningKey, writeRetiredKeys } from '../data-folder.ts';

/** A key that took the place of another one. */
export interface KeyChange {
  /** The new key. */
  readonly spki: Uint8Array;
  /** All keys that sign no more. */
  readonly retired: readonly RetiredKey[];
  /** Lines of a trust file: of the former key up to its end in each trail, and of the new one from there. */
  readonly trust: readonly string[];
}

/**
 * Puts a new signing key in the place of the former one, which signs no more: what it signed beyond the archive is not known, and it
 * must not sign anything else of those sizes. A crash leaves the former key, or the new one.
 *
 * @throws `in_use` where two keys sign
 */
export async function replaceKey(folder: DataFolder, standings: readonly Standing[]): Promise<KeyChange> {
  const { dir, config, signers } = folder;
  const [former] = signers;
  if (former === undefined || signers.length > 1) {
    const message = `two keys sign: move ${nextKeyFile(dir)} away first. Whatever it signed has the other key's signature, too`;
    throw new SealtrailError('in_use', message);
  }
  const spki = await former.publicKey();
  const ends = Object.fromEntries(
    standings.flatMap(({ trail, signed }) => (signed === 0 ? [] : [[trail, signed] as const])),
  );
  const before = (await readRetiredKeys(dir)).filter((key) => !sameBytes(key.spki, spki));
  const retired = [...before, { spki, ends }];
  const next = await KeyFileSigner.create(nextKeyFile(dir), former.algorithm);
  const made = await next.publicKey();
  await writeRetiredKeys(dir, retired);
  await replaceSigningKey(dir);
  const trust = Object.entries(ends).flatMap(([trail, size]) => {
    const name = `${config.logName}/${trail}`;
    return [`${verifierFromSpki(name, spki).vkey} to=${size}`, `${verifierFromSpki(name, made).vkey} from=${size + 1}`];
  });
  return { spki: made, retired, trust };
}
