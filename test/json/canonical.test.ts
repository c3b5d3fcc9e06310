import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { canonicalize as oracle } from 'json-canonicalize';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../lib/json/canonical.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import vectors from '../vectors/jcs/rfc8785.json' with { type: 'json' };

describe('canonical JSON, as RFC 8785 has it', () => {
  it('gives the bytes of its sample (section 3.2.4)', () => {
    const { input, outputHex } = vectors.sample;
    expect(Buffer.from(canonicalJson(JSON.parse(input))).toString('hex')).toBe(outputHex);
  });

  it('sorts by UTF-16 code units, so that an emoji comes before a Hebrew letter (section 3.2.3)', () => {
    const json = canonicalJson(JSON.parse(vectors.sorting.input));
    const places = vectors.sorting.valuesInOrder.map((value) => json.indexOf(JSON.stringify(value)));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it.each(vectors.numbers.rows)('writes the double %s as %s (appendix B)', (bits, expected) => {
    const double = Buffer.from(String(bits), 'hex').readDoubleBE();
    if (expected === null) expect(() => canonicalJson([double])).toThrow(/no canonical JSON/);
    else expect(canonicalJson([double])).toBe(`[${expected}]`);
  });
});

/** Keys that objects do not keep where they are put, besides ordinary ones. */
const key = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 4 }),
  fc.constantFrom('0', '1', '10', '9', '01', '2026-01-01', '-1', '__proto__', 'constructor', 'toJSON', 'a', 'b', ''),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    fc.string({ unit: 'grapheme' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(null, true, false, -0),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('tree')), { maxLength: 5 }).map((members) => Object.fromEntries(members)),
  ),
}));

describe('the shortcut for plain data', () => {
  it('writes the same as two libraries that others keep, for any JSON', () => {
    fc.assert(
      fc.property(tree, (value) => {
        const json = canonicalJson(value);
        expect(json).toBe(canonicalize(value));
        // json-canonicalize takes any member `toJSON` for a function, and then leaves the object as it is.
        if (!json.includes('"toJSON"')) expect(json).toBe(oracle(value));
      }),
    );
  });

  it('leaves what it was given as it was, also where only a part of it is out of order', () => {
    const given = { a: [{ c: 1, b: 2 }], b: { a: 1, z: { c: 1, b: 2 } }, c: 0 };
    const before = JSON.stringify(given);
    expect(canonicalJson(given)).toBe('{"a":[{"b":2,"c":1}],"b":{"a":1,"z":{"b":2,"c":1}},"c":0}');
    expect(JSON.stringify(given)).toBe(before);
    fc.assert(
      fc.property(tree, (value) => {
        const before = JSON.stringify(value);
        canonicalJson(value);
        expect(JSON.stringify(value)).toBe(before);
      }),
    );
  });

  it('gives the same bytes however the members were ordered', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(key, tree), { selector: ([name]) => name, maxLength: 8 }), (members) => {
        const forth = canonicalJson(Object.fromEntries(members));
        expect(canonicalJson(Object.fromEntries(members.toReversed()))).toBe(forth);
      }),
    );
  });

  it.each([
    ['an undefined member is left out', { b: undefined, a: 1 }, '{"a":1}'],
    [
      'a key __proto__ is a member like any other',
      JSON.parse('{"z":1,"__proto__":{"b":1,"a":2}}'),
      '{"__proto__":{"a":2,"b":1},"z":1}',
    ],
    ['array indices are sorted as text', { 10: 'b', 9: 'c', a: 1, 1: 'a' }, '{"1":"a","10":"b","9":"c","a":1}'],
    [
      'a toJSON that is a function is asked',
      { b: 1, a: { toJSON: () => ({ y: 2, x: 1 }) } },
      '{"a":{"x":1,"y":2},"b":1}',
    ],
    ['a toJSON that is data is data', { toJSON: 1, a: 2 }, '{"a":2,"toJSON":1}'],
    ['a backslash before ud800 is no surrogate', { a: '\\ud800' }, '{"a":"\\\\ud800"}'],
    ['a date is what its toJSON says', { d: new Date(0) }, '{"d":"1970-01-01T00:00:00.000Z"}'],
    ['a pair of surrogates is a character', ['\ud83d\ude00'], '["😀"]'],
  ])('%s', (_promise, value, expected) => {
    expect(canonicalJson(value)).toBe(expected);
  });
});

describe('what has no canonical form', () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  it.each([
    ['a lone surrogate', ['\ud800'], 'this has no canonical JSON: Lone surrogate is not allowed'],
    ['a lone surrogate in a key', { '\udfff': 1 }, 'this has no canonical JSON: Lone surrogate is not allowed'],
    ['NaN', { a: Number.NaN }, 'this has no canonical JSON: NaN is not allowed'],
    ['infinity', [Number.POSITIVE_INFINITY], 'this has no canonical JSON: Infinity is not allowed'],
    ['a circle', circle, 'this has no canonical JSON: Circular reference detected'],
    ['undefined', undefined, 'undefined has no canonical JSON'],
  ])('refuses %s', (_what, value, message) => {
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: 'invalid_event', message }));
    expect(() => canonicalJson(value)).toThrow(SealtrailError);
  });
});
