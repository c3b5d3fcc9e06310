import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findPostings,
  fingerprintOf,
  type Postings,
  PostingsWriter,
  readPart,
  storedPostings,
} from '../../../lib/index/format/postings.ts';
import type { Run } from '../../../lib/index/format/runs.ts';
import { MAX_ITEM_BYTES } from '../../../lib/store/limits.ts';
import type { Item, Write } from '../../../lib/store/ports.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';

const TRAIL = 'payments';

async function write(table: MemoryTable, run: Run, postings: readonly Postings[]): Promise<void> {
  const writer = new PostingsWriter(TRAIL, run);
  const writes: Write[] = [...postings.flatMap((entry) => writer.add(entry)), ...writer.end()];
  for (let i = 0; i < writes.length; i += 50) await table.transact(writes.slice(i, i + 50));
}

/** What a reader finds under a fingerprint in a run. */
async function find(table: MemoryTable, run: Run, fingerprint: number): Promise<readonly number[] | undefined> {
  const found = (await findPostings(table, TRAIL, [run], fingerprint)).get(run.first);
  if (found === undefined || 'seqs' in found) return found?.seqs;
  const parts = await Promise.all(found.parts.map((part) => readPart(table, TRAIL, run, fingerprint, part)));
  return parts.flatMap((part) => part ?? []);
}

function bodyIn(item: Pick<Item, 'attributes'> | undefined): Uint8Array {
  const body = item?.attributes.body;
  if (!(body instanceof Uint8Array)) throw new Error('no body');
  return body;
}
const bytesIn = (item: Pick<Item, 'attributes'> | undefined): number => bodyIn(item).length;

/** Runs of every class, with postings that fit them: rare values, frequent ones, and those in between. */
const someRun = fc
  .record({ first: fc.integer({ min: 0, max: 2 ** 40 }), size: fc.constantFrom(1, 15, 16, 300, 5000, 70_000, 2 ** 21) })
  .chain((run) => {
    const seqs = fc
      .uniqueArray(fc.integer({ min: 0, max: run.size - 1 }), { minLength: 1, maxLength: 40 })
      .map((offsets) => offsets.sort((a, b) => a - b).map((offset) => run.first + offset));
    const fingerprints = fc.uniqueArray(fc.oneof(fc.nat(0xffff_ffff), fc.nat(20), fc.constant(0xffff_ffff)), {
      maxLength: 30,
    });
    return fingerprints.chain((list) =>
      fc.array(seqs, { minLength: list.length, maxLength: list.length }).map((lists) => ({
        run,
        postings: list.sort((a, b) => a - b).map((fingerprint, i) => ({ fingerprint, seqs: lists[i] ?? [] })),
      })),
    );
  });

describe('a fingerprint', () => {
  it('is the beginning of SHA-256 over the dimension, a zero byte and the value', () => {
    for (const [dimension, value] of [
      ['actor', 'alice'],
      ['type', 'auth.*'],
      ['resource', 'é\0😀'],
      ['id', ''],
    ] as const) {
      const digest = createHash('sha256').update(dimension).update('\0').update(value).digest();
      expect(fingerprintOf(dimension, value)).toBe(digest.readUInt32BE(0));
    }
    expect(fingerprintOf('actor', 'alice')).not.toBe(fingerprintOf('agent', 'alice'));
  });
});

describe('postings', () => {
  it('are found as they were written, in runs of every class', async () => {
    await fc.assert(
      fc.asyncProperty(someRun, async ({ run, postings }) => {
        const table = new MemoryTable();
        await write(table, run, postings);
        for (const { fingerprint, seqs } of postings) expect(await find(table, run, fingerprint)).toEqual(seqs);
        const written = new Set(postings.map(({ fingerprint }) => fingerprint));
        for (const other of [0, 7, 0x8000_0000, 0xffff_fffe]) {
          if (!written.has(other)) expect(await find(table, run, other)).toBeUndefined();
        }
        expect(await Array.fromAsync(storedPostings(table, TRAIL, [run]))).toEqual(postings);
      }),
    );
  });

  it('of many records are split into parts, which do not burden what is rare beside them', async () => {
    const table = new MemoryTable();
    const run = { first: 1000, size: 100_000 };
    const every = (step: number) => Array.from({ length: Math.floor(run.size / step) }, (_, n) => run.first + n * step);
    // All of one bucket: the first three digits are the same.
    const postings = [
      { fingerprint: 0xabc0_0001, seqs: [1000, 100_999] },
      { fingerprint: 0xabc0_0002, seqs: every(1) },
      { fingerprint: 0xabc0_0003, seqs: every(40) },
      { fingerprint: 0xabcf_ffff, seqs: [1234] },
    ];
    await write(table, run, postings);
    for (const { fingerprint, seqs } of postings) expect(await find(table, run, fingerprint)).toEqual(seqs);
    const [bucket, ...others] = await Array.fromAsync(table.query({ partition: `postings/${TRAIL}/4` }));
    expect(others).toEqual([]);
    expect(bytesIn(bucket)).toBeLessThan(100);
    const parts = await Array.fromAsync(table.query({ partition: `long-postings/${TRAIL}/4` }));
    expect(parts.length).toBeGreaterThan(3);
    for (const { attributes } of parts) expect(bytesIn({ attributes })).toBeLessThanOrEqual(30_003);
    expect(await Array.fromAsync(storedPostings(table, TRAIL, [run]))).toEqual(postings);
  });

  it('that all fall into one bucket, as an attacker may arrange it, still fit into items', async () => {
    const table = new MemoryTable();
    const run = { first: 0, size: 100_000 };
    const postings = Array.from({ length: 40_000 }, (_, n) => ({
      fingerprint: 0xabc0_0000 + n,
      seqs: [n, n + 60_000],
    }));
    await write(table, run, postings);
    const pieces = await Array.fromAsync(table.query({ partition: `postings/${TRAIL}/4` }));
    expect(pieces.length).toBeGreaterThan(5);
    for (const { attributes } of pieces) expect(bytesIn({ attributes })).toBeLessThan(MAX_ITEM_BYTES / 10);
    for (const n of [0, 1, 20_000, 39_999]) expect(await find(table, run, 0xabc0_0000 + n)).toEqual([n, n + 60_000]);
  });

  it('of several runs come together in order', async () => {
    const table = new MemoryTable();
    const runs = [
      { first: 0, size: 300 },
      { first: 300, size: 4000 },
      { first: 4300, size: 256 },
    ];
    for (const run of runs)
      await write(table, run, [
        { fingerprint: 5, seqs: [run.first] },
        { fingerprint: 0x1000_0000 + run.size, seqs: [run.first + 1] },
      ]);
    expect(await Array.fromAsync(storedPostings(table, TRAIL, runs))).toEqual([
      { fingerprint: 5, seqs: [0, 300, 4300] },
      { fingerprint: 0x1000_0100, seqs: [4301] },
      { fingerprint: 0x1000_012c, seqs: [1] },
      { fingerprint: 0x1000_0fa0, seqs: [301] },
    ]);
    expect([...(await findPostings(table, TRAIL, runs, 5)).keys()]).toEqual([0, 300, 4300]);
    expect([...(await findPostings(table, TRAIL, runs.slice(1, 2), 5)).keys()]).toEqual([300]);
  });
});

describe('an item that is not what was written', () => {
  const run = { first: 0, size: 100_000 };
  const damaged = async (
    change: (body: Uint8Array) => Record<string, string | number | Uint8Array>,
    partition = 'postings',
  ) => {
    const table = new MemoryTable();
    const all = Array.from({ length: 5000 }, (_, n) => n * 2);
    await write(table, run, [
      { fingerprint: 0xabc0_0000, seqs: [1, 2, 90_000] },
      { fingerprint: 0xabc0_0001, seqs: all },
    ]);
    for await (const item of table.query({ partition: `${partition}/${TRAIL}/4` })) {
      await table.transact([{ put: { ...item, attributes: change(bodyIn(item)) } }]);
    }
    return table;
  };

  it.each([
    ['cut short', (body: Uint8Array) => ({ pieces: 1, body: body.slice(0, -1) })],
    ['with a number that does not end', () => ({ pieces: 1, body: new Uint8Array(20).fill(0xff) })],
    [
      'with a count beyond all bounds',
      () => ({ pieces: 1, body: Uint8Array.of(1, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 1) }),
    ],
    ['without a body', () => ({ pieces: 1 })],
    ['without a number of pieces', (body: Uint8Array) => ({ body })],
  ])('%s is an error, never an answer', async (_, change) => {
    const table = await damaged(change);
    const message = expect.stringMatching(/^an item of the query index (is not readable: |ends within a number)/);
    await expect(find(table, run, 0xabc0_0001)).rejects.toMatchObject({ code: 'store_corrupt', message });
    await expect(Array.fromAsync(storedPostings(table, TRAIL, [run]))).rejects.toMatchObject({
      code: 'store_corrupt',
      message,
    });
  });

  it('is an error in a part of long postings too', async () => {
    const table = await damaged((body) => ({ body: body.slice(1) }), 'long-postings');
    await expect(find(table, run, 0xabc0_0001)).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(await find(table, run, 0xabc0_0000)).toEqual([1, 2, 90_000]);
  });

  it('is an error where a part is missing that nobody removed on purpose', async () => {
    const table = await damaged((body) => ({ pieces: 1, body }));
    for await (const { partition, sort } of table.query({ partition: `long-postings/${TRAIL}/4` })) {
      await table.transact([{ remove: { partition, sort } }]);
    }
    await expect(Array.fromAsync(storedPostings(table, TRAIL, [run]))).rejects.toMatchObject({
      code: 'store_corrupt',
      message: 'the index of trail payments lacks a part at record 0',
    });
  });
});
