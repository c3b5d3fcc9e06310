import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Buffer as Ours } from '../../lib/console/platform/buffer.ts';
import { isAscii, isUtf8 } from '../../lib/console/platform/node-buffer.ts';
import { crc32 } from '../../lib/console/platform/zlib.ts';

/** What stands for Node's Buffer in a browser does what Node's does: a verifier that misreads bytes verifies something else. */

const bytes = fc.uint8Array({ maxLength: 64 });
const ENCODINGS = ['utf8', 'hex', 'latin1', 'base64'] as const;
const plain = (value: Uint8Array) => [...value];

describe('the bytes of the page', () => {
  it('are written as text as Node writes them, and parts of them too', () => {
    const property = fc.property(
      bytes,
      fc.constantFrom(...ENCODINGS),
      fc.nat(64),
      fc.nat(64),
      (given, encoding, a, b) => {
        expect(Ours.from(given).toString(encoding, a, b)).toBe(Buffer.from(given).toString(encoding, a, b));
        expect(Ours.from(given).toString(encoding)).toBe(Buffer.from(given).toString(encoding));
      },
    );
    fc.assert(property);
  });

  it('are read from text as Node reads it', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(text, (given) => {
        expect(plain(Ours.from(given))).toEqual(plain(Buffer.from(given)));
        expect(Ours.byteLength(given)).toBe(Buffer.byteLength(given));
      }),
    );
    const encoded = fc.property(bytes, fc.constantFrom('hex', 'latin1', 'base64'), (given, encoding) => {
      const written = Buffer.from(given).toString(encoding);
      expect(plain(Ours.from(written, encoding))).toEqual(plain(given));
    });
    fc.assert(encoded);
  });

  it('come to the same text again only from canonical base64, as the log demands', () => {
    const base64 = fc.string({ unit: fc.constantFrom(...'AQZz09+/=-_ \n'), maxLength: 12 });
    const property = fc.property(base64, (text) => {
      const isCanonical = Buffer.from(text, 'base64').toString('base64') === text;
      expect(Ours.from(text, 'base64').toString('base64') === text).toBe(isCanonical);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('are compared, joined, copied and searched as Node does it', () => {
    const property = fc.property(bytes, bytes, fc.nat(70), fc.nat(70), (a, b, from, at) => {
      const [ours, nodes] = [Ours.from(a), Buffer.from(a)];
      expect(Ours.compare(a, b)).toBe(Buffer.compare(a, b));
      expect(ours.equals(b)).toBe(nodes.equals(b));
      expect(plain(Ours.concat([a, b]))).toEqual(plain(Buffer.concat([a, b])));
      expect(ours.includes(b.subarray(0, 2))).toBe(nodes.includes(Buffer.from(b.subarray(0, 2))));
      expect(ours.indexOf(b[0] ?? 7)).toBe(nodes.indexOf(b[0] ?? 7));
      const [start, end] = [Math.min(from, a.length), Math.min(at, b.length)];
      expect(ours.compare(b, 0, end, start)).toBe(nodes.compare(b, 0, end, start));
      const [left, right] = [Ours.alloc(80), Buffer.alloc(80)];
      expect(ours.copy(left, at, start)).toBe(nodes.copy(right, at, start));
      expect(plain(left)).toEqual(plain(right));
    });
    fc.assert(property, { numRuns: 300 });
    expect(Ours.from('a "type":"action." b').includes('"type"')).toBe(true);
    expect(Ours.from('abc').indexOf('')).toBe(Buffer.from('abc').indexOf(''));
  });

  it('hold numbers as Node does', () => {
    const property = fc.property(
      fc.nat(65_535),
      fc.nat(),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      (small, number, large) => {
        const [ours, nodes] = [Ours.alloc(32), Buffer.alloc(32)];
        for (const one of [ours, nodes]) {
          one.writeUInt16BE(small, 1);
          one.writeUInt32BE(number, 3);
          one.writeUInt32LE(number, 7);
          one.writeBigUInt64BE(large, 11);
          one.writeUIntBE(number * 7919 + small, 20, 6);
          one.write('\u00ff\u0001', 28, 'latin1');
        }
        expect(plain(ours)).toEqual(plain(nodes));
        expect([ours.readUInt16BE(1), ours.readUInt32BE(3), ours.readBigUInt64BE(11), ours.readUIntBE(20, 6)]).toEqual([
          ...[nodes.readUInt16BE(1), nodes.readUInt32BE(3), nodes.readBigUInt64BE(11), nodes.readUIntBE(20, 6)],
        ]);
      },
    );
    fc.assert(property);
  });

  it('share memory where Node’s do', () => {
    const whole = new Uint8Array([1, 2, 3, 4]);
    expect(plain(Ours.from(whole.buffer, 1, 2))).toEqual([2, 3]);
    Ours.from(whole.buffer, 1, 2)[0] = 9;
    expect(whole[1]).toBe(9);
    Ours.from(whole)[0] = 7;
    expect(whole[0]).toBe(1);
  });

  it('are refused in an encoding that this does not know', () => {
    expect(() => Ours.from('a', 'ucs2')).toThrow(RangeError);
    expect(() => Ours.from('a').toString('ucs2')).toThrow(RangeError);
  });

  it('are told to be ASCII and UTF-8 as Node tells it, and summed up as gzip does', async () => {
    const { isAscii: nodeAscii, isUtf8: nodeUtf8 } = await import('node:buffer');
    const zlib = await import('node:zlib');
    const property = fc.property(bytes, bytes, (a, b) => {
      expect([isAscii(a), isUtf8(a)]).toEqual([nodeAscii(a), nodeUtf8(a)]);
      expect(crc32(b, crc32(a))).toBe(zlib.crc32(b, zlib.crc32(a)));
    });
    fc.assert(property);
  });
});
