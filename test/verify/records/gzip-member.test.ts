import { constants, crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type GzipFlaw, unpackMember } from '../../../lib/verify/records/gzip-member.ts';

async function unpack(
  member: Uint8Array,
  most = 1 << 20,
): Promise<{ content: Buffer; flaw: GzipFlaw | undefined; largest: number }> {
  const chunks: Buffer[] = [];
  const reading = unpackMember(member, most);
  for (;;) {
    const next = await reading.next();
    if (next.done === true) {
      const largest = Math.max(0, ...chunks.map((chunk) => chunk.length));
      return { content: Buffer.concat(chunks), flaw: next.value, largest };
    }
    chunks.push(next.value);
  }
}

const text = Buffer.from('one line\nanother line\n'.repeat(50));

describe('a gzip member of the archive', () => {
  test('is unpacked in chunks, whatever its size', async () => {
    const large = Buffer.alloc(3_000_000, 'large ');
    for (const content of [text, large, Buffer.alloc(0)]) {
      const unpacked = await unpack(gzipSync(content), 4_000_000);
      expect(unpacked.flaw).toBeUndefined();
      expect(unpacked.content.equals(content)).toBe(true);
    }
    expect((await unpack(gzipSync(large), 4_000_000)).largest).toBeLessThanOrEqual(256 * 1024);
  });

  // ADR 21: what is promised of a segment is its content, however deflate wrote it (RFC 1951 section 3.2.3).
  test.each<[string, Buffer]>([
    ['not compressed', deflateRawSync(text, { level: 0 })],
    ['at another level', deflateRawSync(text, { level: 9 })],
    ['with fixed codes', deflateRawSync(text, { strategy: constants.Z_FIXED })],
    ['without matches', deflateRawSync(text, { strategy: constants.Z_HUFFMAN_ONLY })],
    ['with runs alone', deflateRawSync(text, { strategy: constants.Z_RLE, memLevel: 1, windowBits: 9 })],
    [
      'behind empty blocks',
      Buffer.concat([Buffer.alloc(5_000, Buffer.from([0, 0, 0, 255, 255])), deflateRawSync(text)]),
    ],
    [
      'in many blocks',
      Buffer.concat([
        ...text
          .toString()
          .split(/(?<=\n)/)
          .map((line) => deflateRawSync(line, { finishFlush: constants.Z_FULL_FLUSH })),
        Buffer.from([3, 0]),
      ]),
    ],
  ])('is the same %s', async (_, deflated) => {
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(crc32(text), 0);
    trailer.writeUInt32LE(text.length, 4);
    const member = Buffer.concat([gzipSync(text).subarray(0, 10), deflated, trailer]);
    const { content, flaw } = await unpack(member);
    expect({ same: content.equals(text), flaw }).toEqual({ same: true, flaw: undefined });
  });

  test('a flipped bit anywhere is found, or leaves the content as it was', async () => {
    const good = gzipSync(text);
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = Buffer.from(good);
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const { content, flaw } = await unpack(bad);
      // A match may point at another copy of the same text, and deflate ignores the bits after its last block (ADR 21).
      if (flaw === undefined) expect(content.equals(text)).toBe(true);
      else expect(flaw.kind).toMatch(/^(malformed_segment|trailing_bytes|too_large)$/);
    }
  });

  test.each([
    ['nothing at all', Buffer.alloc(0), 'malformed_segment', '0 bytes are no gzip file'],
    [
      'a member cut short',
      gzipSync(text).subarray(0, 40),
      'malformed_segment',
      'it does not unpack: unexpected end of file',
    ],
    [
      'a member without its last byte',
      gzipSync(text).subarray(0, -1),
      'malformed_segment',
      'its content does not have the checksum and length that it ends with',
    ],
    [
      'bytes behind',
      Buffer.concat([gzipSync(text), Buffer.from('x')]),
      'trailing_bytes',
      '1 bytes stand behind the end of the gzip data',
    ],
    [
      'a second member',
      Buffer.concat([gzipSync(text), gzipSync(text)]),
      'trailing_bytes',
      `${gzipSync(text).length} bytes stand behind the end of the gzip data`,
    ],
    [
      'text that is not packed',
      text,
      'malformed_segment',
      'it does not begin with the gzip header that the archive writes',
    ],
  ])('%s is refused', async (_, member, kind, message) => {
    expect((await unpack(member)).flaw).toEqual({ kind, message });
  });

  test('a bomb is given up at the limit, in small chunks', async () => {
    const bomb = gzipSync(Buffer.alloc(40_000_000));
    const { content, flaw, largest } = await unpack(bomb, 1_000_000);
    expect(flaw).toEqual({ kind: 'too_large', message: 'it unpacks to more than 1000000 bytes' });
    expect(content.length).toBeLessThanOrEqual(1_000_000);
    expect(largest).toBeLessThanOrEqual(256 * 1024);
  });
});
