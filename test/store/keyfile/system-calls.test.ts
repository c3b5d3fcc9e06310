import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { KeyFileSigner } from '../../../lib/store/keyfile/signer.ts';
import { run } from '../system-calls.ts';
import { temporaryFolder } from '../temporary.ts';

// Imported in the factory, which runs before the imports above are there.
vi.mock('node:fs/promises', async (importOriginal) =>
  (await import('../system-calls.ts')).recorded(await importOriginal()),
);

it('has the key on disk before its name, and the name before the answer', async () => {
  const folder = await temporaryFolder();
  const { told, calls } = await run(() => KeyFileSigner.create(join(folder, 'key.pem'), 'ed25519'));
  expect(told).toBe('ok');
  expect(calls).toEqual([
    'open tmp',
    'write tmp',
    'sync tmp',
    'link tmp key.pem',
    expect.stringMatching(/^open sealtrail-/),
    expect.stringMatching(/^sync sealtrail-/),
    'unlink tmp',
  ]);
});

it('leaves a whole key or none, whichever system call fails', async () => {
  let failAt = 1;
  for (; ; failAt++) {
    const folder = await temporaryFolder();
    const file = join(folder, 'key.pem');
    const { told, calls } = await run(() => KeyFileSigner.create(file, 'ed25519'), failAt, 'ENOSPC');
    if (failAt > calls.length) break;
    expect(told).toBe('signer_unavailable');
    const left = (await readdir(folder)).filter((name) => name === 'key.pem');
    if (left.length === 0) await KeyFileSigner.create(file, 'ed25519');
    expect((await KeyFileSigner.open(file)).algorithm).toBe('ed25519');
  }
  expect(failAt).toBe(8);
});
