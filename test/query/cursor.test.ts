import { describe, expect, it } from 'vitest';
import { Cursors } from '../../lib/query/cursor.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { append, ask, openQueries, SECRET, TRAIL } from './fixture.ts';

const refused = {
  code: 'invalid_cursor',
  field: 'cursor',
  message: 'the cursor does not belong to this query: start again without it',
};

describe('a cursor', () => {
  const cursors = new Cursors(SECRET);
  const cursor = cursors.seal([TRAIL], 'question', [{ seq: 7, asOf: 2 ** 53 - 1 }]);

  it('brings back the position that it was made of', () => {
    expect(cursors.open([TRAIL], 'question', cursor)).toEqual([{ seq: 7, asOf: 2 ** 53 - 1 }]);
    expect(cursor).toMatch(/^[\w-]{44}$/);
  });

  it('is good for its trail and question only', () => {
    const open = (trail: string, question: string) => () => cursors.open([trail], question, cursor);
    expect(open('salaries', 'question')).toThrow(expect.objectContaining(refused));
    expect(open(TRAIL, 'another')).toThrow(expect.objectContaining(refused));
    // Where one text ends and the next begins is part of what is authenticated.
    expect(open(`${TRAIL}\0`, 'question')).toThrow(expect.objectContaining(refused));
  });

  it('of several trails is good for all of them together only', () => {
    const positions = [
      { seq: 1, asOf: 5 },
      { seq: 2, asOf: 6 },
    ];
    const both = cursors.seal(['orders', 'payments'], 'question', positions);
    expect(cursors.open(['orders', 'payments'], 'question', both)).toEqual(positions);
    const others = [['orders'], ['orders', 'salaries'], ['payments', 'orders'], ['orders', 'payments', 'salaries'], []];
    for (const trails of others) {
      expect(() => cursors.open(trails, 'question', both)).toThrow(expect.objectContaining(refused));
      expect(() => cursors.open(trails, 'question', cursor)).toThrow(expect.objectContaining(refused));
    }
  });

  it('cannot be made without the secret', () => {
    const forged = new Cursors(Buffer.from('a guess at the secret')).seal([TRAIL], 'question', [{ seq: 7, asOf: 9 }]);
    expect(() => cursors.open([TRAIL], 'question', forged)).toThrow(expect.objectContaining(refused));
  });

  it('cannot be changed: no bit of it, nothing more or less, no other spelling', () => {
    const bytes = Buffer.from(cursor, 'base64url');
    const changed = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const copy = Buffer.from(bytes);
      copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      return copy.toString('base64url');
    });
    const others = [
      '',
      'x',
      cursor.slice(1),
      cursor.slice(0, -1),
      `${cursor}A`,
      ` ${cursor}`,
      `${cursor}=`,
      bytes.toString('hex'),
      '💥',
      '\0',
    ];
    for (const bad of [...changed, ...others]) {
      expect(() => cursors.open([TRAIL], 'question', bad), bad).toThrow(expect.objectContaining(refused));
    }
  });

  it('needs a secret worth the name', () => {
    expect(() => new Cursors(Buffer.from('too short'))).toThrow(
      new RangeError('a cursor secret has at least 16 bytes, not 9'),
    );
  });
});

describe('an attacker with a cursor of their own', () => {
  const page = async () => {
    const table = new MemoryTable();
    for (const trail of [TRAIL, 'salaries']) {
      for (let n = 0; n < 5; n++) await append(table, [{ actor: { id: 'mallory' } }], n, 'app', trail);
    }
    const queries = openQueries(table);
    const { cursor = '' } = await queries.page(TRAIL, ask({ actor: ['mallory'] }, { limit: 2 }));
    return { queries, cursor };
  };

  it('reaches no other trail, filter, period or order with it', async () => {
    const { queries, cursor } = await page();
    const mine = ask({ actor: ['mallory'] }, { limit: 2, cursor });
    expect((await queries.page(TRAIL, mine)).matches.map(({ seq }) => seq)).toEqual([2, 1]);
    await expect(queries.page('salaries', mine)).rejects.toMatchObject(refused);
    await expect(queries.page(TRAIL, { ...mine, filters: {} })).rejects.toMatchObject(refused);
    await expect(queries.page(TRAIL, { ...mine, filters: { actor: ['alice'] } })).rejects.toMatchObject(refused);
    await expect(queries.page(TRAIL, { ...mine, order: 'oldest' })).rejects.toMatchObject(refused);
    await expect(queries.page(TRAIL, { ...mine, from: 1 })).rejects.toMatchObject(refused);
    await expect(queries.page(TRAIL, { ...mine, to: 10 })).rejects.toMatchObject(refused);
  });

  it('may change the limit, and the order of values that mean the same', async () => {
    const { queries, cursor } = await page();
    const rest = await queries.page(TRAIL, ask({ actor: ['mallory'] }, { limit: 50, cursor }));
    expect(rest.matches.map(({ seq }) => seq)).toEqual([2, 1, 0]);
    const two = { type: ['data.read', 'auth.login'] };
    const first = await queries.page(TRAIL, ask(two, { limit: 1 }));
    const again = ask({ type: [...two.type].reverse() }, { limit: 1, ...(first.cursor && { cursor: first.cursor }) });
    expect((await queries.page(TRAIL, again)).matches.map(({ seq }) => seq)).toEqual([3]);
  });
});
