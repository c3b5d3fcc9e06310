import type * as Files from 'node:fs/promises';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { Spool } from '../../../lib/client/delivery/spool.ts';
import { temporaryFolder } from '../../store/temporary.ts';

/** What another process does just before a file is written, or just after a folder was read: the files are real ones. */
const meanwhile = vi.hoisted(() => ({
  beforeWriting: async (): Promise<unknown> => undefined,
  afterReading: async (_folder: string): Promise<unknown> => undefined,
}));
const nothing = { ...meanwhile };
afterEach(() => Object.assign(meanwhile, nothing));

vi.mock('node:fs/promises', async (original) => {
  const files = await original<typeof Files>();
  return {
    ...files,
    writeFile: async (...args: Parameters<typeof files.writeFile>) => {
      await meanwhile.beforeWriting();
      return files.writeFile(...args);
    },
    readdir: async (folder: string) => {
      const names = await files.readdir(folder);
      await meanwhile.afterReading(folder);
      return names;
    },
  };
});

const batch = { key: 'k-1', count: 1, body: '{"events":[{"type":"a.b"}]}' };

it('a process that looks for abandoned lanes leaves alone one that is just being made', async () => {
  const dir = await temporaryFolder();
  const other = await Spool.open(dir);
  let looks = 0;
  meanwhile.beforeWriting = async () => {
    looks++;
    expect(await other.abandoned()).toEqual([]);
  };
  const spool = await Spool.open(dir);
  expect(looks).toBe(1);
  expect(await spool.read(await spool.put(batch))).toEqual(batch);
  await spool.close();
  await other.close();
});

it('and one that gets a batch while it is taken for empty and no one’s', async () => {
  const dir = await temporaryFolder();
  const spool = await Spool.open(dir);
  const { file, bytes } = await spool.put(batch);
  await spool.remove({ file, bytes });
  const lane = join(file, '..');
  const longAgo = new Date(Date.now() - 3_600_000); // As after a night in which the machine slept.
  await utimes(join(lane, 'alive'), longAgo, longAgo);
  const other = await Spool.open(dir);
  const stored: Promise<{ file: string; bytes: number }>[] = [];
  meanwhile.afterReading = async (folder) => {
    if (folder === lane && stored.length === 0) await stored[stored.push(spool.put(batch)) - 1];
  };
  expect(await other.abandoned()).toEqual([]);
  const [put] = await Promise.all(stored);
  expect(put && (await spool.read(put))).toEqual(batch);
  await other.close();
  await spool.close();
});
