import { join } from 'node:path';
import { Archiver } from '../../lib/followers/archive/archiver.ts';
import { Ledger } from '../../lib/ledger/ledger.ts';
import { formatCheckpoint } from '../../lib/log/checkpoint.ts';
import { EMPTY_ROOT } from '../../lib/log/hash.ts';
import { formatNote, type Verifier, verifierFromSpki } from '../../lib/log/note.ts';
import { FolderObjects } from '../../lib/store/folder/objects.ts';
import type { SignatureAlgorithm, Signer } from '../../lib/store/ports.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { writeEmptyArchive } from '../followers/archive/empty-archive.ts';

export const LOG_NAME = 'outside.example';

/** A sealed archive of one trail, made by the ledger and the archiver as they run. */
export interface SealedArchive {
  /** The folder that outside tools take for a log: `<archive>/<trail>`. */
  readonly folder: string;
  /** The whole archive. */
  readonly root: string;
  readonly verifier: Verifier;
}

/**
 * @param size of the trail; 0 gives an archive that holds only a checkpoint
 * @param mlDsa a second key, of ML-DSA-44
 */
export async function sealedArchive(
  root: string,
  size: number,
  algorithm: SignatureAlgorithm,
  mlDsa?: Pick<Signer, 'publicKey' | 'sign'>,
): Promise<SealedArchive> {
  const trail = `size-${size}`;
  const objects = await FolderObjects.open(root);
  const signer = new MemorySigner(algorithm);
  const verifier = verifierFromSpki(`${LOG_NAME}/${trail}`, await signer.publicKey());
  if (size === 0) {
    const text = formatCheckpoint({ origin: verifier.name, size, root: EMPTY_ROOT });
    const signature = await signer.sign(Buffer.from(text));
    await writeEmptyArchive(objects, trail, formatNote(text, [{ ...verifier, signature }]));
  } else {
    const table = new MemoryTable();
    const ledger = new Ledger({ table, signers: [signer], logName: LOG_NAME });
    for (let from = 0; from < size; from += 1000) {
      const events = Array.from({ length: Math.min(1000, size - from) }, (_, n) => event(from + n));
      await ledger.append({ trail, submitter: 'outside', events });
    }
    await new Archiver({ objects, table, ledger, ...(mlDsa && { mlDsa }) }).seal(trail);
    await ledger.close();
  }
  await objects.close();
  return { folder: join(root, trail), root, verifier };
}

function event(n: number): { id: string; json: string } {
  const id = `e-${n}`;
  return { id, json: JSON.stringify({ actor: { id: `user-${n % 97}` }, id, severity: 'info', type: 'data.read' }) };
}
