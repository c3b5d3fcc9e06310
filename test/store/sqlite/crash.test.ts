import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import type { Table } from '../../../lib/store/ports.ts';
import { SqliteTable } from '../../../lib/store/sqlite/table.ts';
import { items } from '../../../lib/testing/contracts/table-driver.ts';
import { runChild } from '../child-process.ts';
import { temporaryFolder } from '../temporary.ts';
import { groupItems, groupWrites, lanes } from './groups.ts';

const WRITER = fileURLToPath(new URL('writer.child.ts', import.meta.url));
const FILLER = fileURLToPath(new URL('filler.child.ts', import.meta.url));

/** Checks that the groups from 1 to the head's are there, whole, and nothing else. @returns the head's group. */
async function checkGroups(table: Table, lane: string): Promise<number> {
  const last = Number((await table.get({ partition: lane, sort: 'head' }))?.attributes.n ?? 0);
  const found = await items(table, { partition: lane, to: 'group~' });
  const expected = Array.from({ length: last }, (_, i) => groupItems(lane, i + 1)).flat();
  expect(found.map(({ sort }) => sort)).toEqual(expected.map(({ sort }) => sort));
  // Megabytes: an assertion on the values themselves takes seconds.
  const different = found.filter((item, i) => !isDeepStrictEqual(item, expected[i]));
  expect(different).toEqual([]);
  return last;
}

it('has every acknowledged transaction, and no part of any other, after kill -9 at any moment', async () => {
  const file = join(await temporaryFolder(), 'ledger.db');
  const acknowledged = new Map(lanes.map((lane) => [lane, 0]));
  for (let round = 0; round < 3; round++) {
    const { lines, signal, stderr } = await runChild(WRITER, [file], {
      killAfterLines: 20 + Math.floor(Math.random() * 120),
    });
    expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' });
    for (const line of lines) {
      const [lane = '', n] = line.split(' ');
      acknowledged.set(lane, Number(n));
    }
    const table = await SqliteTable.open(file);
    for (const lane of lanes) {
      const last = await checkGroups(table, lane);
      expect(last).toBeGreaterThanOrEqual(acknowledged.get(lane) ?? 0);
      // At most the one under way, whose answer the kill cut off, may stand beyond.
      expect(last).toBeLessThanOrEqual((acknowledged.get(lane) ?? 0) + 1);
      acknowledged.set(lane, last);
    }
    await table.close();
  }
  expect(Math.min(...acknowledged.values())).toBeGreaterThan(20);
});

it('has the transactions up to some moment, each whole, when a power cut left only a part of the log', async () => {
  const folder = await temporaryFolder();
  const table = await SqliteTable.open(join(folder, 'ledger.db'));
  const groups = 24;
  for (let n = 1; n <= groups; n++) await table.transact(groupWrites('lane-a', n));
  const database = await readFile(join(folder, 'ledger.db'));
  const log = await readFile(join(folder, 'ledger.db-wal'));
  await table.close();

  const recovered = async (name: string, rest: Uint8Array): Promise<number> => {
    await writeFile(join(folder, name), database);
    await writeFile(join(folder, `${name}-wal`), rest);
    const reopened = await SqliteTable.open(join(folder, name));
    const last = await checkGroups(reopened, 'lane-a');
    await reopened.close();
    return last;
  };
  let before = 0;
  for (let part = 0; part <= 20; part++) {
    const last = await recovered(`cut-${part}`, log.subarray(0, Math.ceil((log.byteLength * part) / 20)));
    expect(last).toBeGreaterThanOrEqual(before);
    before = last;
  }
  expect(before).toBe(groups);

  const torn = Buffer.from(log);
  // A sector that the disk never wrote.
  torn.fill(0xff, 512 * 200, 512 * 201);
  const last = await recovered('torn', torn);
  expect(last).toBeGreaterThan(0);
  expect(last).toBeLessThan(groups);
});

/** Runs the filler, with 2 MB for the database and as much for its log, and checks what it leaves. */
async function fill(
  bytes: number,
  writes: number,
): Promise<{ stored: string[]; failed: string[]; beside: string[]; reads: string[] }> {
  const file = join(await temporaryFolder(), 'ledger.db');
  const { lines, exitCode, stderr } = await runChild(FILLER, [file, `${bytes}`, `${writes}`], { fileBlocks: 4000 });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const words = lines.map((line) => line.split(' '));
  const stored = words.filter(([, what]) => what === 'stored').map(([n = '']) => n);
  const failed = lines.filter((line) => line.includes('ledger.db'));
  const [beside, reads] = ['beside', 'read'].map((verb) =>
    words.filter(([, what]) => what === verb).map(([, , ...told]) => told.join(' ')),
  );

  const table = await SqliteTable.open(file);
  const found = new Map<string, number>();
  for await (const { sort, attributes } of table.query({ partition: 'p' })) {
    expect(attributes.bytes).toEqual(new Uint8Array(bytes).fill(7));
    const [n = ''] = sort.split(' ');
    found.set(n, (found.get(n) ?? 0) + 1);
  }
  await table.close();
  const unknown = words.filter(([, what]) => what === 'outcome_unknown').map(([n = '']) => n);
  expect([...found.keys()].filter((n) => !unknown.includes(n)).sort()).toEqual(stored.toSorted());
  for (const count of found.values()) expect(count).toBe(writes);
  return { stored, failed, beside: beside ?? [], reads: reads ?? [] };
}

const FAILED = /^\d+ unavailable .*ledger\.db cannot be used: disk I\/O error$/;
const UNKNOWN = /^\d+ outcome_unknown .*ledger\.db: the disk failed in the middle of a commit$/;

it('takes back a transaction that the disk did not take, and goes on', async () => {
  const { stored, failed, beside, reads } = await fill(390_000, 10);
  expect(stored).toEqual([]);
  expect(failed).toEqual(Array(3).fill(expect.stringMatching(FAILED)));
  expect(beside).toEqual(['committed', 'committed', 'committed']);
  expect(reads).toEqual(['nothing', 'nothing', 'nothing']);
});

it('says that it does not know when the disk does not even let it take back, and says nothing else from then on', async () => {
  const { stored, failed, beside, reads } = await fill(100_000, 1);
  expect(stored.length).toBeGreaterThan(20);
  // When the log alone was full, copying it into the database mended that, and the transactions were tried again.
  expect(failed).toEqual([UNKNOWN, FAILED, FAILED].map((pattern) => expect.stringMatching(pattern)));
  expect(beside).toEqual(['outcome_unknown', 'unavailable', 'unavailable']);
  expect(reads).toEqual(['unavailable', 'unavailable', 'unavailable']);
});
