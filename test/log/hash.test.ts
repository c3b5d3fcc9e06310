import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_ROOT, isHash, leafHash, nodeHash, sameBytes, sha256, ZERO_HASH } from '../../lib/log/hash.ts';
import { anyText } from './any-text.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const vectors = JSON.parse(readFileSync(new URL('../vectors/merkle/rfc6962.json', import.meta.url), 'utf8'));

describe('the hashes of the tree', () => {
  it('are those that others publish for RFC 6962', () => {
    expect(hex(EMPTY_ROOT)).toBe(vectors.hasher.emptyRoot);
    expect(hex(leafHash(''))).toBe(vectors.hasher.emptyLeaf);
    expect(hex(leafHash('L123456'))).toBe(vectors.hasher.leafL123456);
    const leaves: string[] = vectors.leaves;
    expect(leaves.map((leaf) => hex(leafHash(Buffer.from(leaf, 'hex'))))).toEqual(vectors.levels[0]);
    const [, parents] = vectors.levels;
    const level0 = vectors.levels[0].map((text: string) => Buffer.from(text, 'hex'));
    expect([0, 2, 4, 6].map((i) => hex(nodeHash(level0[i], level0[i + 1])))).toEqual(parents);
  });

  it('are the same for a line as bytes and as text, up to and beyond the longest record', () => {
    const byDefinition = (line: Uint8Array): string =>
      createHash('sha256').update(Uint8Array.of(0)).update(line).digest('hex');
    fc.assert(
      fc.property(anyText, (text) => {
        const line = Buffer.from(text);
        expect(hex(leafHash(text))).toBe(byDefinition(line));
        expect(hex(leafHash(Uint8Array.from(line)))).toBe(byDefinition(line));
      }),
    );
    for (const length of [65_534, 65_535, 65_536, 200_000]) {
      const line = Buffer.alloc(length, 'é');
      expect(hex(leafHash(line)), `${length} bytes`).toBe(byDefinition(line));
    }
    // A short line after a long one: nothing of the long one is left behind.
    expect(hex(leafHash(Buffer.from('short')))).toBe(byDefinition(Buffer.from('short')));
  });

  it('tell a leaf that spells out a node from that node (RFC 6962 section 2.1: domain separation)', () => {
    const [left, right] = [leafHash('Hello'), leafHash('World')];
    expect(hex(nodeHash(left, right))).not.toBe(hex(leafHash(Buffer.concat([left, right]))));
    expect(hex(nodeHash(left, right))).not.toBe(hex(nodeHash(right, left)));
  });

  it('stay as they are when later ones are made', () => {
    const before = leafHash('kept');
    const copy = hex(before);
    for (let i = 0; i < 1000; i++) nodeHash(leafHash(`${i}`), before);
    expect(hex(before)).toBe(copy);
  });

  it('are made of two hashes and of nothing shorter or longer', () => {
    const whole = leafHash('a');
    for (const part of [whole.subarray(1), Buffer.concat([whole, whole]), new Uint8Array()]) {
      expect(() => nodeHash(part, whole)).toThrow(new RangeError('a hash has 32 bytes'));
      expect(() => nodeHash(whole, part)).toThrow(new RangeError('a hash has 32 bytes'));
    }
  });

  it('have 32 bytes and are bytes', () => {
    expect([sha256('x'), ZERO_HASH, new Uint8Array(32)].every(isHash)).toBe(true);
    expect(
      [new Uint8Array(31), new Uint8Array(33), 'a'.repeat(32), new Array(32).fill(0), undefined].some(isHash),
    ).toBe(false);
    expect(hex(ZERO_HASH)).toBe('00'.repeat(32));
  });

  it('compare by every byte', () => {
    const hash = leafHash('same');
    expect(sameBytes(hash, Uint8Array.from(hash))).toBe(true);
    expect(sameBytes(hash, hash.subarray(0, 31))).toBe(false);
    for (let i = 0; i < 32; i++) {
      const other = Uint8Array.from(hash);
      other[i] = (other[i] ?? 0) ^ 1;
      expect(sameBytes(hash, other)).toBe(false);
    }
  });
});
