import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Objects } from '../../store/ports.ts';
import { bytesOf, freshPrefix, type ObjectsDriver, type ObjectsUnderTest } from './objects-driver.ts';
import { holdContract } from './objects-hold.ts';
import { listingContract } from './objects-listing.ts';

/**
 * The contract of the port `Objects`, sentence by sentence. Every driver runs it.
 *
 * @example
 * objectsContract('FolderObjects', { open: () => FolderObjects.open(folder), keepsVersions: false });
 */
export function objectsContract(name: string, driver: ObjectsDriver): void {
  describe(`${name} keeps the contract of Objects`, () => {
    let objects: Objects;
    beforeAll(async () => {
      objects = await driver.open();
    });
    afterAll(() => objects.close());
    const underTest = { objects: () => objects, keepsVersions: driver.keepsVersions };

    bytesContract(underTest);
    listingContract(underTest);
    holdContract(underTest);

    describe('the end of it', () => {
      it('keeps what it acknowledged when it is closed and opened again', async () => {
        const prefix = freshPrefix();
        await objects.put(`${prefix}put`, bytesOf('put'));
        await objects.replace(`${prefix}replaced`, bytesOf('old'));
        await objects.replace(`${prefix}replaced`, bytesOf('new'));
        await objects.close();
        objects = await driver.open();
        expect(await objects.get(`${prefix}put`)).toEqual(bytesOf('put'));
        expect(await objects.get(`${prefix}replaced`)).toEqual(bytesOf('new'));
      });

      it('refuses every call once it is closed, and closing again is nothing', async () => {
        const key = `${freshPrefix()}a`;
        const closed = objects;
        await closed.close();
        await closed.close();
        const refused = { code: 'unavailable', message: expect.stringContaining('closed') };
        await expect(closed.put(key, bytesOf('a'))).rejects.toMatchObject(refused);
        await expect(closed.replace(key, bytesOf('a'))).rejects.toMatchObject(refused);
        await expect(closed.get(key)).rejects.toMatchObject(refused);
        await expect(closed.getVersion(key, 'null')).rejects.toMatchObject(refused);
        await expect(closed.hold(key, 'null', true)).rejects.toMatchObject(refused);
        await expect(closed.isHeld(key, 'null')).rejects.toMatchObject(refused);
        await expect(Array.fromAsync(closed.list(key))).rejects.toMatchObject(refused);
        await expect(Array.fromAsync(closed.versions(key))).rejects.toMatchObject(refused);
        objects = await driver.open();
        expect(await objects.get(key)).toBeUndefined();
      });
    });
  });
}

function bytesContract({ objects }: ObjectsUnderTest): void {
  const inAnHour = () => ({ until: Date.now() + 3_600_000 });

  describe('objects', () => {
    it('has nothing where nothing was put, nor where only longer keys are', async () => {
      const prefix = freshPrefix();
      expect(await objects().get(`${prefix}a`)).toBeUndefined();
      expect(await objects().getVersion(`${prefix}a`, 'null')).toBeUndefined();
      await objects().put(`${prefix}a/b`, bytesOf('x'));
      expect(await objects().get(`${prefix}a`)).toBeUndefined();
      expect(await objects().get(`${prefix}a/b/c`)).toBeUndefined();
    });

    it.each([
      ['no bytes', new Uint8Array(0)],
      ['one byte', Uint8Array.of(0)],
      ['each byte', Uint8Array.from({ length: 256 }, (_, byte) => byte)],
      ['5 MB', new Uint8Array(5_000_000).map((_, i) => i * 31)],
    ])('gives back %s as they were', async (_, bytes) => {
      const key = `${freshPrefix()}a`;
      expect(await objects().put(key, bytes, inAnHour())).toBe('created');
      expect(Buffer.compare((await objects().get(key)) ?? bytesOf('none'), bytes)).toBe(0);
    });

    it('shares no memory with its callers', async () => {
      const key = `${freshPrefix()}a`;
      const bytes = bytesOf('abc');
      await objects().put(key, bytes);
      bytes.fill(0);
      (await objects().get(key))?.fill(1);
      expect(await objects().get(key)).toEqual(bytesOf('abc'));
    });

    it('takes the same bytes again as success', async () => {
      const key = `${freshPrefix()}a`;
      expect(await objects().put(key, bytesOf('same'))).toBe('created');
      expect(await objects().put(key, bytesOf('same'))).toBe('existed');
      expect(await objects().put(key, bytesOf('same'), inAnHour())).toBe('existed');
      expect(await Array.fromAsync(objects().versions(key))).toHaveLength(1);
    });

    it.each(['other', 'sam', 'samee', ''])('refuses other bytes (%j) and keeps the first', async (other) => {
      const key = `${freshPrefix()}a`;
      await objects().put(key, bytesOf('same'));
      await expect(objects().put(key, bytesOf(other))).rejects.toMatchObject({
        code: 'object_differs',
        message: expect.stringMatching(/already holds other bytes/),
      });
      expect(await objects().get(key)).toEqual(bytesOf('same'));
      expect(await Array.fromAsync(objects().versions(key))).toHaveLength(1);
    });

    it('replaces an object, and makes one where there is none', async () => {
      const key = `${freshPrefix()}checkpoint`;
      for (const text of ['first', 'second', 'second', '']) {
        await objects().replace(key, bytesOf(text));
        expect(await objects().get(key)).toEqual(bytesOf(text));
      }
    });

    it('refuses to put other bytes over an object that was replaced', async () => {
      const key = `${freshPrefix()}checkpoint`;
      await objects().replace(key, bytesOf('old'), inAnHour());
      await objects().replace(key, bytesOf('new'), inAnHour());
      expect(await objects().put(key, bytesOf('new'))).toBe('existed');
      await expect(objects().put(key, bytesOf('old'))).rejects.toMatchObject({
        code: 'object_differs',
        message: expect.stringContaining(key),
      });
    });

    it('lets one of many create an object: the same bytes exist, others differ', async () => {
      const key = `${freshPrefix()}deep/er/a`;
      const texts = Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? 'even' : 'odd'));
      const results = await Promise.allSettled(texts.map((text) => objects().put(key, bytesOf(text))));
      const stored = Buffer.from((await objects().get(key)) ?? []).toString();
      const outcomes = results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code));
      expect(outcomes.filter((answer) => answer === 'created')).toHaveLength(1);
      expect(outcomes).toEqual(
        texts.map((text, n) =>
          text !== stored ? 'object_differs' : outcomes[n] === 'created' ? 'created' : 'existed',
        ),
      );
    });

    it('has the whole of one of the objects that replace each other at once', async () => {
      const key = `${freshPrefix()}checkpoint`;
      const candidates = Array.from({ length: 8 }, (_, n) => new Uint8Array(50_000).fill(n));
      await Promise.all(candidates.map((bytes) => objects().replace(key, bytes)));
      expect(candidates).toContainEqual(await objects().get(key));
    });
  });

  describe('keys', () => {
    const good = ['a', 'A-Z.a_z=0', '...', '.a', 'a..', '-', '=', `${'x'.repeat(255)}/y`];
    it.each(good)('takes %j', async (segment) => {
      const key = freshPrefix() + segment;
      await objects().put(key, bytesOf(segment));
      expect(await objects().get(key)).toEqual(bytesOf(segment));
      expect(await Array.fromAsync(objects().list(key))).toEqual([{ key, size: Math.max(1, segment.length) }]);
    });

    it('takes a key of 1,024 characters', async () => {
      const key = (freshPrefix() + 'long/'.repeat(300)).slice(0, 1023).padEnd(1024, 'x');
      await objects().put(key, bytesOf('x'));
      expect(await objects().get(key)).toEqual(bytesOf('x'));
    });

    const bad = [
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      'a/..',
      'a/../b',
      './a',
      'a/.',
      'a b',
      'a\\b',
      'é',
      'a\0',
      'a\n',
      '~a',
      'a:b',
      '%2e',
      '*',
    ];
    it.each([...bad, 'x'.repeat(256), `${'x/'.repeat(512)}x`])('refuses %j', async (key) => {
      const refused = { name: 'RangeError', message: expect.stringContaining('not an object key') };
      await expect(objects().put(key, bytesOf('x'))).rejects.toMatchObject(refused);
      await expect(objects().replace(key, bytesOf('x'))).rejects.toMatchObject(refused);
      await expect(objects().get(key)).rejects.toMatchObject(refused);
      await expect(objects().getVersion(key, 'null')).rejects.toMatchObject(refused);
    });

    it.each(['/', '/a', 'a//', '../', 'a/../b', './', 'é', 'a b', `${'x'.repeat(256)}`])(
      'refuses the prefix %j, which no key can start with',
      async (prefix) => {
        const refused = { name: 'RangeError', message: expect.stringContaining('not a prefix') };
        await expect(Array.fromAsync(objects().list(prefix))).rejects.toMatchObject(refused);
        await expect(Array.fromAsync(objects().versions(prefix))).rejects.toMatchObject(refused);
      },
    );
  });
}
