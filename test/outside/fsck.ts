import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Tessera's fsck, an outside judge of archives. It needs go. */
const FSCK = 'github.com/transparency-dev/tessera/cmd/fsck@v1.0.4';
/** What is built stays here between runs; git knows nothing of it. */
export const TOOLS = resolve(import.meta.dirname, '../../.venv/outside');

/** @returns the program's file */
export function installFsck(): string {
  mkdirSync(TOOLS, { recursive: true });
  const env = { ...process.env, GOBIN: TOOLS, GOFLAGS: '' };
  execFileSync('go', ['install', FSCK], { stdio: ['ignore', 'pipe', 'inherit'], env });
  return join(TOOLS, 'fsck');
}

/** What a command printed on both streams and how it ended; bounded in time, since fsck can hang on a damaged bundle. */
export function attempt(command: string, args: readonly string[]): { said: string; status: number | null } {
  const { stdout, stderr, status, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 });
  if (error !== undefined && !('code' in error && error.code === 'ETIMEDOUT')) throw error;
  return { said: `${stdout}${stderr}`, status };
}

/**
 * Whether fsck finds a trail's folder right. It exits with 0 whatever it finds: only its words count.
 *
 * @param folder `<archive>/<trail>`
 */
export function fsckAgrees(fsck: string, folder: string, vkey: string): { agrees: boolean; said: string } {
  const work = mkdtempSync(join(tmpdir(), 'sealtrail-fsck-'));
  try {
    const keyFile = join(work, 'vkey');
    writeFileSync(keyFile, vkey);
    const storage = `--storage_url=file://${folder}/`;
    const { said } = attempt(fsck, [storage, `--public_key=${keyFile}`, '--ui=false', '--N=16', '--logtostderr']);
    return { agrees: said.includes("Successfully fsck'd"), said };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
