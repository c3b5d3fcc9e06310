import { createHash } from 'node:crypto';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { slackIsZero } from '../../../lib/verify/records/deflate-padding.ts';

/** Bytes that deflate packs in all its ways: text that repeats, noise, and runs. */
const content = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ maxLength: 80 }).map((text) => Buffer.from(text.repeat(9))),
    fc.tuple(fc.nat(255), fc.nat(2000)).map(([byte, length]) => Buffer.alloc(length, byte)),
  ),
  { maxLength: 12 },
);
const options = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FIXED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FILTERED,
  ),
  memLevel: fc.integer({ min: 1, max: 9 }),
});

function inflate(deflate: Uint8Array): { raw: Buffer; consumed: number } | undefined {
  try {
    // With `info`, which the types do not know, the result is { buffer, engine }.
    const { buffer, engine } = inflateRawSync(deflate, { info: true, maxOutputLength: 1 << 20 }) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    return { raw: buffer, consumed: engine.bytesWritten };
  } catch {
    return undefined;
  }
}

describe('the bits that no decoder looks at', () => {
  test('zlib leaves them zero, however it packs', () => {
    fc.assert(
      fc.property(content, options, (parts, how) => {
        expect(slackIsZero(deflateRawSync(Buffer.concat(parts), how))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('any single flipped bit either changes what is unpacked or is noticed', () => {
    // Of content that repeats itself a match may be pointed at another copy of the same text: that is the one flip that
    // nothing can notice, and it changes nothing. Noise has no such copies.
    const noise = fc
      .uint8Array({ minLength: 1, maxLength: 700 })
      .map((bytes) => [Buffer.from(bytes).toString('base64')]);
    fc.assert(
      fc.property(noise, options, fc.nat(), (parts, how, where) => {
        const raw = Buffer.from(parts.join());
        const deflate = deflateRawSync(raw, how);
        // The last bytes are where the unused bits are; one flip in two is there.
        const span = where % 2 === 0 ? Math.min(16, deflate.length * 8) : deflate.length * 8;
        const bit = deflate.length * 8 - 1 - (Math.floor(where / 2) % span);
        deflate[bit >> 3] = (deflate[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const back = inflate(deflate);
        const unseen = back?.raw.equals(raw) === true && back.consumed === deflate.length && slackIsZero(deflate);
        expect(unseen).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test('in a long stream, where only the last block is looked at, as in a short one', () => {
    const blocks = Array.from({ length: 2500 }, (_, at) => createHash('sha256').update(String(at)).digest());
    const noise = Buffer.concat(blocks);
    for (const tail of ['', 'x', 'the end of it, in words', noise.toString('base64url')]) {
      const raw = Buffer.from(`${noise.toString('base64')}${noise.toString('hex')}${tail}`);
      const deflate = deflateRawSync(raw);
      expect(deflate.length).toBeGreaterThan(100_000);
      expect(slackIsZero(deflate)).toBe(true);
      for (let bit = 0; bit < 16; bit++) {
        const flipped = Buffer.from(deflate);
        const at = flipped.length - 1 - (bit >> 3);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7));
        const back = inflate(flipped);
        expect(back?.raw.equals(raw) === true && back.consumed === flipped.length && slackIsZero(flipped)).toBe(false);
      }
    }
  });

  test('a byte after the stream is noticed, and so is a stream cut short', () => {
    const deflate = deflateRawSync(Buffer.from('tamper-evident '.repeat(20)));
    expect(slackIsZero(Buffer.concat([deflate, Buffer.alloc(1)]))).toBe(false);
    for (let length = 0; length < deflate.length; length++)
      expect(slackIsZero(deflate.subarray(0, length))).toBe(false);
  });

  test('noise ends with an answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        expect(typeof slackIsZero(noise)).toBe('boolean');
      }),
      { numRuns: 2000 },
    );
  });
});
