import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyScan, type ScannedLine, scanRecordLine } from '../../lib/json/scan-canonical.ts';
import { parseJson } from '../../lib/log/json.ts';

const PREV = 'ab'.repeat(32);

function lineOf(eventJson: string, over: { prev?: string; receivedAt?: string; seq?: string; rest?: string } = {}) {
  const {
    prev = PREV,
    receivedAt = '1700000000000',
    seq = '7',
    rest = '"submitter":"sub","trail":"orders","v":1}',
  } = over;
  return `{"event":${eventJson},"prev":"${prev}","receivedAt":${receivedAt},"seq":${seq},${rest}`;
}

function scan(line: string | Uint8Array): ScannedLine | undefined {
  // Neighbours that would continue a value show that the scanner keeps to its bounds.
  const inner = Buffer.from(line);
  const bytes = Buffer.concat([Buffer.from('9}'), inner, Buffer.from('}9')]);
  const into = emptyScan();
  return scanRecordLine(bytes, 2, 2 + inner.length, into) ? into : undefined;
}

/** The slow truth: parse, canonicalise, compare; and the shape of the envelope. */
function isCanonicalRecord(line: string): boolean {
  let value: unknown;
  try {
    value = parseJson(line);
    if (canonicalize(value) !== line) return false;
  } catch {
    return false;
  }
  const record = value as Record<string, unknown>; // parsed above; each field is checked below
  const { event, prev, receivedAt, seq, submitter, trail, v } = record;
  const count = (n: unknown) => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0;
  return (
    Object.keys(record).join() === 'event,prev,receivedAt,seq,submitter,trail,v' &&
    typeof event === 'object' &&
    event !== null &&
    !Array.isArray(event) &&
    typeof prev === 'string' &&
    /^[0-9a-f]{64}$/.test(prev) &&
    count(receivedAt) &&
    count(seq) &&
    typeof submitter === 'string' &&
    typeof trail === 'string' &&
    v === 1
  );
}

describe('what a canonical record line says', () => {
  test('its number, time, predecessor and trail are found at their places', () => {
    const line = lineOf('{"a":{"b":[1,"x",null,true,{}]}}');
    const found = scan(line);
    const at = Buffer.from(`9}${line}`);
    expect(found).toMatchObject({ seq: 7, receivedAt: 1_700_000_000_000 });
    expect(at.subarray(found?.prevAt, (found?.prevAt ?? 0) + 64).toString()).toBe(PREV);
    expect(at.subarray(found?.trailAt, found?.trailEnd).toString()).toBe('orders');
  });

  test('the largest numbers are read exactly, and larger ones not at all', () => {
    expect(scan(lineOf('{}', { seq: '9007199254740991' }))?.seq).toBe(Number.MAX_SAFE_INTEGER);
    expect(scan(lineOf('{}', { seq: '9007199254740992' }))).toBeUndefined();
    expect(scan(lineOf('{}', { receivedAt: '90071992547409910' }))).toBeUndefined();
  });
});

describe('the scanner and a full re-canonicalisation agree', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom('\ue000', '\u{10000}', '\ud7ff', '"', '\\', '/', '\n', '\u0001', '\u007f', 'é', 'a'),
    }),
  );
  const json = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.constantFrom(true, false, null, 0, 1e21, 1e-7, 123456789012345680000, 5e-324),
      fc.array(tie('value'), { maxLength: 4 }),
      tie('object'),
    ),
    object: fc.dictionary(text, tie('value'), { maxKeys: 6 }),
  })).object;
  /** Canonical text of anything that has one; lone surrogates do not. */
  const canonicalEvent = json
    .filter((value) => JSON.stringify(value).isWellFormed() && !/\\ud[89a-f]/.test(JSON.stringify(value)))
    .map((value) => canonicalize(value) ?? '');

  test('every canonical line is accepted, whatever the event holds', () => {
    fc.assert(
      fc.property(canonicalEvent, (event) => {
        expect(scan(lineOf(event))).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  test('after any small edit, the scanner accepts exactly what is still canonical', () => {
    const snippet = fc.constantFrom(
      '',
      ' ',
      '"',
      '\\',
      '0',
      '1',
      '-',
      '.',
      'e',
      '+',
      'E',
      ',',
      ':',
      '{',
      '}',
      '[',
      ']',
      'a',
      'Z',
      '\t',
      '\n',
      '\u0000',
      '/',
      '\\/',
      '\\u0061',
      '\\u001F',
      '\\u001f',
      '\\n',
      '\\u000a',
      'é',
      '\\ud83d\\ude00',
      'null',
      '"a":1,',
      '1.0',
      '1e5',
    );
    fc.assert(
      fc.property(canonicalEvent, fc.nat(), fc.nat(3), snippet, (event, where, cut, put) => {
        const line = lineOf(event);
        const at = where % (line.length + 1);
        const edited = line.slice(0, at) + put + line.slice(at + cut);
        fc.pre(edited.isWellFormed());
        expect(scan(edited) !== undefined).toBe(isCanonicalRecord(edited));
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ['keys out of order', '{"b":1,"a":1}'],
    ['a key twice', '{"a":1,"a":1}'],
    ['a key twice, once escaped', '{"\\u0061":1,"a":1}'],
    ['keys in code point order where UTF-16 order differs', '{"\ue000":1,"\u{10000}":1}'],
    ['white space', '{"a": 1}'],
    ['an escape that is not needed', '{"a":"\\/"}'],
    ['a long escape where a short one exists', '{"a":"\\u000a"}'],
    ['an escape in upper case', '{"a":"\\u001F"}'],
    ['a control character as it stands', '{"a":"\u0001"}'],
    ['minus zero', '{"a":-0}'],
    ['a leading zero', '{"a":01}'],
    ['a fraction of zeros', '{"a":1.0}'],
    ['an exponent that is not needed', '{"a":1e5}'],
    ['more digits than a double has', '{"a":12345678901234567890}'],
    ['a number that overflows', '{"a":1e400}'],
    ['a word', '{"a":nul}'],
    ['a lone surrogate', '{"a":"\\ud800"}'],
    ['an event that is an array', '[]'],
    ['a missing comma', '{"a":1"b":2}'],
    ['a comma too many', '{"a":1,}'],
    ['a comma too many in an array', '{"a":[1,]}'],
    ['an object without end', '{"a":{'],
    ['a string without end', '{"a":"b}'],
    ['an empty value', '{"a":}'],
  ])('%s is refused', (_, event) => {
    expect(isCanonicalRecord(lineOf(event))).toBe(false);
    expect(scan(lineOf(event))).toBeUndefined();
  });

  test.each([
    ['a surrogate pair before a private character', '{"\u{10000}":1,"\ue000":1}'],
    ['keys with escapes in order', '{"\\n":1,"\\r":1,"a":1}'],
    ['an escaped and a longer key', '{"a":1,"a\\n":1,"a!":1}'],
    ['numbers as ECMAScript writes them', '{"a":[0,-1,0.5,1e+21,1e-7,123456789012345680000,5e-324]}'],
    ['delete, as it stands', '{"a":"\u007f\u2028"}'],
  ])('%s is accepted', (_, event) => {
    expect(isCanonicalRecord(lineOf(event))).toBe(true);
    expect(scan(lineOf(event))).toBeDefined();
  });

  test('the envelope is taken literally', () => {
    const good = { rest: '"submitter":"s","trail":"t","v":1}' };
    expect(scan(lineOf('{}', good))).toBeDefined();
    for (const bad of [
      { prev: PREV.toUpperCase() },
      { prev: PREV.slice(2) },
      { receivedAt: '-1' },
      { receivedAt: '1.5' },
      { seq: '07' },
      { seq: '"7"' },
      { rest: '"submitter":1,"trail":"t","v":1}' },
      { rest: '"submitter":"s","trail":"t","v":2}' },
      { rest: '"submitter":"s","trail":"t","v":1,"w":1}' },
      { rest: '"submitter":"s","trail":"t","v":1}\n' },
      { rest: '"submitter":"s","trail":"t"}' },
    ]) {
      expect(isCanonicalRecord(lineOf('{}', bad))).toBe(false);
      expect(scan(lineOf('{}', bad))).toBeUndefined();
    }
  });

  test('no prefix of a line is a line', () => {
    const line = lineOf('{"a":[1,{"b":"\u{1f600}"}]}');
    for (let length = 0; length < Buffer.byteLength(line); length++) {
      expect(scan(Buffer.from(line).subarray(0, length))).toBeUndefined();
    }
  });

  test('bytes are refused unless they are UTF-8, whatever is done to them', () => {
    const strict = new TextDecoder('utf-8', { fatal: true });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 6 }), (bytes) => {
        const raw = Buffer.concat([
          Buffer.from('{"a":"'),
          Buffer.from(bytes.map((byte) => byte | 0x80)),
          Buffer.from('"}'),
        ]);
        const [head, tail] = lineOf('?').split('?');
        const line = Buffer.concat([Buffer.from(head ?? ''), raw, Buffer.from(tail ?? '')]);
        let valid = true;
        try {
          strict.decode(raw);
        } catch {
          valid = false;
        }
        expect(scan(line) !== undefined).toBe(valid);
      }),
      { numRuns: 2000 },
    );
  });

  test('nesting deeper than intake allows is left to the slow check, without exhausting the stack', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(scan(lineOf(nested(32)))).toBeDefined();
    expect(scan(lineOf(nested(30_000)))).toBeUndefined();
  });
});
