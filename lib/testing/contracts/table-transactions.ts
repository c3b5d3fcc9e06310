import { describe, expect, it } from 'vitest';
import type { Attribute, Condition, Item, Outcome, Write } from '../../store/ports.ts';
import { freshPartition, items, sorts, type TableUnderTest } from './table-driver.ts';

const COMMITTED = { committed: true };

export function transactionsContract({ table, takesBytes }: TableUnderTest): void {
  const put = (...puts: readonly Item[]) => table().transact(puts.map((item) => ({ put: item })));

  describe('transactions', () => {
    it('writes everything at once', async () => {
      const partition = freshPartition();
      await put(
        { partition, sort: 'updated', attributes: { a: 1, b: 2 } },
        { partition, sort: 'removed', attributes: {} },
      );
      const outcome = await table().transact([
        { put: { partition, sort: 'put', attributes: { n: 1 } }, when: { is: 'absent' } },
        { update: { partition, sort: 'updated' }, set: { b: 'two', c: 3 } },
        { remove: { partition, sort: 'removed' }, when: { is: 'present' } },
        { check: { partition, sort: 'never' }, when: { is: 'absent' } },
      ]);
      expect(outcome).toEqual(COMMITTED);
      expect(await items(table(), { partition })).toEqual([
        { partition, sort: 'put', attributes: { n: 1 } },
        { partition, sort: 'updated', attributes: { a: 1, b: 'two', c: 3 } },
      ]);
    });

    it('writes nothing when one condition fails, and names each that did with the item that stands there', async () => {
      const partition = freshPartition();
      const head = {
        partition,
        sort: 'head',
        attributes: { size: 7, root: Uint8Array.of(1, 2) },
        expiresAt: 4_000_000_000,
      };
      const other = { partition, sort: 'other', attributes: {} };
      await put(head, other);
      const outcome = await table().transact([
        { put: { partition, sort: 'block', attributes: {} }, when: { is: 'absent' } },
        { update: head, set: { size: 9 }, when: { is: 'equal', attribute: 'size', value: 8 } },
        { remove: other },
        { check: { partition, sort: 'gone' }, when: { is: 'present' } },
        { put: { ...other, sort: 'new' } },
      ]);
      expect(outcome).toStrictEqual({ committed: false, failed: [{ write: 1, item: head }, { write: 3 }] });
      expect(await items(table(), { partition })).toEqual([head, other]);
    });

    it('looks at all conditions before it writes', async () => {
      const partition = freshPartition();
      const [a, b] = [
        { partition, sort: 'a', attributes: { n: 1 } },
        { partition, sort: 'b', attributes: { n: 1 } },
      ];
      await put(a);
      // Were the first write visible to the second condition, or the second to the first, one of these would differ.
      expect(await table().transact([{ remove: a }, { put: b, when: { is: 'absent' } }])).toEqual(COMMITTED);
      expect(
        await table().transact([
          { put: a, when: { is: 'absent' } },
          { remove: b, when: { is: 'present' } },
        ]),
      ).toEqual(COMMITTED);
      expect(await items(table(), { partition })).toEqual([a]);
    });

    it('keeps the expiry in an update that gives none, and takes the one that it gives', async () => {
      const partition = freshPartition();
      const item = { partition, sort: 'a', attributes: { n: 1 }, expiresAt: 4_000_000_000 };
      await put(item);
      await table().transact([{ update: item, set: { n: 2 } }]);
      expect(await table().get(item)).toStrictEqual({ ...item, attributes: { n: 2 } });
      await table().transact([{ update: item, set: {}, expiresAt: 4_100_000_000 }]);
      expect(await table().get(item)).toStrictEqual({ ...item, attributes: { n: 2 }, expiresAt: 4_100_000_000 });
    });

    it('changes the type of an attribute in an update', async () => {
      const item = { partition: freshPartition(), sort: 'a', attributes: { a: 1, b: 'x', c: Uint8Array.of(1, 2) } };
      await put(item);
      await table().transact([{ update: item, set: { a: Uint8Array.of(3), b: 2, c: 'y' } }]);
      expect((await table().get(item))?.attributes).toEqual({ a: Uint8Array.of(3), b: 2, c: 'y' });
    });

    it('fails the condition of an update whose item is absent, whatever else it asks', async () => {
      const key = { partition: freshPartition(), sort: 'a' };
      for (const when of [undefined, { is: 'absent' }, { is: 'present' }] satisfies (Condition | undefined)[]) {
        const write = when ? { update: key, set: { n: 1 }, when } : { update: key, set: { n: 1 } };
        expect(await table().transact([write])).toStrictEqual({ committed: false, failed: [{ write: 0 }] });
      }
      expect(await table().get(key)).toBeUndefined();
    });

    it('removes what is absent without complaint', async () => {
      const key = { partition: freshPartition(), sort: 'a' };
      expect(await table().transact([{ remove: key }])).toEqual(COMMITTED);
    });
  });

  describe('conditions', () => {
    const standing: Record<string, Attribute> = { n: 1, s: '1', e: '', z: 0, u: '\u00e9', b: Uint8Array.of(0x31) };
    const equal = (attribute: string, value: string | number): Condition => ({ is: 'equal', attribute, value });
    const cases: [condition: Condition, holdsForStanding: boolean, holdsForNone: boolean][] = [
      [{ is: 'absent' }, false, true],
      [{ is: 'present' }, true, false],
      [equal('n', 1), true, false],
      [equal('n', 2), false, false],
      [equal('n', '1'), false, false],
      [equal('s', '1'), true, false],
      [equal('s', 1), false, false],
      [equal('e', ''), true, false],
      [equal('e', 0), false, false],
      [equal('z', 0), true, false],
      [equal('z', ''), false, false],
      [equal('u', '\u00e9'), true, false],
      [equal('u', 'e\u0301'), false, false],
      [equal('b', '1'), false, false],
      [equal('missing', ''), false, false],
      [equal('missing', 0), false, false],
      [equal('constructor', ''), false, false],
      [equal('__proto__', ''), false, false],
      [equal('partition', 'x'), false, false],
    ];
    it.each(cases)('%j', async (when, holdsForStanding, holdsForNone) => {
      const partition = freshPartition();
      const there = { partition, sort: 'there', attributes: standing };
      const none = { partition, sort: 'none' };
      const outcome = (holds: boolean, item?: Item): Outcome =>
        holds ? { committed: true } : { committed: false, failed: [item ? { write: 0, item } : { write: 0 }] };
      for (const write of [
        { check: there, when },
        { put: there, when },
        { update: there, set: { n: 1 }, when },
        { remove: there, when },
      ] satisfies Write[]) {
        await put(there);
        expect(await table().transact([write])).toEqual(outcome(holdsForStanding, there));
      }
      for (const write of [
        { check: none, when },
        { remove: none, when },
        { put: { ...none, attributes: {} }, when },
      ] satisfies Write[]) {
        expect(await table().transact([write])).toEqual(outcome(holdsForNone));
      }
    });
  });

  describe('sizes of transactions', () => {
    const key = (partition: string, n: number) => ({ partition, sort: String(n).padStart(3, '0') });

    it('takes 100 writes and refuses none, 101, and two of one key', async () => {
      const partition = freshPartition();
      const writes = Array.from(
        { length: 101 },
        (_, n): Write => ({ put: { ...key(partition, n), attributes: { n } } }),
      );
      const count = { name: 'RangeError', message: expect.stringContaining('1 to 100 writes') };
      await expect(table().transact([])).rejects.toMatchObject(count);
      await expect(table().transact(writes)).rejects.toMatchObject(count);
      const twice: Write[] = [...writes.slice(0, 2), { check: key(partition, 1), when: { is: 'absent' } }];
      await expect(table().transact(twice)).rejects.toMatchObject({
        name: 'RangeError',
        message: expect.stringMatching(/writes \(".*", "001"\) twice/),
      });
      expect(await sorts(table(), { partition })).toEqual([]);
      expect(await table().transact(writes.slice(0, 100))).toEqual(COMMITTED);
      expect(await items(table(), { partition })).toHaveLength(100);
    });

    it(`takes ${takesBytes} bytes and refuses more than 4,000,000`, async () => {
      const partition = freshPartition();
      const large = (n: number): Write => ({
        put: { ...key(partition, n), attributes: { b: new Uint8Array(398_900).fill(n) } },
      });
      const eleven = Array.from({ length: 11 }, (_, n) => large(n));
      const taken = eleven.slice(0, takesBytes / 399_000);
      await expect(table().transact(eleven)).rejects.toMatchObject({
        name: 'RangeError',
        message: expect.stringContaining('at most 4000000 bytes'),
      });
      expect(await sorts(table(), { partition })).toEqual([]);
      expect(await table().transact(taken)).toEqual(COMMITTED);
      const found = await items(table(), { partition });
      expect(found.map(({ attributes }) => (attributes.b instanceof Uint8Array ? attributes.b[398_899] : -1))).toEqual(
        taken.map((_, n) => n),
      );
    });
  });

  describe('concurrency', () => {
    it('loses no increment of a counter that many raise at once, and each loser learns the winner', async () => {
      const counter = { partition: freshPartition(), sort: 'counter' };
      await put({ ...counter, attributes: { n: 0 } });
      const raise = async (): Promise<void> => {
        let n = 0;
        for (;;) {
          const when: Condition = { is: 'equal', attribute: 'n', value: n };
          const outcome = await table().transact([{ update: counter, set: { n: n + 1 }, when }]);
          if (outcome.committed) return;
          n = Number(outcome.failed[0]?.item?.attributes.n);
          expect(n).toBeGreaterThan(0);
        }
      };
      await Promise.all(Array.from({ length: 25 }, raise));
      expect((await table().get(counter))?.attributes.n).toBe(25);
    });

    it('writes nothing where a clash is an outcome, and says no more than that it was one', async () => {
      const counter = { partition: freshPartition(), sort: 'counter' };
      await put({ ...counter, attributes: { n: 0 } });
      const raise = async (_: unknown, by: number): Promise<Outcome> => {
        const { n = 0 } = (await table().get(counter))?.attributes ?? {};
        const update = { update: counter, set: { n: Number(n) + 1, by } };
        const when: Condition = { is: 'equal', attribute: 'n', value: Number(n) };
        return table().transact([{ ...update, when }], { retriesClashes: false });
      };
      const outcomes = await Promise.all(Array.from({ length: 20 }, raise));
      const failures = outcomes.flatMap((outcome) => (outcome.committed ? [] : [outcome.failed]));
      expect((await table().get(counter))?.attributes.n).toBe(20 - failures.length);
      for (const failed of failures) expect(failed.map(({ write }) => write)).toEqual(failed.length === 0 ? [] : [0]);
    });

    it('lets one of many create an item, and shows it to the others', async () => {
      const key = { partition: freshPartition(), sort: 'a' };
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          table().transact([{ put: { ...key, attributes: { n } }, when: { is: 'absent' } }]),
        ),
      );
      const winner = outcomes.findIndex((outcome) => outcome.committed);
      const item = { ...key, attributes: { n: winner } };
      expect(outcomes.filter((outcome) => outcome.committed)).toHaveLength(1);
      expect(outcomes.filter((outcome) => !outcome.committed)).toEqual(
        Array(19).fill({ committed: false, failed: [{ write: 0, item }] }),
      );
    });

    it('is serializable: of two that each check what the other writes, one fails', async () => {
      for (let round = 0; round < 10; round++) {
        const partition = freshPartition();
        const [a, b] = [
          { partition, sort: 'a', attributes: {} },
          { partition, sort: 'b', attributes: {} },
        ];
        const outcomes = await Promise.all([
          table().transact([{ put: a }, { check: b, when: { is: 'absent' } }]),
          table().transact([{ put: b }, { check: a, when: { is: 'absent' } }]),
        ]);
        expect(outcomes.filter((outcome) => outcome.committed)).toHaveLength(1);
        expect(await sorts(table(), { partition })).toHaveLength(1);
      }
    });

    it('keeps the sum while many move amounts between accounts', async () => {
      const partition = freshPartition();
      const accounts = ['a', 'b', 'c', 'd'];
      await put(...accounts.map((sort) => ({ partition, sort, attributes: { amount: 100 } })));
      const move = async (n: number): Promise<void> => {
        const from = { partition, sort: accounts[n % 4] ?? '' };
        const to = { partition, sort: accounts[(n + 1 + (n % 3)) % 4] ?? '' };
        for (;;) {
          const [x, y] = await Promise.all([amountOf(from), amountOf(to)]);
          const outcome = await table().transact([
            { update: from, set: { amount: x - n }, when: { is: 'equal', attribute: 'amount', value: x } },
            { update: to, set: { amount: y + n }, when: { is: 'equal', attribute: 'amount', value: y } },
          ]);
          if (outcome.committed) return;
        }
      };
      const amountOf = async (at: { partition: string; sort: string }) =>
        Number((await table().get(at))?.attributes.amount);
      await Promise.all(Array.from({ length: 16 }, (_, n) => move(n + 1)));
      const amounts = (await items(table(), { partition })).map((item) => Number(item.attributes.amount));
      expect(amounts.reduce((sum, amount) => sum + amount, 0)).toBe(400);
    });

    it('shows every acknowledged write to the reads that begin after it', async () => {
      const partition = freshPartition();
      for (let n = 0; n < 20; n++) {
        await put({ partition, sort: 'a', attributes: { n } });
        expect((await table().get({ partition, sort: 'a' }))?.attributes.n).toBe(n);
        expect((await items(table(), { partition })).map((item) => item.attributes.n)).toEqual([n]);
      }
    });

    it('refuses one of several at once without harm to the others', async () => {
      const partition = freshPartition();
      const large = { partition, sort: 'large', attributes: { b: new Uint8Array(300_000) } };
      await put(large);
      const results = await Promise.allSettled([
        put({ partition, sort: 'a', attributes: {} }),
        table().transact([
          { put: { partition, sort: 'x', attributes: {} } },
          { update: large, set: { c: new Uint8Array(300_000) } },
        ]),
        put({ partition, sort: 'b', attributes: {} }),
        table().transact([{ put: { partition, sort: 'y', attributes: {} }, when: { is: 'present' } }]),
      ]);
      expect(results.map((result) => (result.status === 'fulfilled' ? result.value.committed : 'refused'))).toEqual([
        true,
        'refused',
        true,
        false,
      ]);
      expect(await sorts(table(), { partition })).toEqual(['a', 'b', 'large']);
    });
  });
}
