import { hash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { cosignaturesOf, parseCosigner } from '../../../lib/log/cosignature.ts';
import { parseNote } from '../../../lib/log/note.ts';
import { openWitness } from '../../../lib/witness/folder/open-witness.ts';
import { serveWitness } from '../../../lib/witness/folder/serve-witness.ts';
import { cli } from '../../cli/in-process.ts';
import { temporaryFolder } from '../../store/temporary.ts';
import { SubmittingLog } from '../submitting-log.ts';

const log = new SubmittingLog();

it('a witness in a folder answers over HTTP, and knows new logs at once', async () => {
  const dir = join(await temporaryFolder(), 'witness');
  const { witness, logsFile, close } = await openWitness(dir, 'w.example/1');
  const errors: unknown[] = [];
  const server = await serveWitness(witness, { onError: (error) => errors.push(error) });
  onTestFinished(async () => {
    await server.close();
    await close();
  });
  const post = (body: Uint8Array) => fetch(`${server.url}add-checkpoint`, { method: 'POST', body: Buffer.from(body) });
  expect((await post(log.body(0, 3))).status).toBe(404);
  await writeFile(logsFile, `${await readFile(logsFile, 'utf8')}vkey ${log.vkey}\n`);
  const first = await post(log.body(0, 3));
  expect([first.status, first.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
  const conflict = await post(log.body(0, 8));
  expect([conflict.status, conflict.headers.get('content-type'), await conflict.text()]).toEqual([
    409,
    'text/x.tlog.size',
    '3\n',
  ]);
  const shown = await fetch(`${server.url}${hash('sha256', log.origin, 'hex')}/checkpoint`);
  expect((await shown.text()).split('\n')[1]).toBe('3');
  const cosigners = (await (await fetch(server.url)).text()).trim().split('\n').map(parseCosigner);
  expect(cosigners.map(({ name, algorithm }) => [name, algorithm])).toEqual([
    ['w.example/1', 'ed25519'],
    ['w.example/1', 'ml-dsa-44'],
  ]);
  // Each key signs by itself: a policy may name either.
  const { text, signatures } = parseNote(
    await (await fetch(`${server.url}${hash('sha256', log.origin, 'hex')}/checkpoint`)).text(),
  );
  expect(cosignaturesOf(text, signatures, cosigners)).toHaveLength(2);
  expect((await post(Buffer.alloc(70_000))).status).toBe(413);
  expect((await fetch(`${server.url}add-checkpoint`)).status).toBe(405);
  expect((await fetch(`${server.url}sign-subtree`, { method: 'POST' })).status).toBe(405);
  expect((await fetch(`${server.url}x`)).status).toBe(404);
  expect(errors).toEqual([]);
  await writeFile(logsFile, 'nonsense');
  expect((await post(log.body(3, 8))).status).toBe(503);
  expect(errors).toMatchObject([{ code: 'malformed_key' }]);
});

it('is one process, with one key', async () => {
  const dir = await temporaryFolder();
  const first = await openWitness(dir, 'w.example/1');
  await expect(openWitness(dir, 'w.example/1')).rejects.toMatchObject({ code: 'in_use' });
  const { vkey } = await first.witness.cosigner();
  await first.close();
  const second = await openWitness(dir, 'w.example/1');
  expect((await second.witness.cosigner()).vkey).toBe(vkey);
  await second.close();
});

it('is started from the command line', async () => {
  const stop = new AbortController();
  const data = await temporaryFolder();
  const done = cli(['witness', '--data', data, '--name', 'w.example/1', '--port', '0'], {
    signal: stop.signal,
    onText: (text) => {
      if (text.includes('w.example/1+')) stop.abort();
    },
  });
  expect(await done).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^listening on http:\/\/127\.0\.0\.1:\d+\/\n(w\.example\/1\+[0-9a-f]{8}\+\S+\n){2}$/),
    stderr: expect.stringContaining(join(data, 'logs.txt')),
  });
});
