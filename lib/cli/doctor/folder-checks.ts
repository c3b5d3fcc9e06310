import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SealtrailError } from '../../log/error.ts';
import { FolderHealth } from '../../server/folder-health.ts';
import { fingerprintOf, parseTrustedKeys } from '../../verify/evidence/trust.ts';
import { bytes, plural } from '../output/terminal.ts';
import { type Check, check, ok, problem, unknown, warning } from './check.ts';

/** Below this many free bytes a full disk is near. */
const LOW_SPACE = 1_000_000_000;
/** Below this many, appends will soon be refused. */
const NO_SPACE = 100_000_000;
/** Files that only their owner may read. */
const SECRETS = ['credentials', 'signing-key.pem'] as const;

/** Checks a data folder without changing it: a server may have it open meanwhile. */
export async function checkFolder(dir: string): Promise<Check[]> {
  const health = new FolderHealth(dir);
  const folder = await check('folder', async () => {
    const mode = await health.mode();
    const advice = `chmod 700 ${dir}`;
    return (mode & 0o077) === 0
      ? ok(dir)
      : warning(`others on this machine can look into ${dir} (mode ${mode.toString(8)})`, advice);
  });
  if (folder.state === 'problem') return [folder];
  return [
    folder,
    await check('config.json', async () => ok(`the log is named ${await health.logName()}`)),
    await check('access', async () =>
      ok(`${plural(await health.principals(), 'principal')}, each with its credentials`),
    ),
    ...(await Promise.all(SECRETS.map((name) => checkSecret(health, dir, name)))),
    await check('signing key', () => checkKey(health, dir)),
    await check('database', async () => ok(bytes(await health.databaseBytes()))),
    await check('history', () => checkHistory(health)),
    await check('disk', async () => checkSpace(await health.freeBytes())),
  ];
}

function checkSecret(health: FolderHealth, dir: string, name: string): Promise<Check> {
  return check(name, async () => {
    const mode = await health.readMode(name);
    if ((mode & 0o077) === 0) return ok('only its owner can read it');
    return problem(`others can read it (mode ${mode.toString(8)})`, `chmod 600 ${join(dir, name)}`);
  });
}

/** The key must be one that the archive knows, once there is an archive. */
async function checkKey(health: FolderHealth, dir: string) {
  const { spki, retired } = await health.keys();
  const fingerprint = fingerprintOf(spki);
  const archived = await archivedFingerprints(join(dir, 'archive', 'keys'));
  if (archived.size > 0 && !archived.has(fingerprint)) {
    return warning(
      `the archive does not hold the public key ${fingerprint}`,
      'After a rotation the archive gets the new key with its next checkpoint. Otherwise the key file was replaced: restore it from a backup.',
    );
  }
  const before = retired === 0 ? '' : `, ${plural(retired, 'key')} retired before it`;
  return ok(`SHA-256 ${fingerprint}${before}`);
}

async function archivedFingerprints(folder: string): Promise<ReadonlySet<string>> {
  const names = await readdir(folder).catch(() => []);
  const keys = await Promise.all(
    names.filter((name) => name.endsWith('.pem')).map((name) => readFile(join(folder, name), 'utf8')),
  );
  return new Set(keys.flatMap((text) => parseTrustedKeys(text).map(({ spki }) => fingerprintOf(spki))));
}

/** The database must be as new as the archive beside it. */
async function checkHistory(health: FolderHealth) {
  try {
    const [first, ...more] = await health.conflicts();
    if (first === undefined) return ok('the database is as new as the archive');
    const others = more.length === 0 ? '' : `; ${plural(more.length, 'other trail')} too`;
    return problem(
      `${first}${others}`,
      'Put the newest copy of sealtrail.db back, with its sealtrail.db-wal. If there is none, see "sealtrail rebuild --help".',
    );
  } catch (error) {
    if (!(error instanceof SealtrailError) || error.code !== 'in_use') throw error;
    return unknown('a server has the database open: it compares it with the archive by itself');
  }
}

function checkSpace(free: number) {
  const message = `${bytes(free)} free`;
  if (free >= LOW_SPACE) return ok(message);
  const advice =
    'A full disk refuses appends and loses nothing. Make room, or move the folder while no server has it open.';
  return free < NO_SPACE ? problem(message, advice) : warning(message, advice);
}
