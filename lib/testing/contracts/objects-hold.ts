import { describe, expect, it } from 'vitest';
import { bytesOf, freshPrefix, type ObjectsUnderTest } from './objects-driver.ts';

/** The port's promises on legal holds. */
export function holdContract({ objects, keepsVersions }: ObjectsUnderTest): void {
  const versionsOf = async (key: string) => (await Array.fromAsync(objects().versions(key))).map((one) => one.version);
  const heldOf = async (key: string) => {
    const versions = await versionsOf(key);
    return Promise.all(versions.map((version) => objects().isHeld(key, version)));
  };

  describe('a legal hold', () => {
    it('is set and released, however often, and changes nothing that is read', async () => {
      const key = `${freshPrefix()}checkpoints/7`;
      await objects().put(key, bytesOf('sealed'));
      const [version = ''] = await versionsOf(key);
      expect(await heldOf(key)).toEqual([false]);
      for (const isHeld of [true, true, false, false, true]) {
        await objects().hold(key, version, isHeld);
        expect(await objects().isHeld(key, version)).toBe(isHeld);
      }
      expect(await objects().get(key)).toEqual(bytesOf('sealed'));
      expect(await objects().put(key, bytesOf('sealed'))).toBe('existed');
      expect(await Array.fromAsync(objects().list(key))).toEqual([{ key, size: 6 }]);
    });

    it('may come with the object', async () => {
      const prefix = freshPrefix();
      await objects().put(`${prefix}put`, bytesOf('a'), { isHeld: true });
      await objects().put(`${prefix}locked`, bytesOf('b'), { until: Date.now() + 60_000, isHeld: true });
      await objects().replace(`${prefix}replaced`, bytesOf('c'), { isHeld: true });
      for (const name of ['put', 'locked', 'replaced'])
        expect([name, await heldOf(prefix + name)]).toEqual([name, [true]]);
    });

    it('is about one version: what is put over it is not held', async () => {
      const key = `${freshPrefix()}checkpoint`;
      await objects().replace(key, bytesOf('first'), { isHeld: true });
      await objects().replace(key, bytesOf('second'));
      expect(await heldOf(key)).toEqual(keepsVersions ? [false, true] : [false]);
      const [newest = ''] = await versionsOf(key);
      await objects().hold(key, newest, true);
      expect(await heldOf(key)).toEqual(keepsVersions ? [true, true] : [true]);
      expect(await objects().get(key)).toEqual(bytesOf('second'));
    });

    it('of what is not there is nothing', async () => {
      const key = `${freshPrefix()}nothing`;
      await objects().hold(key, 'null', true);
      await objects().hold(key, 'null', false);
      expect(await objects().isHeld(key, 'null')).toBe(false);
      expect(await objects().get(key)).toBeUndefined();
      await expect(objects().hold('../out', 'null', true)).rejects.toThrow(RangeError);
      await expect(objects().isHeld('../out', 'null')).rejects.toThrow(RangeError);
    });
  });

  it('versions begin behind a key', async () => {
    const prefix = freshPrefix();
    for (const name of ['a', 'a-', 'b', 'c']) await objects().put(prefix + name, bytesOf(name));
    for (const [after, rest] of [
      ['', ['a', 'a-', 'b', 'c']],
      ['a', ['a-', 'b', 'c']],
      ['az', ['b', 'c']],
      ['c', []],
    ] as const) {
      const found = await Array.fromAsync(objects().versions(prefix, { after: prefix + after }));
      expect([after, found.map(({ key }) => key.slice(prefix.length))]).toEqual([after, rest]);
    }
  });
}
