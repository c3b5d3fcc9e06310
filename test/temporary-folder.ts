import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Gives a run of tests a folder of its own for whatever is temporary (`os.tmpdir` goes by `TMPDIR`, in the workers and in what they
 * start), and removes it at the end: the CDK leaves a folder for each synthesis, and so does a process that a test kills.
 * The processes that tests start share what Node compiled of our sources there: they then start twice as fast.
 */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-tests-'));
  chmodSync(folder, 0o755); // some tests go on as another user, who has to get to what is in it
  process.env.TMPDIR = folder;
  process.env.NODE_COMPILE_CACHE = join(folder, 'compiled');
  return () => rmSync(folder, { recursive: true, force: true });
}
