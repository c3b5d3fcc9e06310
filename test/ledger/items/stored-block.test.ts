import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Block, buildBlock, type Run } from '../../../lib/ledger/items/block.ts';
import { loadBlock, OpenBlock, packBody, storeBlock } from '../../../lib/ledger/items/stored-block.ts';
import { sha256 } from '../../../lib/log/hash.ts';
import type { Attribute, Item } from '../../../lib/store/ports.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { TRAIL } from '../fixture.ts';

const FIRST = 7_000;
const KEY = { partition: `block/${TRAIL}`, sort: '0000000000007000' };

/** Events of a few submitters, between them more than a few sections' worth. */
const runs = fc.array(
  fc.record({
    submitter: fc.constantFrom('app', 'backup', 'größe'),
    events: fc.array(
      fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify({ text })),
      { minLength: 1, maxLength: 40 },
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

const built = (of: readonly Run[]): Block =>
  buildBlock({ trail: TRAIL, first: FIRST, prev: new Uint8Array(sha256('before')), receivedAt: 1_795_000_000_000 }, of);

async function stored(of: readonly Run[]): Promise<{ table: MemoryTable; item: Item; block: Block }> {
  const table = new MemoryTable();
  const block = built(of);
  await table.transact(storeBlock(block, await packBody(of), { commit: 'a commit' }));
  const item = await table.get(KEY);
  if (item === undefined) throw new Error('the block was not stored');
  return { table, item, block };
}

/** As blocks were stored before they had marks. */
function unmarked(item: Item): Item {
  const { marks: _, ...attributes } = item.attributes;
  return { ...item, attributes };
}

/** As they were stored before they said how many records are in a section: sixteen. */
function markedBySixteen(item: Item, { leaves }: Block): Item {
  const { section: _, marks: __, ...attributes } = item.attributes;
  const marks = Buffer.concat(leaves.filter((_, i) => i % 16 === 15 && i + 1 < leaves.length));
  return { ...item, attributes: marks.length === 0 ? attributes : { ...attributes, marks } };
}

const FORMS = { now: (item: Item) => item, markedBySixteen, unmarked };

describe('a block that was stored', () => {
  it('comes back as it was, whole and record by record, in any of the forms there have been', async () => {
    const forms = fc.constantFrom(...Object.values(FORMS));
    await fc.assert(
      fc.asyncProperty(runs, forms, fc.nat(), async (of, inForm, start) => {
        const { table, item, block } = await stored(of);
        const read = inForm(item, block);
        expect(await loadBlock(table, TRAIL, read)).toEqual(block);
        const open = await OpenBlock.open(table, TRAIL, read);
        expect(open).toMatchObject({ first: FIRST, count: block.count });
        for (let n = 0; n < block.count; n++) {
          const at = (start + n * 17) % block.count;
          expect(open.line(FIRST + at)).toBe(block.lines[at]);
        }
        expect(() => open.line(FIRST + block.count)).toThrow(RangeError);
      }),
      { numRuns: 50 },
    );
  });

  it('costs four bytes a record for marks, and none where it is small', async () => {
    const marksOf = async (count: number) =>
      (await stored([{ submitter: 'app', events: Array<string>(count).fill('{}') }])).item.attributes.marks;
    expect(await marksOf(8)).toBeUndefined();
    expect(await marksOf(9)).toHaveLength(32);
    expect(await marksOf(100)).toHaveLength(12 * 32);
    expect(await marksOf(1000)).toHaveLength(124 * 32);
  });
});

describe('a block that someone changed', () => {
  /** What a record reads as: its line, or that it is refused. */
  const readOf = (open: OpenBlock, seq: number): string | undefined => {
    try {
      return open.line(seq);
    } catch (error) {
      expect(error).toMatchObject({ code: 'store_corrupt' });
      return undefined;
    }
  };

  it('gives no record that is not as it was, and is refused as a whole', async () => {
    const meaningful = ['count', 'receivedAt', 'prev', 'last', 'section', 'marks', 'submitters', 'body'] as const;
    await fc.assert(
      fc.asyncProperty(
        runs,
        fc.constantFrom(...meaningful),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (of, name, at, by) => {
          const { table, item, block } = await stored(of);
          const value = item.attributes[name];
          if (value === undefined) return; // a small block, which has no marks
          const damaged = { ...item, attributes: { ...item.attributes, [name]: changed(value, at, by) } };
          const whole = await loadBlock(table, TRAIL, damaged).catch((error) => error.code);
          // Some bits of a compressed body and some spaces mean nothing.
          if (typeof whole === 'string') expect(whole).toBe('store_corrupt');
          else
            expect({ name, lines: whole.lines }).toEqual({
              name: expect.stringMatching(/body|submitters/),
              lines: block.lines,
            });
          const open = await OpenBlock.open(table, TRAIL, damaged).catch((error) => error.code);
          if (typeof open === 'string') {
            expect(open).toBe('store_corrupt');
            return;
          }
          for (const [n, line] of block.lines.entries()) expect([line, undefined]).toContain(readOf(open, FIRST + n));
        },
      ),
      { numRuns: 300 },
    );
  });

  const events = Array.from({ length: 100 }, (_, n) => `{"n":${n}}`);
  const forged = events.map((event, n) => (n === 40 ? '{"n":"forged"}' : event));

  it('gives no record of a body that was replaced, whichever is asked for', async () => {
    const { table, item } = await stored([{ submitter: 'app', events }]);
    const { bytes, rawBytes } = await packBody([{ submitter: 'app', events: forged }]);
    const open = await OpenBlock.open(table, TRAIL, {
      ...item,
      attributes: { ...item.attributes, body: bytes, rawBytes },
    });
    expect(readOf(open, FIRST + 40)).toBeUndefined();
    expect(readOf(open, FIRST + 47)).toBeUndefined(); // made together with the forged one
    expect(readOf(open, FIRST + 39)).toContain('{"n":39}');
    expect(readOf(open, FIRST + 48)).toContain('{"n":48}');
  });

  it('is refused as a whole where body and marks were made to fit each other, by the hash that the next block names', async () => {
    const { table, item } = await stored([{ submitter: 'app', events }]);
    const other = (await stored([{ submitter: 'app', events: forged }])).item.attributes;
    const { last } = item.attributes;
    const damaged = { ...item, attributes: { ...other, ...(last === undefined ? {} : { last }) } };
    await expect(loadBlock(table, TRAIL, damaged)).rejects.toMatchObject({
      code: 'store_corrupt',
      message: `the block at ${FIRST} of trail ${TRAIL} is damaged: its records do not hash to what was committed`,
    });
  });

  it.each([
    ...[0, 31, 33, 11 * 32, 13 * 32].map((bytes) => ['marks', bytes, new Uint8Array(bytes)] as const),
    ...[0, -8, 7.5, 8.2, 9, Number.MAX_VALUE].map((records) => ['section', records, records] as const),
  ])('is refused with other than twelve marks, one for eight records each: %s %s', async (name, _, value) => {
    const { table, item } = await stored([{ submitter: 'app', events }]);
    const damaged = { ...item, attributes: { ...item.attributes, [name]: value } };
    for (const read of [loadBlock, OpenBlock.open]) {
      await expect(read(table, TRAIL, damaged)).rejects.toMatchObject({
        code: 'store_corrupt',
        message: `the block at ${FIRST} of trail ${TRAIL} is damaged: its sizes are out of bounds`,
      });
    }
  });
});

function changed(value: Attribute, at: number, by: number): Attribute {
  if (typeof value === 'number') return value + by;
  if (typeof value === 'string') return `${value}${by}`;
  const copy = new Uint8Array(value);
  const index = at % copy.length;
  copy[index] = (copy[index] ?? 0) ^ by;
  return copy;
}
