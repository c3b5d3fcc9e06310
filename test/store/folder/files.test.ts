import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FolderFiles } from '../../../lib/store/folder/files.ts';
import { filesContract } from '../../../lib/testing/contracts/files.ts';
import { makeFolder, removeFolder, temporaryFolder } from '../temporary.ts';

const shared = await makeFolder();
afterAll(() => removeFolder(shared));
filesContract('FolderFiles', { open: () => FolderFiles.open(shared) });

describe('a folder of files', () => {
  it('removes what a crash left unfinished when it is opened, and nothing else', async () => {
    const folder = await temporaryFolder();
    const crashed = await FolderFiles.open(folder);
    const whole = await crashed.create('orders/1');
    await whole.finish();
    const writer = await crashed.create('orders/2');
    await writer.write(Buffer.from('half'));
    expect(await readdir(join(folder, '~unfinished'))).toHaveLength(1);
    await FolderFiles.open(folder);
    expect(await readdir(folder, { recursive: true })).toEqual(['orders', 'orders/1']);
    await writer.abandon();
  });

  it('follows no symbolic link, neither as a file nor on the way to one', async () => {
    const [folder, outside] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(join(outside, 'secret'), 'secret');
    await symlink(outside, join(folder, 'orders'));
    await mkdir(join(folder, 'users'));
    await symlink(join(outside, 'secret'), join(folder, 'users/file'));
    const files = await FolderFiles.open(folder);
    const corrupt = { code: 'store_corrupt' };
    for (const key of ['orders/secret', 'users/file']) {
      await expect(files.read(key, 0, 6)).rejects.toMatchObject(corrupt);
      const writer = await files.create(key);
      await expect(writer.finish()).rejects.toMatchObject(corrupt);
      await writer.abandon();
    }
    await expect(Array.fromAsync(files.list('orders/'))).rejects.toMatchObject(corrupt);
    await expect(files.remove('orders/secret')).rejects.toMatchObject(corrupt);
    expect(await readdir(outside)).toEqual(['secret']);
  });
});
