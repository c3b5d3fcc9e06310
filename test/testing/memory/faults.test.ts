import { describe, expect, it } from 'vitest';
import type { Item } from '../../../lib/store/ports.ts';
import { bytesOf } from '../../../lib/testing/contracts/objects-driver.ts';
import { sorts } from '../../../lib/testing/contracts/table-driver.ts';
import type { FaultEffect } from '../../../lib/testing/memory/faults.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';

const item = (sort: string): Item => ({ partition: 'p', sort, attributes: {} });
const everything = { partition: 'p' };

/** Puts items a, b, c, … until one fails. @returns what became of each. */
async function putUntilFailure(table: MemoryTable, sortKeys: string): Promise<string[]> {
  const told: string[] = [];
  for (const sort of sortKeys) {
    told.push(
      await table.transact([{ put: item(sort) }]).then(
        () => 'stored',
        (error) => error.code,
      ),
    );
  }
  return told;
}

describe('faults of a memory table', () => {
  it.each<[FaultEffect, string[], string[]]>([
    ['unpersisted', ['stored', 'unavailable', 'stored'], ['a', 'c']],
    ['persisted', ['stored', 'outcome_unknown', 'stored'], ['a', 'b', 'c']],
    ['cut_before', ['stored', 'unavailable', 'unavailable'], ['a']],
    ['cut_after', ['stored', 'outcome_unknown', 'unavailable'], ['a', 'b']],
  ])('%s: says and stores what that means', async (effect, told, stored) => {
    const table = new MemoryTable();
    table.faults.add({ effect, nth: 2 });
    expect(await putUntilFailure(table, 'abc')).toEqual(told);
    expect(await sorts(table.restarted(), everything)).toEqual(stored);
  });

  it('says in words that the fault was planned', async () => {
    const table = new MemoryTable();
    table.faults.add({ effect: 'unpersisted' });
    table.faults.add({ effect: 'cut_before', nth: 2 });
    const put = () => table.transact([{ put: item('a') }]);
    await expect(put()).rejects.toMatchObject({ code: 'unavailable', message: 'a planned fault: nothing was stored' });
    await expect(put()).rejects.toMatchObject({
      code: 'unavailable',
      message: 'a planned fault: the process was cut off',
    });
  });

  it('hits as many calls as planned, from the nth on, and can be called off', async () => {
    const table = new MemoryTable();
    table.faults.add({ effect: 'unpersisted', nth: 2, times: 2 });
    expect(await putUntilFailure(table, 'abcd')).toEqual(['stored', 'unavailable', 'unavailable', 'stored']);
    table.faults.add({ effect: 'unpersisted', times: 9 });
    table.faults.clear();
    expect(await putUntilFailure(table, 'ef')).toEqual(['stored', 'stored']);
  });

  it('hits the calls that match', async () => {
    const table = new MemoryTable();
    table.faults.add({
      effect: 'unpersisted',
      matching: (call) => 'transact' in call && call.transact.some((write) => 'put' in write && write.put.sort === 'b'),
    });
    table.faults.add({ effect: 'unpersisted', matching: (call) => 'get' in call, nth: 2 });
    expect(await putUntilFailure(table, 'abc')).toEqual(['stored', 'unavailable', 'stored']);
    expect(await table.get(item('a'))).toEqual(item('a'));
    await expect(table.get(item('a'))).rejects.toMatchObject({ code: 'unavailable' });
    expect(await table.get(item('a'))).toEqual(item('a'));
  });

  it('fails a query at a later page', async () => {
    const table = new MemoryTable();
    for (let n = 0; n < 40; n++) await table.transact([{ put: item(`${n + 10}`) }]);
    table.faults.add({ effect: 'unpersisted', matching: (call) => 'query' in call, nth: 2 });
    const seen: string[] = [];
    await expect(
      (async () => {
        for await (const { sort } of table.query(everything)) seen.push(sort);
      })(),
    ).rejects.toMatchObject({ code: 'unavailable' });
    expect(seen).toEqual(Array.from({ length: 16 }, (_, n) => `${n + 10}`));
  });

  it('holds a call back until a promise settles, and lets others pass it', async () => {
    const table = new MemoryTable();
    const { promise, resolve } = Promise.withResolvers<void>();
    table.faults.add({ effect: promise });
    const slow = table.transact([{ put: item('slow'), when: { is: 'absent' } }]);
    await table.transact([{ put: item('fast') }]);
    expect(await sorts(table, everything)).toEqual(['fast']);
    resolve();
    expect(await slow).toEqual({ committed: true });
    expect(await sorts(table, everything)).toEqual(['fast', 'slow']);
  });

  it('cuts off calls that are held back, and every later one, but not the next process', async () => {
    const table = new MemoryTable();
    const { promise, resolve } = Promise.withResolvers<void>();
    table.faults.add({ effect: promise });
    const slow = table.transact([{ put: item('slow') }]);
    table.faults.cut();
    resolve();
    const cut = { code: 'unavailable', message: expect.stringContaining('cut off') };
    await expect(slow).rejects.toMatchObject(cut);
    await expect(table.get(item('a'))).rejects.toMatchObject(cut);
    await expect(sorts(table, everything)).rejects.toMatchObject(cut);
    table.faults.clear();
    await expect(table.transact([{ put: item('a') }])).rejects.toMatchObject(cut);
    const next = table.restarted();
    expect(await sorts(next, everything)).toEqual([]);
    expect(await putUntilFailure(next, 'a')).toEqual(['stored']);
  });

  it('records the calls and counts the writes, so that a test can fail each of them in turn', async () => {
    const run = async (table: MemoryTable): Promise<void> => {
      await table.transact([{ put: item('a') }]);
      await table.get(item('a'));
      await table.transact([{ remove: item('a') }, { put: item('b') }]);
    };
    const table = new MemoryTable();
    await run(table);
    expect(table.faults.writes).toBe(2);
    expect(table.faults.calls).toEqual([
      { transact: [{ put: item('a') }] },
      { get: item('a') },
      { transact: [{ remove: item('a') }, { put: item('b') }] },
    ]);
    for (let nth = 1; nth <= 2; nth++) {
      const failing = new MemoryTable();
      failing.faults.add({ effect: 'cut_before', nth });
      await expect(run(failing)).rejects.toMatchObject({ code: 'unavailable' });
      expect(await sorts(failing.restarted(), everything)).toEqual(['a'].slice(0, nth - 1));
    }
  });

  it('removes what expired when it is told to', async () => {
    const table = new MemoryTable();
    await table.transact([
      { put: { ...item('a'), expiresAt: 10 } },
      { put: { ...item('b'), expiresAt: 20 } },
      { put: item('c') },
    ]);
    expect(table.purgeExpired(10)).toBe(0);
    expect(table.purgeExpired(20)).toBe(1);
    expect(await sorts(table, everything)).toEqual(['b', 'c']);
  });
});

describe('faults of memory objects', () => {
  it.each<[FaultEffect, string[], string[]]>([
    ['unpersisted', ['created', 'unavailable', 'created'], ['a', 'c']],
    ['persisted', ['created', 'outcome_unknown', 'created'], ['a', 'b', 'c']],
    ['cut_before', ['created', 'unavailable', 'unavailable'], ['a']],
    ['cut_after', ['created', 'outcome_unknown', 'unavailable'], ['a', 'b']],
  ])('%s: says and stores what that means', async (effect, told, stored) => {
    const objects = new MemoryObjects();
    objects.faults.add({ effect, nth: 2 });
    const answers: string[] = [];
    for (const key of 'abc') answers.push(await objects.put(key, bytesOf(key)).catch((error) => error.code));
    expect(answers).toEqual(told);
    const listed = await Array.fromAsync(objects.restarted().list(''));
    expect(listed.map(({ key }) => key)).toEqual(stored);
  });

  it('counts put and replace as writes, and can hit any operation on any key', async () => {
    const objects = new MemoryObjects();
    objects.faults.add({ effect: 'unpersisted', matching: ({ operation, key }) => operation === 'get' && key === 'a' });
    await objects.put('a', bytesOf('a'));
    await objects.replace('b', bytesOf('b'));
    await expect(objects.get('a')).rejects.toMatchObject({ code: 'unavailable' });
    expect(await objects.get('b')).toEqual(bytesOf('b'));
    expect(objects.faults.writes).toBe(2);
    expect(objects.faults.calls.map(({ operation, key }) => `${operation} ${key}`)).toEqual([
      'put a',
      'replace b',
      'get a',
      'get b',
    ]);
  });
});
