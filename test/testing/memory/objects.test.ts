import { describe, expect, it } from 'vitest';
import { objectsContract } from '../../../lib/testing/contracts/objects.ts';
import { bytesOf } from '../../../lib/testing/contracts/objects-driver.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';

let shared = new MemoryObjects();
objectsContract('MemoryObjects', {
  open: async () => {
    shared = shared.restarted();
    return shared;
  },
  keepsVersions: true,
});

describe('what an attacker can do to a locked bucket, MemoryObjects can do', () => {
  const now = 1_800_000_000_000;
  const texts = async (objects: MemoryObjects): Promise<[key: string, text: string | undefined, latest: boolean][]> => {
    const versions = await Array.fromAsync(objects.versions(''));
    return Promise.all(
      versions.map(async ({ key, version, isLatest }) => {
        const bytes = await objects.getVersion(key, version);
        return [key, bytes && Buffer.from(bytes).toString(), isLatest] as [string, string | undefined, boolean];
      }),
    );
  };

  it('shadows an object with a later version, which does not remove the first', async () => {
    const objects = new MemoryObjects(() => now);
    await objects.put('a', bytesOf('true'), { until: now + 1 });
    objects.overwrite('a', bytesOf('false'));
    expect(await objects.get('a')).toEqual(bytesOf('false'));
    expect(await texts(objects)).toEqual([
      ['a', 'false', true],
      ['a', 'true', false],
    ]);
  });

  it('hides an object behind a delete marker, which frees the key for a put', async () => {
    const objects = new MemoryObjects(() => now);
    await objects.put('a', bytesOf('true'), { until: now + 1 });
    const marker = objects.hide('a');
    expect(await objects.get('a')).toBeUndefined();
    expect(await Array.fromAsync(objects.list(''))).toEqual([]);
    expect(await objects.getVersion('a', marker)).toBeUndefined();
    expect(await Array.fromAsync(objects.versions(''))).toEqual([
      { key: 'a', version: marker, isLatest: true, isDeleteMarker: true, size: 0, modifiedAt: now },
      { key: 'a', version: expect.any(String), isLatest: false, isDeleteMarker: false, size: 4, modifiedAt: now },
    ]);
    expect(await objects.put('a', bytesOf('false'))).toBe('created');
    expect(await texts(objects)).toEqual([
      ['a', 'false', true],
      ['a', undefined, false],
      ['a', 'true', false],
    ]);
    const [, markerNow] = await Array.fromAsync(objects.versions(''));
    objects.destroyVersion('a', markerNow?.version ?? '');
    expect(await texts(objects)).toHaveLength(2);
  });

  it('destroys a version only once its lock has ended, and a marker at any time', async () => {
    let clock = now;
    const objects = new MemoryObjects(() => clock);
    await objects.put('a', bytesOf('true'), { until: now + 1_000 });
    const [version] = await Array.fromAsync(objects.versions('a'));
    expect(objects.lockedUntil('a')).toBe(now + 1_000);
    clock = now + 999;
    expect(() => objects.destroyVersion('a', version?.version ?? '')).toThrow(
      expect.objectContaining({ code: 'forbidden', message: 'a is locked until 2027-01-15T08:00:01.000Z' }),
    );
    clock = now + 1_000;
    objects.destroyVersion('a', version?.version ?? '');
    expect(await Array.fromAsync(objects.versions(''))).toEqual([]);
  });

  it('keeps the first retention when the same bytes are put again', async () => {
    const objects = new MemoryObjects(() => now);
    await objects.put('a', bytesOf('x'), { until: now + 1 });
    await objects.put('a', bytesOf('x'), { until: now + 9 });
    await objects.put('b', bytesOf('x'));
    await objects.put('b', bytesOf('x'), { until: now + 9 });
    expect([objects.lockedUntil('a'), objects.lockedUntil('b')]).toEqual([now + 1, undefined]);
  });

  it('changes and removes bytes in place, as someone with the disk could', async () => {
    const objects = new MemoryObjects(() => now);
    await objects.put('a', bytesOf('true'), { until: now + 1 });
    await objects.put('b', bytesOf('true'), { until: now + 1 });
    objects.tamper('a', bytesOf('fals'));
    objects.tamper('b', undefined);
    expect(await texts(objects)).toEqual([['a', 'fals', true]]);
    expect(await objects.get('b')).toBeUndefined();
  });

  it('has no version to attack where there is none', () => {
    const objects = new MemoryObjects(() => now);
    expect(() => objects.tamper('a', undefined)).toThrow(new RangeError('there is no version "" of a'));
    expect(() => objects.destroyVersion('a', 'v')).toThrow(new RangeError('there is no version "v" of a'));
  });
});
