import { readFile } from 'node:fs/promises';
import { SealtrailError } from '../log/error.ts';
import type { SecretReference } from './settings.ts';

/** Rotated secrets are noticed after so long, in milliseconds. */
const KEPT_MS = 300_000;

/**
 * A secret that is read where it is kept, at first use and anew every five minutes. It is never part of an error or a log.
 *
 * @returns reads it; throws `unavailable` where it cannot be read, or is empty
 */
export function secretReader(reference: SecretReference): () => Promise<string> {
  let kept: { readonly secret: string; readonly until: number } | undefined;
  return async () => {
    if (kept !== undefined && Date.now() < kept.until) return kept.secret;
    const secret = (await read(reference)).trim();
    if (secret === '') throw new SealtrailError('unavailable', `the secret in ${placeOf(reference)} is empty`);
    // The platform's own error for such a header would quote it.
    if (!/^[\x20-\x7e]+$/.test(secret)) {
      throw new SealtrailError('unavailable', `the secret in ${placeOf(reference)} is not one line of ASCII`);
    }
    kept = { secret, until: Date.now() + KEPT_MS };
    return secret;
  };
}

async function read(reference: SecretReference): Promise<string> {
  if ('env' in reference) return process.env[reference.env] ?? '';
  try {
    if ('file' in reference) return await readFile(reference.file, 'utf8');
    // Loaded where it is needed: the client of Secrets Manager is large.
    const { fetchSecret } = await import('../store/streams/secret-store.ts');
    return await fetchSecret(reference.secretsManager);
  } catch (cause) {
    throw new SealtrailError('unavailable', `cannot read the secret in ${placeOf(reference)}`, { cause });
  }
}

const placeOf = (reference: SecretReference): string =>
  'env' in reference
    ? `the variable ${reference.env}`
    : 'file' in reference
      ? `the file ${reference.file}`
      : `Secrets Manager, ${reference.secretsManager}`;
