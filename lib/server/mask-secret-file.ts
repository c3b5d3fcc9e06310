import { join } from 'node:path';
import { maskSecret, restoreMaskSecret } from '../ledger/items/deployment-secret.ts';
import { fromBase64, toBase64 } from '../log/encoding.ts';
import { SealtrailError } from '../log/error.ts';
import { replaceFile } from '../store/durable-file.ts';
import type { Table } from '../store/ports.ts';
import { readSecrets } from './data-folder.ts';

/**
 * Keeps the secret of the tags in masked addresses in a file beside the database, and puts it back where the database has lost it:
 * with another one no one would be found any more under what records name them.
 *
 * @throws `invalid_parameter` where the file holds none, or others can read it; the Table's errors
 */
export async function keepMaskSecret(dir: string, table: Table): Promise<void> {
  const file = join(dir, 'mask-secret');
  const text = await readSecrets(file);
  if (text !== undefined) return restoreMaskSecret(table, parse(file, text));
  try {
    await replaceFile(file, Buffer.from(`${toBase64(await maskSecret(table))}\n`), 0o600);
  } catch (error) {
    // An unreadable one in the database is reported where masks are made.
    if (!(error instanceof SealtrailError) || error.code !== 'store_corrupt') throw error;
  }
}

function parse(file: string, text: string): Uint8Array {
  const message = `${file} holds no secret: put it back from a backup, or remove it if the database has one`;
  const secret = fromBase64(text.trim(), 'invalid_parameter', `the secret in ${file}`);
  if (secret.length !== 32) throw new SealtrailError('invalid_parameter', message);
  return secret;
}
