import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../store/temporary.ts';

const CLIENT = pathToFileURL(join(import.meta.dirname, '../../../lib/client/index.ts')).href;

/** A program that logs to a slow sink of its own, through a file, and never closes its logger. */
async function run(rest: string): Promise<{ end: unknown[]; ids: string[] }> {
  const dir = await temporaryFolder();
  const code = `
    import { createAuditLogger, FileSink } from ${JSON.stringify(CLIENT)};
    const file = new FileSink({ dir: ${JSON.stringify(dir)} });
    const held = [];
    const late = {
      name: 'late',
      write: (entry) => void held.push(entry),
      flush: async () => undefined,
      close: async () => {
        for (const entry of held) file.write(entry);
        await file.close();
      },
    };
    const audit = createAuditLogger({ sinks: [late], closeOnExit: true });
    audit.log({ type: 'a.b', id: 'one' });
    ${rest}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' });
  const end = await once(child, 'exit');
  const files = await readdir(dir);
  const texts = await Promise.all(files.map((file) => readFile(join(dir, file), 'utf8')));
  const lines = texts.join('').split('\n').filter(Boolean);
  return { end, ids: lines.map((line) => JSON.parse(line).id) };
}

describe('a logger that closes on exit', () => {
  it('does when the process has nothing left to do', async () => {
    expect(await run('')).toEqual({ end: [0, null], ids: ['one'] });
  });

  it('does on SIGTERM, which then ends the process as it would have', async () => {
    const rest = "setInterval(() => undefined, 1000); process.kill(process.pid, 'SIGTERM');";
    expect(await run(rest)).toEqual({ end: [null, 'SIGTERM'], ids: ['one'] });
  });

  it('leaves the end to others who listen for SIGTERM', async () => {
    const rest = `setInterval(() => undefined, 1000);
      process.on('SIGTERM', () => setTimeout(() => process.exit(7), 300)); process.kill(process.pid, 'SIGTERM');`;
    expect(await run(rest)).toEqual({ end: [7, null], ids: ['one'] });
  });
});
