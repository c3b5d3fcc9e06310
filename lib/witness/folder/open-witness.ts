import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SealtrailError } from '../../log/error.ts';
import { replaceFile } from '../../store/durable-file.ts';
import { openMlDsaKey } from '../../store/keyfile/ml-dsa-key.ts';
import { KeyFileSigner } from '../../store/keyfile/signer.ts';
import { SqliteTable } from '../../store/sqlite/table.ts';
import { LOG_LIST_HEADER, type LogKeys, parseLogList } from '../log-list.ts';
import { Witness } from '../witness.ts';

/** A witness in a folder. */
export interface FolderWitness {
  readonly witness: Witness;
  /** Where the logs are named that it knows: see {@link parseLogList}. Read again whenever it has changed. */
  readonly logsFile: string;
  /** Releases the folder. Idempotent. */
  close(): Promise<void>;
}

const NO_LOGS = `${LOG_LIST_HEADER}

# The logs that this witness knows, each as a line
#   vkey <vkey of the trail _heads>
# "sealtrail keys" prints it. Changes count at once.
`;

/**
 * Opens a witness's folder, which is made if it is not there: `witness.db` holds what it cosigned, `witness-key.pem` and
 * `witness-key-ml-dsa.pem` its keys,
 * `logs.txt` the logs that it knows.
 *
 * @param name of its key, such as `witness.example.com/w1`. The same every time: policies know the witness by it
 * @throws `in_use` when another process has it open; `malformed_key` naming the line of `logs.txt` that is not right;
 *   what the drivers throw
 */
export async function openWitness(dir: string, name: string): Promise<FolderWitness> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const table = await SqliteTable.open(join(dir, 'witness.db'));
  try {
    const signer = await openKey(join(dir, 'witness-key.pem'));
    const logsFile = join(dir, 'logs.txt');
    if (!(await exists(logsFile))) await replaceFile(logsFile, Buffer.from(NO_LOGS), 0o644);
    const logs = listReader(logsFile);
    await logs();
    const second = await openMlDsaKey(join(dir, 'witness-key-ml-dsa.pem'));
    const witness = new Witness({ table, signer, name, logs, ...(second && { second }) });
    await witness.cosigners();
    return { witness, logsFile, close: () => table.close() };
  } catch (error) {
    await table.close();
    throw error;
  }
}

const openKey = async (file: string): Promise<KeyFileSigner> =>
  (await exists(file)) ? KeyFileSigner.open(file) : KeyFileSigner.create(file, 'ed25519');

/** Reads a list anew only when its file has changed. */
function listReader(file: string): () => Promise<LogKeys> {
  let known: { readonly stamp: string; readonly logs: LogKeys } | undefined;
  return async () => {
    const { mtimeMs, size, ino } = await stat(file).catch((cause) => {
      throw new SealtrailError('unavailable', `cannot read ${file}`, { cause });
    });
    const stamp = `${mtimeMs} ${size} ${ino}`;
    if (known?.stamp !== stamp) known = { stamp, logs: parseLogList(await readFile(file, 'utf8')) };
    return known.logs;
  };
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return false;
      throw new SealtrailError('unavailable', `cannot read ${file}`, { cause });
    },
  );
