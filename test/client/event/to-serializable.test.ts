import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSerializable, toSerializable } from '../../../lib/client/event/to-serializable.ts';
import { parseJson } from '../../../lib/log/json.ts';

class Point {
  readonly x = 1;
  readonly #hidden = 2;
  get sum(): number {
    return this.x + this.#hidden;
  }
}

const circular: Record<string, unknown> = { a: 1 };
circular.self = circular;
const bad = Object.defineProperty({}, 'trap', {
  enumerable: true,
  get: () => {
    throw new Error('no');
  },
});
const shared = { n: 1 };

describe('any value becomes JSON in the documented way', () => {
  it.each<[what: string, value: unknown, expected: unknown]>([
    ['a BigInt', 12345678901234567890n, '12345678901234567890'],
    ['a Date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a Date that is none', new Date(Number.NaN), 'Invalid Date'],
    ['a Map with text as keys', new Map([['__proto__', 1]]), JSON.parse('{"__proto__":1}')],
    ['a Map with other keys', new Map([[1, 2n]]), [[1, '2']]],
    ['a Set', new Set([1, undefined]), [1, null]],
    [
      'an Error',
      Object.assign(new TypeError('x', { cause: new Error('y') }), { code: 'E' }),
      { name: 'TypeError', message: 'x', code: 'E', cause: { name: 'Error', message: 'y' } },
    ],
    ['a Buffer', Buffer.from('hi'), { bytes: 2, base64: 'aGk=' }],
    ['a view on a part of a buffer', new Uint8Array([1, 2, 3]).subarray(1), { bytes: 2, base64: 'AgM=' }],
    ['an ArrayBuffer', new ArrayBuffer(1), { bytes: 1, base64: 'AA==' }],
    ['a class instance', new Point(), { x: 1 }],
    ['one with toJSON', new URL('http://a/'), 'http://a/'],
    ['a regular expression', /a/g, '/a/g'],
    ['functions and symbols', [Math.max, Symbol('s')], ['[function max]', 'Symbol(s)']],
    ['numbers that JSON has not', [Number.NaN, -Infinity], ['NaN', '-Infinity']],
    ['undefined', { a: undefined, b: [undefined] }, { b: [null] }],
    ['an object inside itself', circular, { a: 1, self: '[circular]' }],
    ['an object that comes twice', [shared, shared], [{ n: 1 }, { n: 1 }]],
    ['a getter that throws', bad, { trap: '[unreadable: no]' }],
    ['half a surrogate pair', { '\ud800': '\udc00' }, { '\ufffd': '\ufffd' }],
  ])('%s', (_, value, expected) => {
    expect(toSerializable(value)).toEqual(expected);
  });

  it('stops where it is too deep', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(JSON.stringify(toSerializable(deep))).toBe(`${'['.repeat(28)}"[too deep]"${']'.repeat(28)}`);
  });

  it('so that JSON gives it back, whatever it was', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        const made = { value: toSerializable(value) };
        const text = JSON.stringify(made);
        expect(text.isWellFormed()).toBe(true);
        expect(JSON.stringify(parseJson(text))).toBe(text);
      }),
    );
  });
});

describe('what needs no copy', () => {
  it('becomes the same JSON as its copy', () => {
    const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true });
    const values = fc.oneof(fc.jsonValue({ maxDepth: 6 }), anything, fc.object());
    let copied = 0;
    fc.assert(
      fc.property(values, (value) => {
        if (!isSerializable(value)) return;
        copied++;
        expect(JSON.stringify(value)).toBe(JSON.stringify(toSerializable(value)));
      }),
      { numRuns: 400 },
    );
    expect(copied).toBeGreaterThan(100);
  });

  it.each<[string, unknown]>([
    ['a number without JSON', [Number.NaN]],
    ['a toJSON', { toJSON: () => 1 }],
    ['a class instance', new (class A {})()],
    ['a getter that throws', Object.defineProperty({}, 'a', { enumerable: true, get: () => JSON.parse('') })],
    ['what is too deep', JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`)],
  ])('is not %s', (_, value) => expect(isSerializable(value)).toBe(false));
});

it('ends on objects that hold each other over and over, as on any other', () => {
  const twice = (depth: number): unknown => {
    let value: unknown = 'x';
    for (let i = 0; i < depth; i++) value = { a: value, b: value };
    return value;
  };
  expect(isSerializable(twice(25))).toBe(false);
  expect(JSON.stringify(toSerializable(twice(25)))).toContain('[too many]');
  expect(JSON.stringify(toSerializable(twice(10)))).not.toContain('[too many]');
});
