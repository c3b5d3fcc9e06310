import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStrictJson } from '../../lib/json/strict.ts';
import { parseJson } from '../../lib/log/json.ts';
import { parseRecord } from '../../lib/log/record.ts';

/** What was read before must not show in what is read now, no matter who sent it. */
describe('a key that is written with an escape', () => {
  /** An object with a member whose key is a backslash: what the engine then expects behind `name`. */
  const prime = (name: string, key = '\\') => JSON.parse(JSON.stringify({ [name]: 1, [key]: 1 }));

  it.each([
    ['\\n', '\n'],
    ['\\r', '\r'],
    ['\\"', '"'],
    ['\\u0001', '\u0001'],
    ['\\u0061', 'a'],
    ['\\/', '/'],
  ])('%s is itself after a backslash came in its place', (written, meant) => {
    prime('before');
    expect(Object.keys(parseJson(`{"before":1,"${written}":1}`) as object)).toEqual(['before', meant]);
  });

  it('is itself where what is written begins with what came before', () => {
    prime('some', '\\u0070as');
    expect(parseJson('{"some":1,"\\u0070assword":2}')).toEqual({ some: 1, password: 2 });
    prime('other', 'x\\');
    expect(parseJson('{"other":1, "x\\n" : {"x\\t":[{"\\b":"\\b"}]}}')).toEqual({
      other: 1,
      'x\n': { 'x\t': [{ '\b': '\b' }] },
    });
  });

  it('is itself in an event that is taken in, and in a record that is read', () => {
    const limits = { depth: 32, unitBytes: 1000, units: 1, batchKey: 'events' };
    prime('k');
    expect(readStrictJson(Buffer.from('{"details":{"k":1,"\\n":2}}'), limits)).toEqual({ details: { k: 1, '\n': 2 } });
    const line = `{"event":{"k":1,"\\n":2},"prev":"${'0'.repeat(64)}","receivedAt":1,"seq":0,"submitter":"s","trail":"t","v":1}`;
    expect(parseRecord(line).event).toEqual({ k: 1, '\n': 2 });
  });

  it('keeps its place, counts where it is the last of its name, and is no prototype', () => {
    expect(JSON.stringify(parseJson('{"z":1,"\\u0079":2,"x":3}'))).toBe('{"z":1,"y":2,"x":3}');
    expect(parseJson('{"a":1,"\\u0061":2}')).toEqual({ a: 2 });
    expect(parseJson('{"\\u0061":2,"a":1}')).toEqual({ a: 1 });
    const value = parseJson('{"\\u005f_proto__":{"x":1}}') as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__']);
  });
});

describe('any JSON text', () => {
  it('is read as it was written, whatever was read before', () => {
    const key = fc.string({
      unit: fc.constantFrom('\\', '\n', '"', 'n', 'u', '0', 'a', ':', ' ', '\u2028', '\u{10000}'),
      maxLength: 4,
    });
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        key,
        fc.integer(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1), (given, indent) => {
        const text = JSON.stringify(given, null, indent);
        expect(JSON.stringify(parseJson(text), null, indent)).toBe(text);
      }),
      { numRuns: 5000 },
    );
  });

  it('that is none is refused as by JSON.parse, however many quotes it has', () => {
    for (const text of ['', '{"a\\n":1', `"${'\\"'.repeat(100_000)}`, '{"\\q":1}']) {
      expect(() => parseJson(text)).toThrow(SyntaxError);
    }
  });
});
