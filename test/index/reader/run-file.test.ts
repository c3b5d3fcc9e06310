import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numbersOf } from '../../../lib/index/format/spans.ts';
import { keyOf } from '../../../lib/index/format/term.ts';
import { RunPostings } from '../../../lib/index/reader/run-postings.ts';
import { someEvent } from '../../query/fixture.ts';
import { MemoryFiles, merge, open, postingsOf, type TestBlock, TRAIL, writeRun } from '../run-files.ts';

/** A run's file holds what its records say, however it came to be, and nothing that was changed is ever read. */

const someBlocks = fc
  .record({
    first: fc.integer({ min: 0, max: 5_000_000 }),
    blocks: fc.array(fc.tuple(fc.array(someEvent, { minLength: 1, maxLength: 30 }), fc.nat(4_000_000)), {
      minLength: 1,
      maxLength: 12,
      size: 'max',
    }),
  })
  .map(({ first, blocks }) => {
    const made: TestBlock[] = [];
    let [next, receivedAt] = [first, 1_767_225_600_000];
    for (const [events, later] of blocks) {
      receivedAt += later;
      made.push({ first: next, receivedAt, events });
      next += events.length;
    }
    return made;
  });

const found = async (file: ReturnType<typeof open>, dimension: string, value: string) => {
  const postings = await RunPostings.find(file, [keyOf(dimension, value)]);
  const { first, size } = file.run;
  return [...numbersOf(await postings.within(first, first + size))];
};

describe('a run', () => {
  it('has the records of every term, and none of any other', async () => {
    await fc.assert(
      fc.asyncProperty(someBlocks, async (blocks) => {
        const files = new MemoryFiles();
        const file = open(files, await writeRun(files, blocks));
        for (const [term, seqs] of postingsOf(blocks)) {
          const [dimension = '', value = ''] = term.split('\0');
          expect(await found(file, dimension, value)).toEqual(seqs);
        }
        expect(await found(file, 'actor', 'nobody')).toEqual([]);
        const starts = blocks.map(({ first }) => first);
        expect(await file.blocks()).toEqual(starts);
        for (const { first, events } of blocks) expect(await file.findBlock(first + events.length - 1)).toBe(first);
      }),
      { numRuns: 25 },
    );
  });

  it('is the same whether it was written at once or merged from parts, to the byte', async () => {
    await fc.assert(
      fc.asyncProperty(someBlocks, fc.integer({ min: 1, max: 5 }), async (blocks, parts) => {
        const files = new MemoryFiles();
        const whole = await writeRun(files, blocks);
        const per = Math.ceil(blocks.length / parts);
        const runs = [];
        for (let at = 0; at < blocks.length; at += per) runs.push(await writeRun(files, blocks.slice(at, at + per)));
        const bytes = files.files.get('unnamed');
        expect(bytes).toBeDefined();
        const merged = await merge(files, runs);
        expect(merged).toEqual(whole);
      }),
      { numRuns: 25 },
    );
  });

  it('keeps long lists in leaves of bounded size, and reads only the groups that it needs', async () => {
    const files = new MemoryFiles();
    const blocks = Array.from({ length: 400 }, (_, n) => ({
      first: n * 100,
      receivedAt: 1_767_225_600_000 + n * 1000,
      events: Array.from({ length: 100 }, (_, i) => ({
        id: `id-${n}-${i}`,
        type: 'data.read',
        actor: { id: (n * 100 + i) % 3 === 0 ? 'often' : `actor-${i}` },
      })),
    }));
    const file = open(files, await writeRun(files, blocks));
    const often = await RunPostings.find(file, [keyOf('actor', 'often')]);
    const groups = await file.findGroups(keyOf('actor', 'often'));
    expect(groups.length).toBeGreaterThan(0);
    const all = [...numbersOf(await often.within(0, 40_000))];
    expect(all).toEqual(Array.from({ length: 13_334 }, (_, n) => n * 3));
    // What all records have in common is one span.
    const leaves = (await file.leaves(await file.findGroups(keyOf('submitter', 'app')))).flat();
    const { high, low } = keyOf('submitter', 'app');
    expect(leaves.filter(({ key }) => key.high === high && key.low === low)).toHaveLength(1);
    expect(Math.max(...leaves.map(({ body }) => body.length))).toBeLessThanOrEqual(528);
    expect([...numbersOf(await (await RunPostings.find(file, [keyOf('type', 'data.*')])).within(99, 102))]).toEqual([
      99, 100, 101,
    ]);
  });
});

describe('a file that was changed', () => {
  it('is refused wherever a byte of it matters, and never answers with something else', async () => {
    await fc.assert(
      fc.asyncProperty(
        someBlocks,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (blocks, at, by, cut) => {
          const files = new MemoryFiles();
          const run = await writeRun(files, blocks);
          const key = open(files, run).key;
          const bytes = files.files.get(key)?.slice() ?? new Uint8Array(0);
          const place = at % bytes.length;
          bytes[place] = (bytes[place] ?? 0) ^ by;
          files.files.set(key, cut ? bytes.subarray(0, place) : bytes);
          const file = open(files, run);
          for (const [term, seqs] of postingsOf(blocks)) {
            const [dimension = '', value = ''] = term.split('\0');
            await refusedOr(found(file, dimension, value), seqs);
          }
          await refusedOr(found(file, 'actor', 'nobody'), []);
          await refusedOr(
            file.counts().then(() => 'whole'),
            'whole',
          );
          await refusedOr(
            file.blocks().then(() => 'some'),
            'some',
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is named', async () => {
    const files = new MemoryFiles();
    const run = await writeRun(files, [{ first: 0, receivedAt: 0, events: [{ id: 'a', type: 'x' }] }]);
    const { key } = open(files, run);
    files.files.set(key, new Uint8Array(run.bytes));
    await expect(found(open(files, run), 'type', 'x')).rejects.toMatchObject({
      code: 'store_corrupt',
      message: `a file of the query index has another header than recorded: ${key} (records 0 to 0)`,
    });
    files.files.delete(key);
    await expect(found(open(files, run), 'type', 'x')).rejects.toMatchObject({ name: 'RunGone' });
    expect(key.startsWith(`${TRAIL}/0-1.`)).toBe(true);
  });
});

async function refusedOr<T>(work: Promise<T>, expected: T): Promise<void> {
  const [outcome] = await Promise.allSettled([work]);
  if (outcome.status === 'fulfilled') expect(outcome.value).toEqual(expected);
  else expect(outcome.reason).toMatchObject({ code: 'store_corrupt' });
}
