import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Spool } from '../../../lib/client/delivery/spool.ts';
import { temporaryFolder } from '../../store/temporary.ts';

const batch = (key: string) => ({
  key,
  count: 1,
  body: `{"events":[{"type":"a.b","id":"${key}","description":"é\\n"}]}`,
});

/** A lane as a process leaves it: with its owner's name, last heard of so many milliseconds ago. */
async function lane(dir: string, name: string, owner: object | undefined, agoMs = 0): Promise<string> {
  const path = join(dir, name);
  await mkdir(path);
  await writeFile(join(path, '000000000000.batch'), 'x');
  if (owner === undefined) return path;
  const alive = join(path, 'alive');
  await writeFile(alive, JSON.stringify(owner));
  const heard = new Date(Date.now() - agoMs);
  await utimes(alive, heard, heard);
  return path;
}

describe('a spool', () => {
  it('gives back a batch byte for byte, until it is removed', async () => {
    const spool = await Spool.open(await temporaryFolder());
    const [first, second] = [await spool.put(batch('k-1')), await spool.put(batch('k-2'))];
    expect(spool.bytes).toBe(first.bytes + second.bytes);
    expect(await spool.read(first)).toEqual(batch('k-1'));
    await spool.remove(first);
    await spool.remove({ ...first, bytes: 0 });
    expect([await spool.read(first), spool.bytes]).toEqual([undefined, second.bytes]);
    await spool.close();
  });

  it('hands what one process left to the next, in order', async () => {
    const dir = await temporaryFolder();
    const first = await Spool.open(dir);
    for (const key of ['k-1', 'k-2', 'k-3']) await first.put(batch(key));
    const second = await Spool.open(dir);
    expect(await second.abandoned()).toEqual([]);
    await first.close();
    const found = await second.abandoned();
    expect(await Promise.all(found.map((one) => second.read(one)))).toEqual(['k-1', 'k-2', 'k-3'].map(batch));
    for (const one of found) await second.remove(one);
    await second.close();
    expect(await readdir(dir)).toEqual([]);
  });

  it('takes over only from those who are gone', async () => {
    const dir = await temporaryFolder();
    const host = hostname();
    await lane(dir, 'elsewhere', { host: `not-${host}`, pid: 1 });
    await lane(dir, 'parent', { host, pid: process.ppid });
    const gone = [
      await lane(dir, 'before-in-this-container', { host, pid: process.pid }),
      await lane(dir, 'half-written', []),
      await lane(dir, 'silent', { host: `not-${host}`, pid: 1 }, 3_600_000),
      await lane(dir, 'without-owner', undefined),
    ];
    const spool = await Spool.open(dir);
    const found = (await spool.abandoned()).map(({ file }) => file);
    expect(found).toEqual(gone.map((path) => join(path, '000000000000.batch')));
    await spool.close();
  });

  it('puts what is sent instead of a batch in its place, no matter who comes to it', async () => {
    const dir = await temporaryFolder();
    const first = await Spool.open(dir);
    const stored = [];
    for (const key of ['k-1', 'k-2', 'k-3']) stored.push(await first.put(batch(key)));
    await first.close();
    const second = await Spool.open(dir);
    const [, middle] = await second.abandoned();
    if (middle === undefined) throw new Error('nothing was left');
    const halves = await second.putInstead(middle, ['k-2a', 'k-2b'].map(batch));
    expect([halves.length, second.bytes]).toEqual([2, 0]);
    await second.close();
    const third = await Spool.open(dir);
    const keys = async () => Promise.all((await third.abandoned()).map(async (one) => (await third.read(one))?.key));
    expect(await keys()).toEqual(['k-1', 'k-2a', 'k-2b', 'k-3']);
    const [, , half] = await third.abandoned();
    if (half !== undefined) await third.putInstead(half, [batch('k-2b-1'), batch('k-2b-2')]);
    expect(await keys()).toEqual(['k-1', 'k-2a', 'k-2b-1', 'k-2b-2', 'k-3']);
    await third.close();
  });

  it('leaves alone a lane whose owner is about to stand in it', async () => {
    const dir = await temporaryFolder();
    await mkdir(join(dir, 'new-1'));
    const spool = await Spool.open(dir);
    expect(await spool.abandoned()).toEqual([]);
    await spool.close();
    expect(await readdir(dir)).toEqual(['new-1']);
  });

  it('does not pass on a batch that was changed, and puts it aside', async () => {
    const dir = await temporaryFolder();
    const spool = await Spool.open(dir);
    for (const damage of [
      (text: string) => text.replace('a.b', 'a.c'),
      (text: string) => text.slice(0, -1),
      () => '',
    ]) {
      const stored = await spool.put(batch('k'));
      await writeFile(stored.file, damage(await readFile(stored.file, 'utf8')));
      await expect(spool.read(stored)).rejects.toMatchObject({
        code: 'store_corrupt',
        message: expect.stringMatching(/is not the batch that was stored$/),
      });
      expect(await spool.setAside(stored)).toMatch(/refused-[0-9a-f-]+\.json$/);
    }
    await spool.close();
    expect((await readdir(dir)).map((name) => name.slice(0, 8))).toEqual(['refused-', 'refused-', 'refused-']);
  });

  it('says so where its folder cannot be one', async () => {
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    await expect(Spool.open(file)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^cannot use the spool folder /),
    });
  });
});
