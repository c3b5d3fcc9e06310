import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, freshPrefix, type ObjectsUnderTest } from './objects-driver.ts';

/** Keys whose byte order is not that of a walk which sorts each folder's names: `/` comes after `-` and `.`. */
const KEYS = [
  'a-b',
  'a.b',
  'a/b',
  'a/b.c',
  'a/c/d',
  'a/c-d',
  'a/c.d',
  'a0',
  'a=b',
  'aA',
  'aB',
  'a_',
  'aa',
  'B',
  'b/a',
  'b.',
];

export function listingContract({ objects, keepsVersions }: ObjectsUnderTest): void {
  const keysOf = async (prefix: string, after?: string): Promise<string[]> => {
    const entries = await Array.fromAsync(objects().list(prefix, after === undefined ? {} : { after }));
    return entries.map((entry) => entry.key.slice(prefix.indexOf('/') + 1));
  };
  const fill = async (prefix: string, keys: readonly string[]) => {
    // No more at once than a client has sockets: what waits for one counts as what gets no connection.
    const rest = keys.values();
    const put = async () => {
      for (const key of rest) await objects().put(prefix + key, bytesOf(key));
    };
    await Promise.all(Array.from({ length: 32 }, put));
  };

  describe('lists', () => {
    it('gives keys in the order of their bytes, with sizes', async () => {
      const prefix = freshPrefix();
      await fill(prefix, KEYS.toReversed());
      const listed = await Array.fromAsync(objects().list(prefix));
      expect(listed).toEqual([...KEYS].sort().map((key) => ({ key: prefix + key, size: key.length })));
    });

    it('gives the keys that start with a prefix, wherever in a segment it ends', async () => {
      const prefix = freshPrefix();
      await fill(prefix, KEYS);
      for (const start of ['', 'a', 'a/', 'a/c', 'a/c/', 'a-', 'b', 'b/', 'B', 'zz', 'zz/y', 'a/b.c', 'a/b.cc', '..']) {
        expect(await keysOf(prefix + start)).toEqual([...KEYS].sort().filter((key) => key.startsWith(start)));
      }
    });

    it('goes on after a key, whether or not it stands there', async () => {
      const prefix = freshPrefix();
      await fill(prefix, KEYS);
      for (const after of [...KEYS, 'a', 'a/', 'a/c', 'a/c/', 'a/c/e', '0', 'zz', 'a/zz/y']) {
        expect(await keysOf(prefix, prefix + after)).toEqual([...KEYS].sort().filter((key) => key > after));
      }
      expect(await keysOf(`${prefix}a/`, `${prefix}a/c-d`)).toEqual(['a/c.d', 'a/c/d']);
      expect(await keysOf(`${prefix}a/`, `${prefix}B`)).toEqual(['a/b', 'a/b.c', 'a/c-d', 'a/c.d', 'a/c/d']);
      expect(await keysOf(`${prefix}a/`, `${prefix}aa`)).toEqual([]);
    });

    it('lists any set of keys as a sorted set would', async () => {
      const segment = fc.string({ unit: fc.constantFrom('a', 'b', '-', '=', '.'), minLength: 1, maxLength: 2 });
      const key = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/x'));
      const valid = key.filter((text) => !/(^|\/)\.\.?($|\/)/.test(text));
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(valid, { maxLength: 8 }), valid, async (candidates, after) => {
          const keys = candidates.filter((text) => !candidates.some((other) => other.startsWith(`${text}/`)));
          const prefix = freshPrefix();
          await fill(prefix, keys);
          expect(await keysOf(prefix)).toEqual([...keys].sort());
          expect(await keysOf(prefix, prefix + after)).toEqual([...keys].sort().filter((text) => text > after));
        }),
        { numRuns: 30 },
      );
    });

    it('shows a write to every list that begins after it', async () => {
      const prefix = freshPrefix();
      for (const key of ['b', 'a', 'c']) {
        await objects().put(prefix + key, bytesOf(key));
        expect(await keysOf(prefix)).toContain(key);
      }
    });

    it('gives more keys than a page of S3 holds, each once, while others are added', async () => {
      const prefix = freshPrefix();
      const keys = Array.from({ length: 1_050 }, (_, n) => `d${n % 3}/${String(n).padStart(4, '0')}`);
      await fill(prefix, keys);
      const seen: string[] = [];
      for await (const { key } of objects().list(prefix)) {
        if (seen.length % 200 === 0) await objects().put(`${key}-added`, bytesOf('x'));
        seen.push(key.slice(prefix.length));
      }
      expect(seen.filter((key) => !key.endsWith('-added'))).toEqual([...keys].sort());
      expect(seen).toEqual([...new Set(seen)].sort());
    });

    it('can be left in the middle', async () => {
      const prefix = freshPrefix();
      await fill(prefix, KEYS);
      for await (const { key } of objects().list(prefix)) if (key.endsWith('a.b')) break;
      expect(await keysOf(`${prefix}a/`)).toHaveLength(5);
    });
  });

  describe('versions', () => {
    it('gives the version of each object, in the order of keys, and its bytes', async () => {
      const prefix = freshPrefix();
      const before = Date.now();
      await fill(prefix, KEYS);
      const versions = await Array.fromAsync(objects().versions(prefix));
      expect(versions).toEqual(
        [...KEYS].sort().map((key) => ({
          key: prefix + key,
          size: key.length,
          version: expect.stringMatching(/./),
          isLatest: true,
          isDeleteMarker: false,
          modifiedAt: expect.any(Number),
        })),
      );
      for (const { key, version, modifiedAt } of versions) {
        expect(await objects().getVersion(key, version)).toEqual(bytesOf(key.slice(prefix.length)));
        expect(await objects().getVersion(key, `${version}x`)).toBeUndefined();
        // Clocks of stores may be coarse, and a little off.
        expect(Math.abs(modifiedAt - before)).toBeLessThan(60_000);
      }
    });

    it('takes a prefix that ends within a segment', async () => {
      const prefix = freshPrefix();
      await fill(prefix, KEYS);
      const versions = await Array.fromAsync(objects().versions(`${prefix}a/c`));
      expect(versions.map(({ key }) => key.slice(prefix.length))).toEqual(['a/c-d', 'a/c.d', 'a/c/d']);
    });

    it(`${keepsVersions ? 'keeps' : 'drops'} what was replaced`, async () => {
      const prefix = freshPrefix();
      const key = `${prefix}checkpoint`;
      const texts = ['first', 'second', 'third'];
      for (const text of texts) await objects().replace(key, bytesOf(text));
      const versions = await Array.fromAsync(objects().versions(prefix));
      const kept = keepsVersions ? texts.toReversed() : ['third'];
      const bytes = await Promise.all(versions.map(({ version }) => objects().getVersion(key, version)));
      expect(bytes).toEqual(kept.map(bytesOf));
      expect(versions.map(({ isLatest }) => isLatest)).toEqual(kept.map((text) => text === 'third'));
      expect(new Set(versions.map(({ version }) => version)).size).toBe(kept.length);
      expect(await keysOf(prefix)).toEqual(['checkpoint']);
    });
  });
}
