import { describe, expect, it } from 'vitest';
import { LoadingCache } from '../../lib/base/loading-cache.ts';
import { Lru } from '../../lib/base/lru.ts';

describe('a cache', () => {
  it('drops what was used longest ago', () => {
    const cache = new Lru<number>(2);
    cache.set('a', 1);
    cache.set('b', 2);
    expect(cache.get('a')).toBe(1);
    cache.set('c', 3);
    expect(['a', 'b', 'c'].map((key) => cache.get(key))).toEqual([1, undefined, 3]);
    expect(cache.size).toBe(2);
  });

  it('holds a weight, whatever is set again or removed', () => {
    const cache = new Lru<string>(10);
    cache.set('a', 'light', 4);
    cache.set('b', 'light', 4);
    cache.set('a', 'heavy', 6);
    expect([cache.get('a'), cache.get('b')]).toEqual(['heavy', 'light']);
    cache.delete('a');
    cache.set('c', 'heavy', 6);
    expect([cache.get('b'), cache.get('c')]).toEqual(['light', 'heavy']);
    cache.set('d', 'light', 1);
    expect([cache.get('b'), cache.get('c'), cache.get('d')]).toEqual([undefined, 'heavy', 'light']);
  });

  it('does not keep what is heavier than all that it may keep', () => {
    const cache = new Lru<string>(10);
    cache.set('a', 'huge', 11);
    expect([cache.get('a'), cache.size]).toEqual([undefined, 0]);
    new Lru<string>(0).set('a', 'any');
    expect(() => new Lru(Number.NaN)).toThrow(RangeError);
  });
});

describe('a cache that loads', () => {
  it('loads once for all who ask, at the same time and later', async () => {
    const cache = new LoadingCache<{ n: number }>(10, () => 1);
    let loads = 0;
    const load = async () => ({ n: ++loads });
    const values = await Promise.all(['a', 'a', 'b'].map((key) => cache.get(key, load)));
    expect([...values, await cache.get('a', load)].map(({ n }) => n)).toEqual([1, 1, 2, 1]);
  });

  it('tells all who ask of a failure, and loads again after it', async () => {
    const cache = new LoadingCache<string>(10, () => 1);
    const fail = () => Promise.reject(new Error('away'));
    const answers = await Promise.allSettled([cache.get('a', fail), cache.get('a', fail)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await cache.get('a', async () => 'back')).toBe('back');
  });

  it('does not keep a value without a weight', async () => {
    const cache = new LoadingCache<string | undefined>(10, (value) => value?.length);
    expect(await cache.get('a', async () => undefined)).toBeUndefined();
    expect(await cache.get('a', async () => 'now')).toBe('now');
  });
});
