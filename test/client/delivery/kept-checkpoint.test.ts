import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ApiOptions, SealtrailError } from '../../../lib/client/index.ts';
import { parseCheckpoint } from '../../../lib/log/checkpoint.ts';
import { parseNote } from '../../../lib/log/note.ts';
import { temporaryFolder } from '../../store/temporary.ts';
import { logMany } from '../load.ts';
import { type ProxiedLog, startProxiedLog } from '../proxy.ts';
import { logger, trail } from '../test-logger.ts';

const sizeIn = async (file: string): Promise<number> =>
  parseCheckpoint(parseNote(await readFile(file, 'utf8')).text).size;

/** Logs so many events by a process of their own. */
async function log(proxied: ProxiedLog, prefix: string, count: number, options: Partial<ApiOptions>): Promise<Error[]> {
  const { audit, errors } = logger(proxied, options);
  logMany(audit, prefix, count);
  await audit.close();
  return errors;
}

/** The log's folder as it is now, to be put back later. */
async function snapshot(proxied: ProxiedLog): Promise<() => Promise<void>> {
  const copy = join(await temporaryFolder(), 'copy');
  await proxied.stop();
  await cp(proxied.folder, copy, { recursive: true });
  await proxied.start();
  return async () => {
    await proxied.stop();
    await rm(proxied.folder, { recursive: true });
    await cp(copy, proxied.folder, { recursive: true });
    await proxied.start();
  };
}

describe('the checkpoint that a client keeps', () => {
  it('is the newest that it has seen, and the next process goes on from it; it is one note and never more', async () => {
    const proxied = await startProxiedLog();
    const checkpoint = join(await temporaryFolder(), 'orders.checkpoint');
    const lengths: number[] = [];
    for (const size of [5, 10, 15]) {
      expect(await log(proxied, `to-${size}`, 5, { checkpoint })).toEqual([]);
      expect(await sizeIn(checkpoint)).toBe(size);
      lengths.push((await readFile(checkpoint)).length);
    }
    expect(Math.max(...lengths)).toBeLessThan(400);
    expect(await readdir(join(checkpoint, '..'))).toEqual(['orders.checkpoint']);
  });

  it('is in the spool folder where there is one, and several processes share it', async () => {
    const proxied = await startProxiedLog();
    const spool = await temporaryFolder();
    const found = await Promise.all(
      ['a', 'b', 'c'].map((prefix) => log(proxied, prefix, 20, { spool, batchEvents: 3 })),
    );
    expect(found.flat()).toEqual([]);
    expect(await sizeIn(join(spool, 'orders.checkpoint'))).toBeGreaterThan(20);
    expect(await log(proxied, 'd', 1, { spool })).toEqual([]);
    expect(await readdir(spool)).toEqual(['orders.checkpoint']);
    expect(await sizeIn(join(spool, 'orders.checkpoint'))).toBe(61);
  });

  it.each([
    ['forgets what it has shown', 0],
    ['tells another history, as long as the first', 8],
    ['tells another history, longer than the first', 20],
  ])('gives away a log that %s: an alarm, a coded error, and both notes', async (_, others) => {
    const proxied = await startProxiedLog();
    const spool = await temporaryFolder();
    const checkpoint = join(spool, 'orders.checkpoint');
    const alarms: SealtrailError[] = [];
    await log(proxied, 'before', 3, { spool });
    const restore = await snapshot(proxied);
    await log(proxied, 'shown', 8, { spool });
    const kept = await readFile(checkpoint, 'utf8');
    await restore();
    await log(proxied, 'other', others, {});
    const { audit } = logger(proxied, { spool, onAlarm: (error) => alarms.push(error) });
    const { receipt } = audit.log({ type: 'a.b' });
    await expect(receipt).rejects.toMatchObject({
      code: 'proof_mismatch',
      message: expect.stringMatching(/^the log (.* contradicts itself|denies a checkpoint that it has signed)/),
    });
    await audit.close();
    expect(alarms.map(({ code }) => code)).toEqual(['proof_mismatch']);
    // Two signed notes that contradict each other: anyone who sees them knows.
    expect(await readFile(checkpoint, 'utf8')).toBe(kept);
    expect(await sizeIn(`${checkpoint}.contradicted`)).toBe(4 + others);
  });

  it('gives away a log that shows two processes different histories while they run', async () => {
    const proxied = await startProxiedLog();
    const checkpoint = join(await temporaryFolder(), 'kept');
    await log(proxied, 'before', 3, {});
    const restore = await snapshot(proxied);
    await log(proxied, 'one', 5, { checkpoint });
    const shown = await readFile(checkpoint, 'utf8');
    await rm(checkpoint);
    await restore();
    const { audit, errors } = logger(proxied, { checkpoint });
    await audit.logAndSeal({ type: 'a.b' });
    await writeFile(checkpoint, shown); // As the other process does, which was shown another log.
    await audit.close();
    expect(errors.at(-1)).toMatchObject({ code: 'proof_mismatch' });
    expect(await readFile(checkpoint, 'utf8')).toBe(shown);
    expect(await sizeIn(`${checkpoint}.contradicted`)).toBe(4);
  });

  it('that cannot be read is told of, put aside and begun anew: it keeps nothing from being logged', async () => {
    const proxied = await startProxiedLog();
    const checkpoint = join(await temporaryFolder(), 'kept');
    await writeFile(checkpoint, 'nothing\n');
    const errors = await log(proxied, 'e', 3, { checkpoint });
    expect(errors).toMatchObject([{ code: 'store_corrupt', message: expect.stringContaining(checkpoint) }]);
    expect(await sizeIn(checkpoint)).toBe(3);
    expect(await readFile(`${checkpoint}.unreadable`, 'utf8')).toBe('nothing\n');
    const unwritable = await log(proxied, 'f', 3, { checkpoint: join(checkpoint, 'no', 'folder') });
    expect(unwritable[0]).toMatchObject({ code: expect.stringMatching(/ENOTDIR|ENOENT/) });
    expect(await proxied.ids(trail)).toHaveLength(6);
  });
});
