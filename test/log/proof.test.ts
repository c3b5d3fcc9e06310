import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint } from '../../lib/log/checkpoint.ts';
import { toHex, toUtf8 } from '../../lib/log/encoding.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../../lib/log/frontier.ts';
import { EMPTY_ROOT, type Hash, leafHash, ZERO_HASH } from '../../lib/log/hash.ts';
import { checkProof, formatProof, parseProof, type TlogProof } from '../../lib/log/proof.ts';
import { proveInclusion } from '../../lib/log/tree.ts';
import { anyText } from './any-text.ts';
import { ed25519Key, noteBy } from './keys.ts';
import { refusal } from './refusal.ts';

const vectors = JSON.parse(readFileSync(new URL('../vectors/note/formats.json', import.meta.url), 'utf8'));
const ORIGIN = 'audit.example.com/orders';
const key = ed25519Key(1);
const verifiers = [key.verifier(ORIGIN)];
const SIZE = 11;
const leaves = Array.from({ length: SIZE }, (_, i) => leafHash(`record ${i}`));
const whole = appendLeaves(EMPTY_FRONTIER, leaves);
const checkpoint = noteBy(key, ORIGIN, formatCheckpoint({ origin: ORIGIN, size: SIZE, root: whole.root }));
const read = async (ids: readonly { level: number; index: number }[]) => ids.map((id) => whole.node(id) ?? EMPTY_ROOT);
const proofOf = async (index: number): Promise<TlogProof> => ({
  index,
  hashes: await proveInclusion(index, SIZE, read),
  checkpoint,
});
const plain = (proof: TlogProof) => ({
  ...proof,
  hashes: proof.hashes.map(toHex),
  ...(proof.extra && { extra: toHex(proof.extra) }),
});

describe('a proof file', () => {
  it('proves each record of a log to anyone who has the key', async () => {
    for (let index = 0; index < SIZE; index++) {
      const text = formatProof(await proofOf(index));
      const { origin, size, root } = checkProof(parseProof(text), leaves[index] as Hash, ORIGIN, verifiers);
      expect([origin, size, toHex(root)]).toEqual([ORIGIN, SIZE, toHex(whole.root)]);
    }
  });

  it('is the lines of C2SP tlog-proof, then the checkpoint word for word', async () => {
    const proof = await proofOf(10);
    const hashes = proof.hashes.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('');
    expect(formatProof(proof)).toBe(`c2sp.org/tlog-proof@v1\nindex 10\n${hashes}\n${checkpoint}`);
    const extra = toUtf8('more');
    expect(formatProof({ ...proof, extra })).toBe(
      `c2sp.org/tlog-proof@v1\nextra bW9yZQ==\nindex 10\n${hashes}\n${checkpoint}`,
    );
  });

  it.each<{ index: number; hashes: string[]; extra?: string; text: string }>(vectors.heads)(
    'is written and read as others do: index $index',
    ({ index, hashes, extra, text }) => {
      const proof = {
        index,
        hashes: hashes.map((hash) => Buffer.from(hash, 'base64')),
        checkpoint,
        ...(extra !== undefined && { extra: toUtf8(extra) }),
      };
      expect(formatProof(proof)).toBe(text + checkpoint);
      expect(plain(parseProof(text + checkpoint))).toEqual(plain(proof));
    },
  );

  it('comes back as it was', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const proofs = fc.record({
      index: fc.nat(2 ** 53 - 1),
      hashes: fc.array(hash, { maxLength: 53 }),
      checkpoint: fc.constant(checkpoint),
    });
    const extras = fc.option(fc.uint8Array({ minLength: 1, maxLength: 50 }), { nil: undefined });
    fc.assert(
      fc.property(proofs, extras, (proof, extra) => {
        const all = extra === undefined ? proof : { ...proof, extra };
        expect(plain(parseProof(formatProof(all)))).toEqual(plain(all));
      }),
    );
  });

  const HASH = Buffer.from(ZERO_HASH).toString('base64');

  it('may have 53 hashes, the levels of the largest tree', () => {
    const text = `c2sp.org/tlog-proof@v1\nindex 0\n${`${HASH}\n`.repeat(53)}\n${checkpoint}`;
    expect(parseProof(text).hashes).toHaveLength(53);
  });

  it.each([
    ['', 'a proof has an empty line before its checkpoint'],
    ['c2sp.org/tlog-proof@v1\nindex 0\n', 'a proof has an empty line before its checkpoint'],
    ['c2sp.org/tlog-proof@v2\nindex 0\n\n', 'a proof begins with the line c2sp.org/tlog-proof@v1'],
    ['\n\n', 'a proof begins with the line c2sp.org/tlog-proof@v1'],
    ['c2sp.org/tlog-proof@v1\n\n', 'a proof names the index of the record'],
    ['c2sp.org/tlog-proof@v1\nindex0\n\n', 'a proof names the index of the record'],
    ['c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\n', 'a hash of the proof is not canonical base64'],
    ['c2sp.org/tlog-proof@v1\nextra AAAA\nextra AAAA\nindex 0\n\n', 'a proof names the index of the record'],
    ['c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n', 'extra data that is empty is left out'],
    ['c2sp.org/tlog-proof@v1\nextra AB==\nindex 0\n\n', 'the extra data is not canonical base64'],
    ['c2sp.org/tlog-proof@v1\nindex 00\n\n', 'the index is not a decimal number from 0 to 2^53 - 1'],
    ['c2sp.org/tlog-proof@v1\nindex  0\n\n', 'the index is not a decimal number from 0 to 2^53 - 1'],
    ['c2sp.org/tlog-proof@v1\nindex 9007199254740992\n\n', 'the index is not a decimal number from 0 to 2^53 - 1'],
    ['c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n', 'a hash of a proof has 32 bytes'],
    [`c2sp.org/tlog-proof@v1\nindex 0\n${HASH} \n\n`, 'a hash of the proof is not canonical base64'],
    [`c2sp.org/tlog-proof@v1\nindex 0\n${`${HASH}\n`.repeat(54)}\n`, 'a proof has at most 53 hashes'],
    [`c2sp.org/tlog-proof@v1\r\nindex 0\r\n\n\n`, 'a proof begins with the line c2sp.org/tlog-proof@v1'],
  ])('is refused when it is malformed: %j', (head, message) => {
    expect(refusal(() => parseProof(head === '' ? '' : head + (head.includes('\n\n') ? checkpoint : '')))).toEqual({
      code: 'malformed_proof',
      message,
    });
  });

  it.each<string>(vectors.malformedHeads)('is refused as others refuse it: %j', (head) => {
    expect(refusal(() => parseProof(head + checkpoint))?.code).toBe('malformed_proof');
  });

  it('holds a checkpoint that is a note', () => {
    expect(refusal(() => parseProof('c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n'))).toEqual({
      code: 'malformed_note',
      message: 'a note has an empty line before its signatures',
    });
  });

  it('is not made of what could not be read again', async () => {
    const proof = await proofOf(0);
    for (const index of [-1, 0.5, 2 ** 53]) {
      expect(refusal(() => formatProof({ ...proof, index }))).toEqual({
        code: 'malformed_proof',
        message: `a record cannot have the number ${index}`,
      });
    }
    expect(refusal(() => formatProof({ ...proof, extra: new Uint8Array() }))?.code).toBe('malformed_proof');
  });
});

describe('a proof that does not prove', () => {
  const CODES = ['malformed_proof', 'malformed_note', 'malformed_checkpoint', 'bad_signature', 'proof_mismatch'];

  it('that the record is another', async () => {
    const proof = await proofOf(4);
    expect(refusal(() => checkProof(proof, leafHash('record 4 '), ORIGIN, verifiers))).toEqual({
      code: 'proof_mismatch',
      message: 'the inclusion proof does not lead to the root',
    });
  });

  it('since the log did not sign it', async () => {
    const proof = await proofOf(4);
    const leaf = leaves[4] as Hash;
    expect(refusal(() => checkProof(proof, leaf, ORIGIN, []))?.code).toBe('bad_signature');
    expect(refusal(() => checkProof(proof, leaf, ORIGIN, [ed25519Key(2).verifier(ORIGIN)]))?.code).toBe(
      'bad_signature',
    );
    const payments = 'audit.example.com/payments';
    expect(refusal(() => checkProof(proof, leaf, payments, [key.verifier(payments)]))?.code).toBe('bad_signature');
  });

  it('since it names a place beyond the tree', async () => {
    expect(
      refusal(() => checkProof({ index: SIZE, hashes: [], checkpoint }, leaves[0] as Hash, ORIGIN, verifiers)),
    ).toEqual({
      code: 'malformed_proof',
      message: 'records 11 to 11 cannot be in a tree of 11',
    });
  });

  it('after any edit of one character', async () => {
    const original = formatProof(await proofOf(6));
    const characters = fc.constantFrom('', '\n', ' ', 'A', 'B', '0', '1', '=', '/', '—', '\u0000');
    fc.assert(
      fc.property(fc.nat(original.length), fc.nat(1), characters, (at, cut, put) => {
        const edited = original.slice(0, at) + put + original.slice(at + cut);
        if (edited === original) return;
        const code = refusal(() => checkProof(parseProof(edited), leaves[6] as Hash, ORIGIN, verifiers))?.code;
        expect(CODES).toContain(code);
      }),
      { numRuns: 1000 },
    );
  });

  it('since it is any text at all', () => {
    const piece = fc.oneof(
      anyText,
      fc.constantFrom('c2sp.org/tlog-proof@v1\n', 'index ', '0', '\n', '\n\n', 'extra ', 'AAAA', checkpoint),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const code = refusal(() => checkProof(parseProof(pieces.join('')), ZERO_HASH, ORIGIN, verifiers))?.code;
        expect(CODES).toContain(code);
      }),
      { numRuns: 500 },
    );
  });
});
