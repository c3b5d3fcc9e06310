import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { KeyFileSigner } from '../../../lib/store/keyfile/signer.ts';
import { signerContract } from '../../../lib/testing/contracts/signer.ts';
import { asOrdinaryUser } from '../ordinary-user.ts';
import { makeFolder, removeFolder, temporaryFolder } from '../temporary.ts';

const shared = await makeFolder();
afterAll(() => removeFolder(shared));
for (const algorithm of ['ed25519', 'ecdsa-p256'] as const) {
  const file = join(shared, `${algorithm}.pem`);
  await KeyFileSigner.create(file, algorithm);
  signerContract('KeyFileSigner', { algorithm, open: () => KeyFileSigner.open(file) });
}

const pem = (key: KeyObject, type: 'pkcs8' | 'sec1' = 'pkcs8') => key.export({ format: 'pem', type }).toString();

describe('the key file', () => {
  it('is PKCS#8 PEM that only its owner can read, and holds the key that signs', async () => {
    const file = join(await temporaryFolder(), 'signing-key.pem');
    const signer = await KeyFileSigner.create(file, 'ed25519');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = await readFile(file, 'utf8');
    expect(text).toMatch(/^-----BEGIN PRIVATE KEY-----\n[\s\S]+\n-----END PRIVATE KEY-----\n$/);
    const message = Buffer.from('message');
    expect(await signer.sign(message)).toEqual(new Uint8Array(sign(null, message, createPrivateKey(text))));
  });

  it('is never overwritten, and nothing is left beside it', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'signing-key.pem');
    const results = await Promise.allSettled([1, 2, 3].map(() => KeyFileSigner.create(file, 'ed25519')));
    const kept = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(kept).toHaveLength(1);
    expect(await (await KeyFileSigner.open(file)).publicKey()).toEqual(await kept[0]?.publicKey());
    await expect(KeyFileSigner.create(file, 'ecdsa-p256')).rejects.toMatchObject({
      code: 'in_use',
      message: `${file} exists already, and a key file is never overwritten`,
      cause: expect.objectContaining({ code: 'EEXIST' }),
    });
    expect(await readdir(folder)).toEqual(['signing-key.pem']);
  });

  it.each([0o644, 0o640, 0o604, 0o620, 0o602, 0o610])(
    'is refused with mode %o, with the command that mends it',
    async (mode) => {
      const file = join(await temporaryFolder(), 'signing-key.pem');
      await KeyFileSigner.create(file, 'ed25519');
      await chmod(file, mode);
      await expect(KeyFileSigner.open(file)).rejects.toMatchObject({
        code: 'signer_unavailable',
        message: `others can access the key in ${file}: run chmod 600 ${file}`,
      });
      await chmod(file, 0o600);
      expect((await KeyFileSigner.open(file)).algorithm).toBe('ed25519');
    },
  );

  it('may be read-only, and reached through a link', async () => {
    const folder = await temporaryFolder();
    const signer = await KeyFileSigner.create(join(folder, 'key.pem'), 'ecdsa-p256');
    await chmod(join(folder, 'key.pem'), 0o400);
    await symlink('key.pem', join(folder, 'current.pem'));
    expect(await (await KeyFileSigner.open(join(folder, 'current.pem'))).publicKey()).toEqual(await signer.publicKey());
  });

  it('is told apart from one that is missing, a folder, or out of reach', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'key.pem');
    await expect(KeyFileSigner.open(file)).rejects.toMatchObject({
      code: 'not_found',
      message: `there is no key file ${file}`,
    });
    await expect(KeyFileSigner.open(folder)).rejects.toMatchObject({
      code: 'malformed_key',
      message: `${folder} is not a file`,
    });
    await expect(KeyFileSigner.create(join(folder, 'none', 'key.pem'), 'ed25519')).rejects.toMatchObject({
      code: 'signer_unavailable',
      message: `the key file ${join(folder, 'none', 'key.pem')} cannot be written: ENOENT`,
    });
    await KeyFileSigner.create(file, 'ed25519');
    await asOrdinaryUser(folder, async () => {
      await rm(file);
      await writeFile(file, '', { mode: 0o000 });
      await expect(KeyFileSigner.open(file)).rejects.toMatchObject({
        code: 'signer_unavailable',
        message: `the key file ${file} cannot be read: EACCES`,
      });
      await mkdir(join(folder, 'locked'), { mode: 0o500 });
      await expect(KeyFileSigner.create(join(folder, 'locked', 'key.pem'), 'ed25519')).rejects.toMatchObject({
        code: 'signer_unavailable',
        message: expect.stringContaining('cannot be written: EACCES'),
      });
    });
  });
});

describe('what the key file may hold', () => {
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed25519 = generateKeyPairSync('ed25519');
  const notPkcs8 = /is not a private key in PKCS#8 PEM form/;
  const unreadable = /holds a private key that cannot be read/;
  const neither = /holds neither an Ed25519 nor a P-256 key/;

  it.each<[string, string, RegExp]>([
    ['nothing', '', notPkcs8],
    ['a public key', ed25519.publicKey.export({ format: 'pem', type: 'spki' }).toString(), notPkcs8],
    ['SEC 1', pem(p256.privateKey, 'sec1'), notPkcs8],
    [
      'an encrypted key',
      ed25519.privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
      notPkcs8,
    ],
    ['half a key', pem(ed25519.privateKey).slice(0, 60), unreadable],
    ['a damaged key', pem(p256.privateKey).replace(/\n.{20}/, `\n${'A'.repeat(20)}`), unreadable],
    ['a key of P-384', pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey), neither],
    ['an RSA key', pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey), neither],
    ['an Ed448 key', pem(generateKeyPairSync('ed448').privateKey), neither],
    ['far too much', pem(ed25519.privateKey) + 'x'.repeat(20_000), /is too large for a key/],
  ])('is not %s', async (_, text, message) => {
    const file = join(await temporaryFolder(), 'key.pem');
    await writeFile(file, text, { mode: 0o600 });
    await expect(KeyFileSigner.open(file)).rejects.toMatchObject({
      code: 'malformed_key',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['ed25519', ed25519.privateKey],
    ['ecdsa-p256', p256.privateKey],
  ] as const)('is a key that someone else made: %s', async (algorithm, key) => {
    const file = join(await temporaryFolder(), 'key.pem');
    await writeFile(file, pem(key), { mode: 0o600 });
    expect((await KeyFileSigner.open(file)).algorithm).toBe(algorithm);
  });

  it.each([
    ['ed25519', ['-algorithm', 'ed25519'], ['-rawin']],
    ['ecdsa-p256', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], ['-rawin', '-digest', 'sha256']],
  ] as const)('is a key that OpenSSL made, and OpenSSL verifies what it signs: %s', async (algorithm, kind, how) => {
    const folder = await temporaryFolder();
    const file = join(folder, 'key.pem');
    const message = join(folder, 'message');
    const signature = join(folder, 'signature');
    execFileSync('openssl', ['genpkey', ...kind, '-out', file], { stdio: 'pipe' });
    await chmod(file, 0o600);
    const signer = await KeyFileSigner.open(file);
    expect(signer.algorithm).toBe(algorithm);
    await writeFile(message, 'a message');
    await writeFile(signature, await signer.sign(Buffer.from('a message')));
    const verify = ['pkeyutl', '-verify', '-inkey', file, ...how, '-in', message, '-sigfile', signature];
    expect(execFileSync('openssl', verify, { encoding: 'utf8' })).toContain('Signature Verified Successfully');
  });

  it('is never shown, in errors or when a signer is printed', async () => {
    const file = join(await temporaryFolder(), 'key.pem');
    const signer = await KeyFileSigner.create(file, 'ed25519');
    const secret = (await readFile(file, 'utf8')).split('\n')[1] ?? 'none';
    expect(inspect(signer, { depth: 9, showHidden: true })).not.toContain(secret);
    expect(JSON.stringify(signer)).toBe('{"algorithm":"ed25519"}');
    await writeFile(file, `-----BEGIN PRIVATE KEY-----\n${secret.slice(0, 30)}\n-----END PRIVATE KEY-----\n`, {
      mode: 0o600,
    });
    const error = await KeyFileSigner.open(file).catch((caught: unknown) => caught);
    expect(inspect(error, { depth: 9 })).toContain('malformed_key');
    expect(inspect(error, { depth: 9 })).not.toContain(secret.slice(0, 30));
  });
});
