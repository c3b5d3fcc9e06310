import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Attribute, Item, Write } from '../../store/ports.ts';
import { freshPartition, type TableUnderTest } from './table-driver.ts';

const MAX_INTEGER = Number.MAX_SAFE_INTEGER;

/** Names, keys and values of this item take exactly so many bytes. */
function itemOfBytes(partition: string, sort: string, bytes: number): Item {
  return { partition, sort, attributes: { b: new Uint8Array(bytes - partition.length - sort.length - 1).fill(7) } };
}

export function itemsContract({ table }: TableUnderTest): void {
  const put = (item: Item) => table().transact([{ put: item }]);

  describe('items', () => {
    it('has nothing where nothing was put', async () => {
      expect(await table().get({ partition: freshPartition(), sort: 'a' })).toBeUndefined();
    });

    it.each<[string, Attribute]>([
      ['an empty text', ''],
      ['text of every plane', 'aé\u0000\n"\\ \u2028 \ufffd \u{1f600} \u{10ffff}'],
      ['text that looks like JSON', '{"a":[0,1]}'],
      ['text that looks like a number', '007'],
      ['zero', 0],
      ['minus one', -1],
      ['the largest number', MAX_INTEGER],
      ['the smallest number', -MAX_INTEGER],
      ['no bytes', new Uint8Array(0)],
      ['each byte', Uint8Array.from({ length: 256 }, (_, byte) => byte)],
      ['100,000 bytes', new Uint8Array(100_000).fill(0xa5)],
    ])('gives back %s as it was', async (_, value) => {
      const item = { partition: freshPartition(), sort: 'a', attributes: { value, beside: 'it' } };
      await put(item);
      expect(await table().get(item)).toStrictEqual(item);
    });

    it('takes any non-empty attribute name, those included that mean something elsewhere', async () => {
      const names = [
        '__proto__',
        'constructor',
        'toJSON',
        '1',
        'a b',
        'é',
        'partition',
        'sort',
        'expiresAt',
        '#a',
        ':a',
      ];
      const attributes = Object.fromEntries(names.map((name, index) => [name, index]));
      const item = { partition: freshPartition(), sort: 'a', attributes };
      await put(item);
      const found = await table().get(item);
      expect(Object.entries(found?.attributes ?? {}).sort()).toEqual(Object.entries(attributes).sort());
    });

    it('gives back any item as it was', async () => {
      const text = fc.string({ unit: 'binary' });
      const value = fc.oneof(text, fc.maxSafeInteger(), fc.uint8Array());
      const attributes = fc.dictionary(fc.string({ unit: 'binary', minLength: 1 }), value, { noNullPrototype: true });
      const sort = fc.string({ unit: 'binary', minLength: 1 });
      const partition = freshPartition();
      await fc.assert(
        fc.asyncProperty(sort, attributes, async (sort, attributes) => {
          const item = { partition, sort, attributes: withoutMinusZero(attributes) };
          await put(item);
          expect(await table().get(item)).toEqual(item);
        }),
        { numRuns: 60 },
      );
    });

    it('keeps keys apart that look alike', async () => {
      const partition = freshPartition();
      const keys = [
        ['ab', 'c'],
        ['a', 'bc'],
        ['a', 'bc '],
        ['a', 'BC'],
        ['a', 'b\u0000c'],
        ['a', '\u00e9'],
        ['a', 'e\u0301'],
        ['a\u0000', 'bc'],
        ['a/b', 'c'],
        ['a', 'b/c'],
        ['a#', '%'],
        ['a', '#%'],
      ].map(([first, sort]) => ({ partition: `${partition}${first}`, sort: sort ?? '' }));
      await table().transact(keys.map((key, index) => ({ put: { ...key, attributes: { index } } })));
      const found = await Promise.all(keys.map((key) => table().get(key)));
      expect(found.map((item) => item?.attributes.index)).toEqual(keys.map((_, index) => index));
    });

    it('replaces the whole item, the attributes and the expiry that are gone included', async () => {
      const key = { partition: freshPartition(), sort: 'a' };
      await put({ ...key, attributes: { old: 1, both: 'x' }, expiresAt: 4_000_000_000 });
      await put({ ...key, attributes: { both: 'y' } });
      expect(await table().get(key)).toStrictEqual({ ...key, attributes: { both: 'y' } });
    });

    it('shares no memory with its callers', async () => {
      const bytes = Uint8Array.of(1, 2, 3);
      const item = { partition: freshPartition(), sort: 'a', attributes: { bytes, more: Uint8Array.of(4, 5) } };
      await put(item);
      bytes.fill(9);
      const first = (await table().get(item))?.attributes.bytes;
      expect(first).toEqual(Uint8Array.of(1, 2, 3));
      if (first instanceof Uint8Array) first.fill(8);
      expect((await table().get(item))?.attributes).toEqual({
        bytes: Uint8Array.of(1, 2, 3),
        more: Uint8Array.of(4, 5),
      });
    });

    it('keeps the expiry; an item that expired is as it was or gone', async () => {
      const partition = freshPartition();
      const later = { partition, sort: 'later', attributes: {}, expiresAt: 4_000_000_000 };
      const past = { partition, sort: 'past', attributes: { a: 1 }, expiresAt: 1_000_000_000 };
      await table().transact([{ put: later }, { put: past }]);
      expect(await table().get(later)).toStrictEqual(later);
      expect([past, undefined]).toContainEqual(await table().get(past));
    });
  });

  describe('limits', () => {
    it('takes an item of 400,000 bytes and refuses one of a byte more', async () => {
      const partition = freshPartition();
      const most = itemOfBytes(partition, 'most', 400_000);
      expect(await put(most)).toEqual({ committed: true });
      expect(await table().get(most)).toEqual(most);
      await expect(put(itemOfBytes(partition, 'over', 400_001))).rejects.toMatchObject({
        name: 'RangeError',
        message: expect.stringMatching(/at most 400000 bytes.*"over".*400001/),
      });
    });

    it('counts UTF-8 bytes, and ten for a number', async () => {
      const key = { partition: freshPartition(), sort: 'a' };
      const counted = { n: 1, é: 'é'.repeat(1_000) };
      const left = 400_000 - key.partition.length - key.sort.length - (1 + 10) - (2 + 2_000) - 'pad'.length;
      const most = { ...key, attributes: { ...counted, pad: 'x'.repeat(left) } };
      expect(await put(most)).toEqual({ committed: true });
      expect(await table().get(key)).toEqual(most);
      await expect(put({ ...key, attributes: { ...counted, pad: 'x'.repeat(left + 1) } })).rejects.toMatchObject({
        name: 'RangeError',
        message: expect.stringContaining('400001'),
      });
    });

    it('refuses an update that makes an item too large, and writes nothing', async () => {
      const partition = freshPartition();
      const item = itemOfBytes(partition, 'a', 300_000);
      await put(item);
      const writes: Write[] = [
        { put: { partition, sort: 'b', attributes: {} } },
        { update: item, set: { more: new Uint8Array(300_000) } },
      ];
      await expect(table().transact(writes)).rejects.toMatchObject({
        name: 'RangeError',
        message: expect.stringContaining('400000 bytes'),
      });
      expect(await table().get({ partition, sort: 'b' })).toBeUndefined();
      expect(await table().get(item)).toEqual(item);
    });

    it.each([
      ['an empty partition', { partition: '', sort: 'a' }],
      ['an empty sort key', { partition: 'a', sort: '' }],
      ['a partition of 2,049 bytes', { partition: 'x'.repeat(2049), sort: 'a' }],
      ['a sort key of 1,025 bytes', { partition: 'a', sort: `${'é'.repeat(512)}x` }],
      ['a lone surrogate', { partition: 'a', sort: 'b\ud800' }],
    ])('refuses %s in a key', async (_, key) => {
      const refused = {
        name: 'RangeError',
        message: expect.stringMatching(/key has 1 to \d+ bytes of well-formed text/),
      };
      await expect(table().get(key)).rejects.toMatchObject(refused);
      await expect(put({ ...key, attributes: {} })).rejects.toMatchObject(refused);
      await expect(table().transact([{ remove: key }])).rejects.toMatchObject(refused);
    });

    it('takes keys of 2,048 and 1,024 bytes', async () => {
      const item = {
        partition: `${freshPartition().padEnd(2046, 'x')}é`,
        sort: '\u{1f600}'.repeat(256),
        attributes: { a: 1 },
      };
      expect(await put(item)).toEqual({ committed: true });
      expect(await table().get(item)).toEqual(item);
    });

    it.each<[string, unknown]>([
      ['a fraction', 1.5],
      ['2^53', MAX_INTEGER + 1],
      ['NaN', Number.NaN],
      ['infinity', Number.NEGATIVE_INFINITY],
      ['a lone surrogate', 'x\udc00'],
      ['null', null],
      ['undefined', undefined],
      ['a boolean', true],
      ['a bigint', 1n],
      ['an array', [1]],
      ['an ArrayBuffer', new ArrayBuffer(1)],
    ])('refuses %s as a value', async (_, value) => {
      const key = { partition: freshPartition(), sort: 'a' };
      // What a caller in JavaScript might pass.
      const attributes = { good: 1, bad: value as Attribute };
      const refused = { name: 'RangeError', message: expect.stringContaining('"bad"') };
      await expect(put({ ...key, attributes })).rejects.toMatchObject(refused);
      await expect(table().transact([{ update: key, set: attributes }])).rejects.toMatchObject(refused);
      expect(await table().get(key)).toBeUndefined();
    });

    it('refuses attribute names that are empty or not well-formed, and times that are not whole seconds', async () => {
      const key = { partition: freshPartition(), sort: 'a' };
      for (const name of ['', '\ud800']) {
        await expect(put({ ...key, attributes: { [name]: 1 } })).rejects.toMatchObject({
          name: 'RangeError',
          message: expect.stringContaining('bad name'),
        });
      }
      for (const expiresAt of [1.5, -1, Number.NaN, MAX_INTEGER + 1]) {
        await expect(put({ ...key, attributes: {}, expiresAt })).rejects.toMatchObject({
          name: 'RangeError',
          message: expect.stringContaining('whole seconds'),
        });
      }
      expect(await table().get(key)).toBeUndefined();
    });
  });
}

/** Equal to 0, and so no value of its own. */
function withoutMinusZero(attributes: Record<string, Attribute>): Record<string, Attribute> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, typeof value === 'number' ? value + 0 : value]),
  );
}
