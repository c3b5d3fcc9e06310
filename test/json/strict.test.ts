import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonLimits } from '../../lib/json/scan.ts';
import { readStrictJson, readTolerantJson } from '../../lib/json/strict.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { parseJson } from '../../lib/log/json.ts';

const LIMITS: JsonLimits = { depth: 8, unitBytes: 200, units: 3, batchKey: 'events' };
const WIDE: JsonLimits = { depth: 1000, unitBytes: 1e9, units: 1e9, batchKey: 'events' };

function read(text: string | Uint8Array, limits = LIMITS): unknown {
  return readStrictJson(typeof text === 'string' ? Buffer.from(text) : text, limits);
}

function refusal(text: string | Uint8Array, limits = LIMITS): SealtrailError {
  try {
    read(text, limits);
  } catch (error) {
    if (error instanceof SealtrailError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('JSON that can mean one thing only', () => {
  it.each([
    '{}',
    ' {"a": [1, -2.5, 1e3, true, false, null, "x"]}\r\n\t',
    '"\\u20ac \\ud83d\\ude00 \\" \\\\ \\/ \\b\\f\\n\\r\\t"',
    '{"a":{"a":1},"b":{"a":1},"A":1,"":0}',
    '[{"a":1},{"a":1}]',
    '0',
    '"grüße 😀 \u007f"',
    '{"\\ud83d\\ude00":1}',
  ])('%s reads as JSON.parse reads it', (text) => {
    expect(read(text)).toEqual(parseJson(text));
  });

  it('takes __proto__, constructor and toString as the plain members that they are', () => {
    const value = read('{"__proto__":{"admin":true},"constructor":1,"toString":2,"hasOwnProperty":3}') as object;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'toString', 'hasOwnProperty']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Reflect.get({}, 'admin')).toBeUndefined();
  });
});

describe('what is not JSON', () => {
  it.each([
    ['', 'not valid JSON at line 1, column 1: expected a value, but the text ends', undefined],
    ['{"a":1', 'a: not valid JSON at line 1, column 7: expected a comma or }, but the text ends', 'a'],
    ['{"a":\n  [1,]}', 'a[1]: not valid JSON at line 2, column 6: expected a value', 'a[1]'],
    ['{"a":1,}', 'a: not valid JSON at line 1, column 8: expected a key in double quotes', 'a'],
    ["{'a':1}", 'not valid JSON at line 1, column 2: expected a key in double quotes', undefined],
    ['{"a" 1}', 'a: not valid JSON at line 1, column 6: expected a colon after the key', 'a'],
    ['{"a":1 "b":2}', 'a: not valid JSON at line 1, column 8: expected a comma or }', 'a'],
    ['[1 2]', '[1]: not valid JSON at line 1, column 4: expected a comma or ]', '[1]'],
    ['{"a":"b', 'a: not valid JSON at line 1, column 8: the string does not end, but the text ends', 'a'],
    ['"a\u0001"', 'not valid JSON at line 1, column 3: control characters must be escaped', undefined],
    ['"a\nb"', 'not valid JSON at line 1, column 3: control characters must be escaped', undefined],
    ['"\\x41"', 'not valid JSON at line 1, column 2: unknown escape', undefined],
    ['"\\u12g4"', 'not valid JSON at line 1, column 2: \\u needs four hexadecimal digits', undefined],
    ['[01]', '[0]: not valid JSON at line 1, column 2: a number has no leading zeros', '[0]'],
    ['[-]', '[0]: not valid JSON at line 1, column 3: expected a digit', '[0]'],
    ['[1.]', '[0]: not valid JSON at line 1, column 4: expected a digit', '[0]'],
    ['[.5]', '[0]: not valid JSON at line 1, column 2: expected a value', '[0]'],
    ['[1e+]', '[0]: not valid JSON at line 1, column 5: expected a digit', '[0]'],
    ['[+1]', '[0]: not valid JSON at line 1, column 2: expected a value', '[0]'],
    ['[NaN]', '[0]: not valid JSON at line 1, column 2: expected a value', '[0]'],
    ['[tru]', '[0]: not valid JSON at line 1, column 2: expected a value', '[0]'],
    ['{} {}', 'not valid JSON at line 1, column 4: expected nothing more', undefined],
    ['{"a":1}//c', 'not valid JSON at line 1, column 8: expected nothing more', undefined],
    ['\ufeff{}', 'not valid JSON at line 1, column 1: expected a value', undefined],
    ['{\u00a0}', 'not valid JSON at line 1, column 2: expected a key in double quotes', undefined],
    ['{"ä😀":!}', '["ä😀"]: not valid JSON at line 1, column 8: expected a value', '["ä😀"]'],
  ])('%j is refused where it goes wrong', (text, message, field) => {
    expect(refusal(text)).toMatchObject({ code: 'invalid_json', message, field });
  });

  it.each([
    ['a lone continuation byte', [0x22, 0x80, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a character cut short', [0x22, 0xe2, 0x82]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
  ])('%s is no UTF-8', (_what, bytes) => {
    expect(refusal(Uint8Array.from(bytes))).toMatchObject({
      code: 'invalid_json',
      message: 'the body is not valid UTF-8',
    });
  });
});

describe('JSON that could mean something else to another reader', () => {
  it.each([
    ['{"a":1,"a":1}', 'a: the key comes twice in its object', 'a'],
    ['{"a":{"b":[{"c":1,"d":2,"c":3}]}}', 'a.b[0].c: the key comes twice in its object', 'a.b[0].c'],
    ['{"a":1,"\\u0061":2}', 'a: the key comes twice in its object', 'a'],
    ['{"":1,"":2}', '[""]: the key comes twice in its object', '[""]'],
    ['{"__proto__":1,"__proto__":2}', '__proto__: the key comes twice in its object', '__proto__'],
    ['{"__proto__":{"a":1,"a":2}}', '__proto__.a: the key comes twice in its object', '__proto__.a'],
    ['{"1":1,"1":2}', '["1"]: the key comes twice in its object', '["1"]'],
    ['{"events":[{"id":1},{"id":1,"id":2}]}', 'events[1].id: the key comes twice in its object', 'events[1].id'],
    [
      '{"a":[9007199254740993]}',
      'a[0]: the number 9007199254740993 is beyond ±(2^53 - 1) or has more digits than a double keeps: send it as a string',
      'a[0]',
    ],
    [
      '{"a":1e999}',
      'a: the number 1e999 is beyond ±(2^53 - 1) or has more digits than a double keeps: send it as a string',
      'a',
    ],
    [
      `[${'9'.repeat(50)}]`,
      `[0]: the number ${'9'.repeat(40)}… is beyond ±(2^53 - 1) or has more digits than a double keeps: send it as a string`,
      '[0]',
    ],
    ['{"a":"\\ud800"}', 'a: a lone surrogate is no character: the text was cut in the middle of one', 'a'],
    ['{"a":"\\udc00\\ud800"}', 'a: a lone surrogate is no character: the text was cut in the middle of one', 'a'],
    ['{"a":"\\udc00\\udc00"}', 'a: a lone surrogate is no character: the text was cut in the middle of one', 'a'],
    ['{"a":"\\ud800\\ud800"}', 'a: a lone surrogate is no character: the text was cut in the middle of one', 'a'],
    ['{"a":"\\ud800\\n"}', 'a: a lone surrogate is no character: the text was cut in the middle of one', 'a'],
    [
      '{"a.b":{"\\uDBFF":1}}',
      '["a.b"]: a lone surrogate is no character: the text was cut in the middle of one',
      '["a.b"]',
    ],
  ])('%s is refused, and where', (text, message, field) => {
    expect(refusal(text)).toMatchObject({ code: 'invalid_json', message, field });
  });
});

describe('the limits', () => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

  it('takes eight levels and refuses the ninth', () => {
    expect(read(nested(8))).toEqual(JSON.parse(nested(8)));
    expect(refusal(nested(9))).toMatchObject({
      code: 'invalid_json',
      message: `${'[0]'.repeat(8)}: nested deeper than 8 levels`,
    });
  });

  it('counts them from each unit of a batch', () => {
    const batch = (levels: number): string => `{"events":[1,{"a":${nested(levels - 1)}}]}`;
    expect(read(batch(8))).toEqual(JSON.parse(batch(8)));
    expect(refusal(batch(9))).toMatchObject({ field: `events[1].a${'[0]'.repeat(7)}` });
  });

  it('takes a unit of 200 bytes and refuses 201, counted in UTF-8 without the space around it', () => {
    const unit = (bytes: number): string => JSON.stringify('é'.repeat((bytes - 2) / 2));
    expect(read(`   ${unit(200)}   `)).toHaveLength(99);
    expect(refusal(unit(202))).toMatchObject({
      code: 'record_too_large',
      message: 'an event has at most 200 bytes, this one 202',
      field: undefined,
    });
    expect(read(`{"events":[${unit(200)}, ${unit(200)}]}`)).toHaveProperty('events.1');
    expect(refusal(`{"events":[1, ${unit(202)}]}`)).toMatchObject({ code: 'record_too_large', field: 'events[1]' });
  });

  it('takes three units and refuses four, also when the key of the batch is written with escapes', () => {
    expect(read('{"events":[1,2,3]}')).toEqual({ events: [1, 2, 3] });
    for (const key of ['events', '\\u0065vents']) {
      expect(refusal(`{"${key}":[1,2,3,4]}`)).toMatchObject({
        code: 'batch_too_large',
        message: 'events: a batch has at most 3 events: send the rest separately',
        field: 'events',
      });
    }
    expect(read('{"details":[1,2,3,4]}')).toEqual({ details: [1, 2, 3, 4] });
  });
});

describe('against JSON.parse, for any text', () => {
  const base = fc.oneof(fc.json({ maxDepth: 4 }), fc.json({ maxDepth: 4, stringUnit: 'binary' }));
  const edit = fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 2 }),
    insert: fc.oneof(
      fc.constantFrom(
        '',
        '"',
        '\\',
        ',',
        ':',
        '{',
        '}',
        '[',
        ']',
        '0',
        '-',
        '.',
        'e',
        '\\u',
        '\\ud83d',
        ' ',
        '\n',
        't',
        '/',
      ),
      fc.string({ maxLength: 2 }),
    ),
  });
  const text = fc.tuple(base, fc.array(edit, { maxLength: 3 })).map(([json, edits]) => {
    return edits.reduce((so, { at, remove, insert }) => {
      const place = at % (so.length + 1);
      return so.slice(0, place) + insert + so.slice(place + remove);
    }, json);
  });

  it('accepts nothing that JSON.parse refuses, refuses as bad syntax nothing that it accepts, and agrees on values', () => {
    fc.assert(
      fc.property(text, (json) => {
        const wellFormed = json.toWellFormed();
        const native = attempt(() => parseJson(wellFormed));
        const ours = attempt(() => read(wellFormed, WIDE));
        if (ours.error === undefined) expect(ours.value).toEqual(native.value);
        else if (native.error === undefined) expect(String(ours.error)).not.toMatch(/not valid JSON/);
        else expect(ours.error).toMatchObject({ code: 'invalid_json' });
      }),
      { numRuns: 2000 },
    );
  });

  it('finds a key that comes twice wherever it stands', () => {
    const tree = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 3 }),
        fc.string({ unit: 'grapheme' }),
        tree,
        (path, key, value) => {
          const member = `${JSON.stringify(key)}:${JSON.stringify(value).replaceAll(/-?\d[\d.e+-]*/g, '0')}`;
          const inner = `{${member},"other-":0,${member}}`;
          const json = path.reduceRight((inside, name) => `{${JSON.stringify(name)}:[${inside}]}`, inner);
          expect(refusal(json, WIDE).message).toMatch(/(the key comes twice in its object)$/);
        },
      ),
    );
  });
});

function attempt(work: () => unknown): { value?: unknown; error?: unknown } {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}

describe('what is kept in another form, where that is asked for', () => {
  const tolerant = (text: string, tolerance = { numbers: true, rest: true }) => {
    const { value, repairs } = readTolerantJson(Buffer.from(text), LIMITS, tolerance);
    return { value, paths: repairs.pathsIn(undefined), first: repairs.pathsIn(0), second: repairs.pathsIn(1) };
  };

  it('numbers that a double does not keep are their digits as text, and told', () => {
    const text = '{"a":1849284928492849284,"b":[1,-9223372036854775808,1e300],"c":0.1,"d":1.50}';
    expect(tolerant(text, { numbers: true, rest: false })).toMatchObject({
      value: { a: '1849284928492849284', b: [1, '-9223372036854775808', '1e300'], c: 0.1, d: 1.5 },
      paths: ['a', 'b[1]', 'b[2]'],
    });
  });

  it('in a batch they are told by event', () => {
    expect(tolerant('{"events":[{"a":1},{"a":{"é":99999999999999999999}}]}')).toMatchObject({
      value: { events: [{ a: 1 }, { a: { é: '99999999999999999999' } }] },
      first: [],
      second: ['a["é"]'],
    });
  });

  it('lone surrogates become U+FFFD, what is too deep its JSON as text, and the last of two keys counts', () => {
    const deep = `${'{"a":'.repeat(8)}["]",1]${'}'.repeat(8)}`;
    const { value, paths } = tolerant(deep);
    expect(JSON.stringify(value)).toBe(`${'{"a":'.repeat(8)}"[\\"]\\",1]"${'}'.repeat(8)}`);
    expect(paths).toEqual(['a.a.a.a.a.a.a.a']);
    expect(tolerant('{"x":"a\\ud800b","y":"\\ud83d\\ude00"}')).toMatchObject({
      value: { x: 'a\ufffdb', y: '😀' },
      paths: ['x'],
    });
    expect(tolerant('{"x":1,"x":2}')).toMatchObject({ value: { x: 2 }, paths: ['x'] });
  });

  it('what is no JSON is refused as ever', () => {
    for (const text of ['{"a":01}', '{"a":1', '[[[[[[[[[[', '{"a":"\\x"}'])
      expect(() => tolerant(text)).toThrow(/JSON/);
  });

  it('any text that is tolerated is JSON of the same shape', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 3 }).filter((json) => !/\d{16}|e[+]/.test(JSON.stringify(json))),
        fc.bigInt(),
        (value, big) => {
          const text = JSON.stringify({ value, big: 0 }).replace(/0\}$/, `${big}}`);
          const { value: read } = readTolerantJson(Buffer.from(text), WIDE, { numbers: true, rest: true });
          const kept = Number.isSafeInteger(Number(big)) ? Number(big) : String(big);
          expect(read).toEqual({ ...(parseJson(text) as object), big: kept });
        },
      ),
    );
  });
});
