import fc from 'fast-check';
import { canonicalize } from 'json-canonicalize';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../lib/log/json.ts';
import { MAX_RECORD_BYTES, openRecord, parseRecord, recordLine } from '../../lib/log/record.ts';
import type { Envelope } from '../../lib/log/record-format.ts';
import { isSystemTrailName, isTrailName } from '../../lib/log/trail-name.ts';
import { anyText } from './any-text.ts';
import { refusal } from './refusal.ts';

const ZEROS = '0'.repeat(64);
const envelope: Envelope = {
  trail: 'orders',
  seq: 7,
  prev: 'ab'.repeat(32),
  receivedAt: 1_795_234_567_890,
  submitter: 'arn:aws:iam::123456789012:user/app',
};
const line = recordLine(envelope, '{"id":"e","type":"auth.login"}');
const malformed = (message: string) => ({ code: 'malformed_record', message });

describe('a record whose hash was checked', () => {
  it('opens as it parses', () => {
    const { event, submitter } = parseRecord(line);
    expect(openRecord(line)).toEqual({ event, submitter });
  });

  it.each(['{', '7', '{"event":[],"submitter":"a"}', '{"event":{}}'])('%s is none', (text) => {
    expect(refusal(() => openRecord(text))).toMatchObject({ code: 'malformed_record' });
  });
});

describe('a record line', () => {
  it('is what docs/spec.md shows', () => {
    expect(line).toBe(
      '{"event":{"id":"e","type":"auth.login"},' +
        '"prev":"abababababababababababababababababababababababababababababababab","receivedAt":1795234567890,"seq":7,' +
        '"submitter":"arn:aws:iam::123456789012:user/app","trail":"orders","v":1}',
    );
  });

  it('is canonical JSON (RFC 8785) when its event is, and comes back as what it was made of', () => {
    const trail = fc.constantFrom('orders', '0', 'a-b', '_system', `a${'-'.repeat(62)}`);
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
    const count = fc.oneof(fc.nat(1000), fc.nat(2 ** 53 - 1), fc.constant(2 ** 53 - 1));
    const envelopes = fc.record({
      trail,
      seq: count,
      prev: hash,
      receivedAt: count,
      submitter: anyText.filter((text) => text !== ''),
    });
    const values = [anyText, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()];
    const value = fc.anything({ key: anyText, values: [...values, fc.constant(null)], maxDepth: 3, maxKeys: 4 });
    const events = fc.dictionary(anyText, value, { maxKeys: 5 });
    fc.assert(
      fc.property(envelopes, events, (envelope, event) => {
        const written = recordLine(envelope, canonicalize(event));
        expect(written).toBe(canonicalize({ ...envelope, event, v: 1 }));
        const record = parseRecord(written);
        expect(record).toEqual({ ...envelope, v: 1, event: parseJson(canonicalize(event)) });
        expect(parseRecord(Buffer.from(written))).toEqual(record);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps every character of the submitter', () => {
    for (const submitter of ['"', '\\', '\u0000\u001f\u007f', '\u2028\u2029', 'é€😀', '","trail":"other']) {
      expect(parseRecord(recordLine({ ...envelope, submitter }, '{}')).submitter).toBe(submitter);
    }
  });

  it('is not made for no submitter, or one that UTF-8 cannot hold', () => {
    expect(refusal(() => recordLine({ ...envelope, submitter: '' }, '{}'))).toEqual(
      malformed('the submitter is empty'),
    );
    expect(refusal(() => recordLine({ ...envelope, submitter: 'a\ud800b' }, '{}'))).toEqual(
      malformed('the submitter is not well-formed text'),
    );
  });

  it('holds events whose keys mean something to JavaScript as plain data', () => {
    const { event } = parseRecord(recordLine(envelope, '{"__proto__":{"x":1},"constructor":2,"toString":3}'));
    expect(Object.keys(event)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(Object.getPrototypeOf(event)).toBe(Object.prototype);
    expect({}).not.toHaveProperty('x');
  });
});

describe('a line that is no record', () => {
  const without = (text: string): string => line.replace(text, '');
  const fields = malformed('a record has exactly the fields event,prev,receivedAt,seq,submitter,trail,v');

  it.each([
    ['', malformed('a record is not JSON')],
    ['{', malformed('a record is not JSON')],
    [`${line},`, malformed('a record is not JSON')],
    [`${line}${line}`, malformed('a record is not JSON')],
    [`\ufeff${line}`, malformed('a record is not JSON')],
    ['null', fields],
    ['[]', fields],
    ['"text"', fields],
    ['7', fields],
    [`[${line}]`, fields],
    [without(',"v":1'), fields],
    [without('"event":{"id":"e","type":"auth.login"},'), fields],
    [line.replace('"v":1', '"v":1,"w":1'), fields],
    [line.replace('"v":1', '"v":1,"__proto__":1'), fields],
    [line.replace('"prev"', '"Prev"'), fields],
    [line.replace('"v":1', '"v":2'), malformed('a record has v 1: this one needs a newer program')],
    [line.replace('"v":1', '"v":"1"'), malformed('a record has v 1: this one needs a newer program')],
    [line.replace(/"event":\{[^}]*\}/, '"event":null'), malformed('the event of a record is an object')],
    [line.replace(/"event":\{[^}]*\}/, '"event":[]'), malformed('the event of a record is an object')],
    [line.replace(/"event":\{[^}]*\}/, '"event":"{}"'), malformed('the event of a record is an object')],
    [line.replace('abab', 'ABAB'), malformed('prev is 64 lower-case hexadecimal digits')],
    [line.replace('abab', 'aba'), malformed('prev is 64 lower-case hexadecimal digits')],
    [line.replace('abab', 'ababa'), malformed('prev is 64 lower-case hexadecimal digits')],
    [line.replace(/"prev":"[^"]*"/, '"prev":0'), malformed('prev is 64 lower-case hexadecimal digits')],
    [line.replace('1795234567890', '-1'), malformed('receivedAt is a whole number of milliseconds')],
    [line.replace('1795234567890', '0.5'), malformed('receivedAt is a whole number of milliseconds')],
    [line.replace('1795234567890', '"0"'), malformed('receivedAt is a whole number of milliseconds')],
    [line.replace('1795234567890', '1e999'), malformed('receivedAt is a whole number of milliseconds')],
    [line.replace('"seq":7', '"seq":-1'), malformed('seq is a whole number')],
    [line.replace('"seq":7', '"seq":9007199254740992'), malformed('seq is a whole number')],
    [line.replace('"seq":7', '"seq":null'), malformed('seq is a whole number')],
    [line.replace(/"submitter":"[^"]*"/, '"submitter":7'), malformed('submitter is text')],
    [line.replace('"orders"', '"Orders"'), malformed('trail is the name of a trail')],
    [line.replace('"orders"', '"__system"'), malformed('trail is the name of a trail')],
    [line.replace('"orders"', '7'), malformed('trail is the name of a trail')],
  ])('is refused with a reason: %j', (text, reason) => {
    expect(refusal(() => parseRecord(text))).toEqual(reason);
    expect(refusal(() => parseRecord(Buffer.from(text)))).toEqual(reason);
  });

  it('is one that is not UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('{"event":"'), Buffer.of(0xff), Buffer.from('"}')]);
    expect(refusal(() => parseRecord(bytes))).toEqual(malformed('a record is not valid UTF-8'));
  });

  it('is one of more than 65,535 bytes, however few characters', () => {
    const room = MAX_RECORD_BYTES - Buffer.byteLength(recordLine({ ...envelope, submitter: 's' }, '{}')) + 1;
    const longest = recordLine({ ...envelope, submitter: 'x'.repeat(room) }, '{}');
    expect(Buffer.byteLength(longest)).toBe(65_535);
    expect(parseRecord(longest).seq).toBe(7);
    const longer = recordLine({ ...envelope, submitter: 'é'.repeat(room / 2 + 1) }, '{}');
    const bytes = Buffer.byteLength(longer);
    for (const text of [longer, Buffer.from(longer)]) {
      expect(refusal(() => parseRecord(text))).toEqual(
        malformed(`a record has at most 65535 bytes, this one ${bytes}`),
      );
    }
  });

  it('is any line with an edit, unless it is still a record: never another error', () => {
    const characters = fc.constantFrom('', '{', '}', '"', ',', ':', '0', '-', '\\', '[', '\u0000', 'é', ' ');
    fc.assert(
      fc.property(fc.nat(line.length), fc.nat(3), characters, (at, cut, put) => {
        const edited = line.slice(0, at) + put + line.slice(at + cut);
        expect([undefined, 'malformed_record']).toContain(refusal(() => parseRecord(edited))?.code);
      }),
      { numRuns: 1000 },
    );
  });

  it('is any other JSON: never another error', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(refusal(() => parseRecord(text))?.code).toBe('malformed_record');
      }),
    );
  });
});

describe('the name of a trail', () => {
  it.each(['a', '0', '9', 'z9', 'orders', 'eu-west-1', 'a-', 'a--b', 'a'.repeat(63)])('may be %j', (name) => {
    expect([isTrailName(name), isSystemTrailName(name)]).toEqual([true, false]);
    expect(parseRecord(recordLine({ ...envelope, trail: name }, '{}')).trail).toBe(name);
  });

  it.each(['_system', '_access', '_0', '_9', '_z9', `_${'a'.repeat(62)}`])("may be the system's own: %j", (name) => {
    expect([isTrailName(name), isSystemTrailName(name)]).toEqual([false, true]);
    expect(parseRecord(recordLine({ ...envelope, trail: name }, '{}')).trail).toBe(name);
  });

  it.each([
    '',
    '-a',
    '_',
    '__a',
    '_-a',
    'A',
    'a.b',
    'a/b',
    '..',
    'a b',
    'a\n',
    '\na',
    'é',
    'a'.repeat(64),
    `_${'a'.repeat(63)}`,
  ])('may not be %j', (name) => {
    expect([isTrailName(name), isSystemTrailName(name)]).toEqual([false, false]);
    expect(refusal(() => parseRecord(recordLine({ ...envelope, trail: name, prev: ZEROS }, '{}')))?.code).toBe(
      'malformed_record',
    );
  });
});
