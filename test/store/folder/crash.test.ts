import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { UNFINISHED } from '../../../lib/store/folder/holding.ts';
import { FolderObjects } from '../../../lib/store/folder/objects.ts';
import { runChild } from '../child-process.ts';
import { temporaryFolder } from '../temporary.ts';
import { keyOf, numbered, numberOf } from './numbered.ts';

const WRITER = fileURLToPath(new URL('writer.child.ts', import.meta.url));
const FILLER = fileURLToPath(new URL('filler.child.ts', import.meta.url));

it('has every acknowledged object, and no part of any other, after kill -9 at any moment', async () => {
  const folder = join(await temporaryFolder(), 'archive');
  const put = new Set<number>();
  let replaced = 0;
  for (let round = 0; round < 3; round++) {
    const first = String(Math.max(0, ...put) + 10);
    const killAfterLines = 20 + Math.floor(Math.random() * 60);
    const { lines, signal, stderr } = await runChild(WRITER, [folder, first], { killAfterLines });
    expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' });
    for (const line of lines) {
      const [verb, n] = line.split(' ');
      if (verb === 'put') put.add(Number(n));
      else replaced = Number(n);
    }
    const objects = await FolderObjects.open(folder);
    expect(await readdir(join(folder, UNFINISHED))).toEqual([]);
    const found = new Set<number>();
    for await (const { key } of objects.list('t/d')) {
      const bytes = (await objects.get(key)) ?? new Uint8Array(4);
      const n = numberOf(bytes);
      expect(key).toBe(keyOf(n));
      expect(Buffer.compare(bytes, numbered(n))).toBe(0);
      found.add(n);
    }
    expect([...put].filter((n) => !found.has(n))).toEqual([]);
    // Each of the three that were under way may stand as well.
    expect(found.size - put.size).toBeLessThanOrEqual(3 * (round + 1));
    const checkpoint = (await objects.get('t/checkpoint')) ?? new Uint8Array(4);
    const newest = numberOf(checkpoint);
    expect(Buffer.compare(checkpoint, numbered(newest))).toBe(0);
    expect(newest).toBeGreaterThanOrEqual(replaced);
    await objects.close();
  }
  expect(put.size).toBeGreaterThan(40);
});

it('says that the disk is full, leaves nothing of what did not fit, and goes on with what fits', async () => {
  const folder = join(await temporaryFolder(), 'archive');
  const { lines, exitCode, stderr } = await runChild(FILLER, [folder], { fileBlocks: 200 });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const full = `store_full ${join(folder, 't/large')}: the disk is full (EFBIG): free some space`;
  expect(lines).toEqual([
    'put t/small: stored',
    'replace t/small: stored',
    `put t/large: ${full}`,
    `replace t/large: ${full}`,
    'put t/small too: stored',
    'replace t/small too: stored',
  ]);
  expect(await readdir(join(folder, UNFINISHED))).toEqual([]);
  const objects = await FolderObjects.openReadOnly(folder);
  const listed = await Array.fromAsync(objects.list(''));
  expect(listed).toEqual([
    { key: 't/small', size: 1_000 },
    { key: 't/small-too', size: 1_000 },
  ]);
});
