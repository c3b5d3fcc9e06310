import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FolderDownloads } from '../../../lib/store/folder/downloads.ts';
import { downloadsContract } from '../../../lib/testing/contracts/downloads.ts';
import { makeFolder, removeFolder, temporaryFolder } from '../temporary.ts';

const SECRET = new Uint8Array(32).fill(7);
const PATH = '/v1/downloads/';
const CSV = { fileName: 'orders.csv', mediaType: 'text/csv', seconds: 60 };

const shared = await makeFolder();
afterAll(() => removeFolder(shared));
const clock = { now: Date.now() };
let opened: FolderDownloads;
downloadsContract('FolderDownloads', {
  open: async () => {
    opened = await FolderDownloads.open(shared, { secret: SECRET, path: PATH, now: () => clock.now });
    return opened;
  },
  follow: async (link) => {
    const file = await opened.follow(link).catch((error) => {
      if (['not_found', 'forbidden'].includes(error.code)) return undefined;
      throw error;
    });
    return file && { ...file, bytes: Buffer.concat(await Array.fromAsync(file.chunks())) };
  },
  passSeconds: (seconds) => {
    clock.now += seconds * 1000;
  },
});

async function downloadsIn(folder: string, secret = SECRET): Promise<FolderDownloads> {
  return FolderDownloads.open(folder, { secret, path: PATH });
}

async function write(downloads: FolderDownloads, key: string, text: string): Promise<void> {
  const writer = await downloads.create(key);
  await writer.write(Buffer.from(text));
  await writer.finish();
}

describe('a folder of downloads', () => {
  it('holds files that only their owner reads, under their keys', async () => {
    const folder = await temporaryFolder();
    await write(await downloadsIn(folder), 'orders/1/file', 'a,b');
    expect(await readFile(join(folder, 'orders/1/file'), 'utf8')).toBe('a,b');
    expect((await stat(join(folder, 'orders/1/file'))).mode & 0o777).toBe(0o600);
  });

  it('removes what a crash left unfinished when it is opened, and nothing else', async () => {
    const folder = await temporaryFolder();
    const crashed = await downloadsIn(folder);
    await write(crashed, 'orders/1/file', 'whole');
    const writer = await crashed.create('orders/2/file');
    await writer.write(Buffer.from('half'));
    expect(await readdir(join(folder, '~unfinished'))).toHaveLength(1);
    await downloadsIn(folder);
    expect(await readdir(folder, { recursive: true })).toEqual(['orders', 'orders/1', 'orders/1/file']);
    await writer.abandon();
  });

  it('leaves no unfinished file behind, whether one was finished, refused or given up', async () => {
    const folder = await temporaryFolder();
    const downloads = await downloadsIn(folder);
    await write(downloads, 'orders/1/file', 'whole');
    const refused = await downloads.create('orders/1/file');
    await expect(refused.finish()).rejects.toMatchObject({ code: 'object_differs' });
    await refused.abandon();
    await (await downloads.create('orders/2/file')).abandon();
    expect(await readdir(join(folder, '~unfinished'))).toEqual([]);
  });

  it('follows no symbolic link, neither as a file nor on the way to one', async () => {
    const folder = await temporaryFolder();
    const outside = await temporaryFolder();
    await writeFile(join(outside, 'secret'), 'secret');
    await symlink(outside, join(folder, 'orders'));
    await mkdir(join(folder, 'users'));
    await symlink(join(outside, 'secret'), join(folder, 'users/file'));
    const downloads = await downloadsIn(folder);
    for (const key of ['orders/secret', 'users/file']) {
      const link = await downloads.link(key, CSV);
      await expect(downloads.follow(link)).rejects.toMatchObject({ code: 'store_corrupt' });
    }
    const writer = await downloads.create('orders/other');
    await expect(writer.finish()).rejects.toMatchObject({ code: 'store_corrupt' });
    await writer.abandon();
    await expect(downloads.remove('orders/')).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(await readdir(outside)).toEqual(['secret']);
  });
});

describe('a link to a file in a folder', () => {
  it('says why it leads nowhere', async () => {
    const downloads = await downloadsIn(await temporaryFolder());
    const link = await downloads.link('orders/1/file', CSV);
    await expect(downloads.follow(link)).rejects.toMatchObject({ code: 'not_found' });
    await expect(downloads.follow(`${link}x`)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('cannot be made without the secret, changed, or written another way', async () => {
    const folder = await temporaryFolder();
    const downloads = await downloadsIn(folder);
    await write(downloads, 'orders/1/file', 'a,b');
    const link = await downloads.link('orders/1/file', CSV);
    const [payload = '', mac = ''] = link.slice(PATH.length).split('.');
    const altered = Buffer.from(payload, 'base64url').toString().replace('orders', 'others');
    const forged = await (await downloadsIn(folder, new Uint8Array(32))).link('orders/1/file', CSV);
    for (const other of [
      forged,
      `${PATH}${Buffer.from(altered).toString('base64url')}.${mac}`,
      `${PATH}${payload}.${mac}=`,
      `${PATH}${payload}.${mac}.${mac}`,
      `${PATH}${payload}.`,
      `${PATH}${payload}`,
      PATH,
      `${PATH}${'x'.repeat(100_000)}`,
    ]) {
      await expect(downloads.follow(other)).rejects.toMatchObject({ code: 'forbidden' });
    }
    expect((await downloads.follow(link)).bytes).toBe(3);
  });

  it('needs a secret that cannot be guessed', async () => {
    const folder = await temporaryFolder();
    await expect(downloadsIn(folder, new Uint8Array(15))).rejects.toThrow(RangeError);
  });
});
