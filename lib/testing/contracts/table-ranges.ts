import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Range, Write } from '../../store/ports.ts';
import { freshPartition, items, sorts, type TableUnderTest } from './table-driver.ts';

/** Texts whose UTF-8 order differs from their UTF-16 order, from every locale's, and from that of their numbers. */
const TEXTS = [
  '\u0000',
  '\u0001',
  ' ',
  '#',
  '10',
  '9',
  'A',
  'Z',
  'a',
  'a\u0000',
  'a\u0000b',
  'a ',
  'aa',
  'b',
  '~',
  '\u007f',
  '\u0080',
  'e\u0301',
  '\u00e9',
  '\u0130',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\ufb00',
  '\ufffd',
  '\uffff',
  '\u{10000}',
  '\u{1f600}',
  '\u{1f600}a',
  '\u{10ffff}',
];

function inByteOrder(texts: readonly string[]): string[] {
  return [...texts].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

export function rangesContract({ table }: TableUnderTest): void {
  const fill = async (partition: string, texts: readonly string[], bytes = 0): Promise<void> => {
    const writes = texts.map((sort): Write => ({ put: { partition, sort, attributes: { b: new Uint8Array(bytes) } } }));
    for (let i = 0; i < writes.length; i += 50) await table().transact(writes.slice(i, i + 50));
  };

  describe('ranges', () => {
    it('gives the items of a partition in the order of their UTF-8 bytes, and backwards', async () => {
      const partition = freshPartition();
      await fill(partition, TEXTS.toReversed());
      const ordered = inByteOrder(TEXTS);
      expect(ordered).not.toEqual([...TEXTS].sort());
      expect(await sorts(table(), { partition })).toEqual(ordered);
      expect(await sorts(table(), { partition, order: 'ascending' })).toEqual(ordered);
      expect(await sorts(table(), { partition, order: 'descending' })).toEqual(ordered.toReversed());
    });

    it('has inclusive bounds, whether or not an item stands on them', async () => {
      const partition = freshPartition();
      const ordered = inByteOrder(TEXTS);
      await fill(partition, TEXTS);
      const bounds = ['\u0000', '0', 'a', 'a\u0000', 'a\u0000a', '\ue000', '\uf000', '\u{10000}', '\u{10ffff}'];
      for (const from of [undefined, ...bounds]) {
        for (const to of [undefined, ...bounds]) {
          const range = { partition, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
          const expected = ordered.filter(
            (text) => (from === undefined || !isBelow(text, from)) && (to === undefined || !isBelow(to, text)),
          );
          expect(await sorts(table(), range)).toEqual(expected);
          expect(await sorts(table(), { ...range, order: 'descending' })).toEqual(expected.toReversed());
        }
      }
    });

    it('answers any range as a sorted list would', async () => {
      const text = fc.string({
        unit: fc.constantFrom('a', 'b', '\u0000', '\ufffd', '\u{1f600}'),
        minLength: 1,
        maxLength: 3,
      });
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(text, { maxLength: 12 }),
          text,
          text,
          fc.nat(14),
          async (texts, from, to, limit) => {
            const partition = freshPartition();
            await fill(partition, texts);
            const expected = inByteOrder(texts).filter((sort) => !isBelow(sort, from) && !isBelow(to, sort));
            expect(await sorts(table(), { partition, from, to, limit })).toEqual(expected.slice(0, limit));
            expect(await sorts(table(), { partition, from, to, limit, order: 'descending' })).toEqual(
              expected.toReversed().slice(0, limit),
            );
          },
        ),
        { numRuns: 40 },
      );
    });

    it('is empty where the bounds cross or the partition is unknown', async () => {
      const partition = freshPartition();
      await fill(partition, ['a', 'b', 'c']);
      expect(await sorts(table(), { partition, from: 'b', to: 'a' })).toEqual([]);
      expect(await sorts(table(), { partition, from: 'bb', to: 'bz' })).toEqual([]);
      expect(await sorts(table(), { partition: freshPartition() })).toEqual([]);
    });

    it('sees one partition only', async () => {
      const partition = freshPartition();
      for (const neighbour of [partition, `${partition}\u0000`, `${partition}a`, partition.slice(0, -1)]) {
        await fill(neighbour, [`in ${neighbour}`]);
      }
      expect(await sorts(table(), { partition })).toEqual([`in ${partition}`]);
    });

    it('stops at the limit, counted from the end that it starts at', async () => {
      const partition = freshPartition();
      await fill(partition, ['a', 'b', 'c', 'd']);
      expect(await sorts(table(), { partition, limit: 0 })).toEqual([]);
      expect(await sorts(table(), { partition, limit: 1 })).toEqual(['a']);
      expect(await sorts(table(), { partition, limit: 3, from: 'b' })).toEqual(['b', 'c', 'd']);
      expect(await sorts(table(), { partition, limit: 2, order: 'descending' })).toEqual(['d', 'c']);
      expect(await sorts(table(), { partition, limit: 2, to: 'c', order: 'descending' })).toEqual(['c', 'b']);
      expect(await sorts(table(), { partition, limit: 99 })).toEqual(['a', 'b', 'c', 'd']);
    });

    it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a limit of %s', async (limit) => {
      await expect(sorts(table(), { partition: 'a', limit })).rejects.toMatchObject({
        name: 'RangeError',
        message: expect.stringContaining('a limit is a whole number'),
      });
    });

    it.each<[string, Range]>([
      ['an empty partition', { partition: '' }],
      ['an empty lower bound', { partition: 'a', from: '' }],
      ['a lone surrogate as the upper bound', { partition: 'a', to: '\ud800' }],
      ['a bound of 1,025 bytes', { partition: 'a', to: 'x'.repeat(1025) }],
    ])('refuses %s', async (_, range) => {
      await expect(sorts(table(), range)).rejects.toMatchObject({
        name: 'RangeError',
        message: expect.stringContaining('well-formed text'),
      });
    });

    it('gives whole items, as get does', async () => {
      const partition = freshPartition();
      const item = {
        partition,
        sort: 'a',
        attributes: { n: 1, s: 'x', b: Uint8Array.of(1) },
        expiresAt: 4_000_000_000,
      };
      await table().transact([{ put: item }]);
      expect(await items(table(), { partition })).toStrictEqual([item]);
    });
  });

  describe('pages', () => {
    const numbers = Array.from({ length: 600 }, (_, n) => String(n).padStart(4, '0'));

    it('gives many items, each once and in order', async () => {
      const partition = freshPartition();
      await fill(partition, numbers);
      expect(await sorts(table(), { partition })).toEqual(numbers);
      expect(await sorts(table(), { partition, order: 'descending' })).toEqual(numbers.toReversed());
      expect(await sorts(table(), { partition, from: '0100', limit: 450 })).toEqual(numbers.slice(100, 550));
    });

    it('gives many large items, each once and in order', async () => {
      const partition = freshPartition();
      const few = numbers.slice(0, 40);
      await fill(partition, few, 70_000);
      expect(await sorts(table(), { partition })).toEqual(few);
      expect(await sorts(table(), { partition, order: 'descending' })).toEqual(few.toReversed());
    });

    it.each(['ascending', 'descending'] as const)('lets others write in between, %s', async (order) => {
      const partition = freshPartition();
      await fill(partition, numbers.slice(0, 300), 2_000);
      const standing = numbers.slice(0, 300).filter((_, n) => n % 3 === 0);
      const seen: string[] = [];
      for await (const { sort } of table().query({ partition, order })) {
        seen.push(sort);
        const n = Number(sort);
        // Removes what was just seen and what comes next, and adds around it.
        if (n % 3 === 1)
          await table().transact([{ remove: { partition, sort } }, { put: later(partition, `${sort}+`) }]);
        if (n % 3 === 0) await table().transact([{ remove: { partition, sort: numbers[n + 2] ?? 'none' } }]);
      }
      const expected = order === 'ascending' ? standing : standing.toReversed();
      expect(seen.filter((sort) => standing.includes(sort))).toEqual(expected);
      expect(new Set(seen).size).toBe(seen.length);
      expect(order === 'ascending' ? seen : seen.toReversed()).toEqual(inByteOrder(seen));
    });

    it('can be left in the middle', async () => {
      const partition = freshPartition();
      await fill(partition, numbers.slice(0, 300));
      for await (const { sort } of table().query({ partition })) if (sort === '0003') break;
      expect(await table().transact([{ remove: { partition, sort: '0003' } }])).toEqual({ committed: true });
      expect((await sorts(table(), { partition })).slice(0, 5)).toEqual(['0000', '0001', '0002', '0004', '0005']);
    });

    it('runs beside other queries of the same partition', async () => {
      const partition = freshPartition();
      await fill(partition, numbers);
      const all = await Promise.all(
        (['ascending', 'descending'] as const).flatMap((order) =>
          [1, 2].map(() => sorts(table(), { partition, order })),
        ),
      );
      expect(all).toEqual([numbers, numbers, numbers.toReversed(), numbers.toReversed()]);
    });
  });
}

function later(partition: string, sort: string) {
  return { partition, sort, attributes: {} };
}

function isBelow(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}
