import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64, fromDecimal, fromHex, fromUtf8, toBase64, toHex, toUtf8 } from '../../lib/log/encoding.ts';
import { anyText } from './any-text.ts';
import { refusal } from './refusal.ts';

const bytesOf = (bytes: Uint8Array): number[] => [...bytes];

describe('texts that stand for bytes', () => {
  it('come back as the bytes they were made of', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(bytesOf(fromHex(toHex(bytes)))).toEqual(bytesOf(bytes));
        expect(bytesOf(fromBase64(toBase64(bytes)))).toEqual(bytesOf(bytes));
      }),
    );
  });

  it('are made of a part of a buffer without the rest of it', () => {
    const part = Uint8Array.from([1, 2, 3, 4]).subarray(1, 3);
    expect(toHex(part)).toBe('0203');
    expect(toBase64(part)).toBe('AgM=');
  });

  it('are those of RFC 4648 section 10', () => {
    const base64 = {
      '': '',
      f: 'Zg==',
      fo: 'Zm8=',
      foo: 'Zm9v',
      foob: 'Zm9vYg==',
      fooba: 'Zm9vYmE=',
      foobar: 'Zm9vYmFy',
    };
    for (const [text, encoded] of Object.entries(base64)) {
      expect(toBase64(toUtf8(text))).toBe(encoded);
      expect(toHex(fromBase64(encoded))).toBe(toHex(toUtf8(text)));
    }
    expect(toHex(toUtf8('foobar'))).toBe('666f6f626172');
  });

  it.each([
    ['Zg', 'no padding'],
    ['Zg=', 'half the padding'],
    ['Zg===', 'too much padding'],
    ['Zh==', 'unused bits that are not zero'],
    ['Zm9=', 'unused bits that are not zero'],
    ['Zm9v\n', 'a line end'],
    ['Zm 9v', 'a space'],
    ['Zm9v=', 'padding where there is none'],
    ['_-8=', 'the URL alphabet'],
    ['Zg==Zg==', 'two texts'],
    ['=', 'padding alone'],
    ['Zmé=', 'another letter'],
  ])('base64 has one form: %j has %s', (text) => {
    expect(refusal(() => fromBase64(text, 'malformed_note', 'a signature'))).toEqual({
      code: 'malformed_note',
      message: 'a signature is not canonical base64',
    });
  });

  it.each(['0', 'AB', 'aB', '0x00', ' 00', '00\n', 'gg', '0٠'])('hexadecimal has one form: not %j', (text) => {
    expect(refusal(() => fromHex(text, 'malformed_record', 'prev'))).toEqual({
      code: 'malformed_record',
      message: 'prev is not lower-case hexadecimal',
    });
  });

  it('no two base64 texts stand for the same bytes, and whatever is not one is refused', () => {
    const alphabet = 'ABCDwxyz0189+/=-_ \n';
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 12 }), (text) => {
        const refused = refusal(() => expect(toBase64(fromBase64(text))).toBe(text));
        expect([undefined, 'invalid_parameter']).toContain(refused?.code);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('decimal numbers', () => {
  it('are read up to 2^53 - 1', () => {
    for (const value of [0, 1, 9, 10, 2 ** 31, 2 ** 32, 2 ** 53 - 1]) {
      expect(fromDecimal(String(value), 'malformed_checkpoint', 'the size')).toBe(value);
    }
  });

  it.each([
    '',
    '00',
    '01',
    '-1',
    '-0',
    '+1',
    '1.0',
    '1e3',
    '0x1',
    ' 1',
    '1\n',
    '٣',
    '9007199254740992',
    '9'.repeat(1000),
    'NaN',
    'Infinity',
  ])('have one form: not %j', (text) => {
    expect(refusal(() => fromDecimal(text, 'malformed_checkpoint', 'the size'))).toEqual({
      code: 'malformed_checkpoint',
      message: 'the size is not a decimal number from 0 to 2^53 - 1',
    });
  });
});

describe('UTF-8', () => {
  it('comes back, byte order mark and all', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(fromUtf8(toUtf8(text), 'malformed_note', 'a note')).toBe(text);
      }),
    );
    expect(fromUtf8(toUtf8('\ufeffa'), 'malformed_note', 'a note')).toBe('\ufeffa');
  });

  it.each([
    ['a lone continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['something beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a character cut off', [0xe2, 0x82]],
    ['a byte that no text has', [0xff]],
  ])('is refused with %s', (_, bytes) => {
    expect(refusal(() => fromUtf8(Uint8Array.from(bytes), 'malformed_note', 'a note'))).toEqual({
      code: 'malformed_note',
      message: 'a note is not valid UTF-8',
    });
  });
});
