import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toBase64 } from '../../../lib/log/encoding.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../../../lib/log/frontier.ts';
import { formatProof } from '../../../lib/log/proof.ts';
import { type NodeReader, proveConsistency, proveInclusion } from '../../../lib/log/tree.ts';
import { checkConsistencyFile, checkProofFile, parseTrustedKeys } from '../../../lib/verify/index.ts';
import {
  buildTrail,
  ed25519Key,
  KEY,
  LOG,
  leafOf,
  noteOf,
  p256Key,
  rootOf,
  TRAIL,
  vkeyOf,
} from '../archive-builder.ts';

const SECOND = p256Key(3);
const { lines, leaves, origin } = buildTrail({ runs: [300], seals: [300] });
const trust = parseTrustedKeys(KEY.pem);
const growth = appendLeaves(EMPTY_FRONTIER, leaves);
const read: NodeReader = async (ids) => ids.map((id) => growth.node(id) ?? expect.fail('there is no such node'));
const noteAt = (size: number, keys = [KEY]): string =>
  noteOf(origin, size, rootOf(leaves.slice(0, size)), keys).toString();

const proofOf = async (seq: number, note = noteAt(300)): Promise<string> =>
  formatProof({ index: seq, hashes: await proveInclusion(seq, 300, read), checkpoint: note });

const consistencyOf = async (from: number, to: number, notes = [noteAt(from), noteAt(to)]): Promise<string> => {
  const proof = (await proveConsistency(from, to, read)).map(toBase64);
  return JSON.stringify({ trail: TRAIL, from, to, proof, checkpoints: { from: notes[0], to: notes[1] } });
};

const thrown = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe('a proof file', () => {
  test('proves its record, and says under which checkpoint and by which keys', async () => {
    for (const seq of [0, 1, 255, 256, 299]) {
      expect(checkProofFile(await proofOf(seq), lines[seq] ?? '', trust)).toEqual({
        trail: TRAIL,
        seq,
        hash: leafOf(lines[seq] ?? '').toString('hex'),
        origin,
        size: 300,
        root: rootOf(leaves).toString('hex'),
        keys: ['324be2dea8bc44461b0233e51fa48902ed6b1cc671e7739af2551e0bfe68f54e'],
      });
    }
  });

  test('names the keys that signed, of those that are trusted at that size', async () => {
    const both = await proofOf(7, noteAt(300, [KEY, SECOND]));
    const keys = (list: string): readonly string[] => checkProofFile(both, lines[7] ?? '', parseTrustedKeys(list)).keys;
    expect(keys(`${KEY.pem}${SECOND.pem}`)).toHaveLength(2);
    expect(keys(`${vkeyOf(origin, KEY)} to=299\n${SECOND.pem}`)).toHaveLength(1);
    expect(thrown(() => keys(`${vkeyOf(origin, KEY)} to=299`))).toMatchObject({
      code: 'bad_signature',
      message: 'no key that was given is trusted for audit.example.com/orders at 300 records',
    });
  });

  test.each<[string, (proof: string, line: string) => readonly [string, string], string, string]>([
    [
      'another record',
      (proof) => [proof, lines[8] ?? ''],
      'proof_mismatch',
      'the inclusion proof does not lead to the root',
    ],
    [
      'a changed record',
      (proof, line) => [proof, line.replace('user', 'evil')],
      'proof_mismatch',
      'the inclusion proof does not lead to the root',
    ],
    [
      'another place',
      (proof, line) => [proof.replace('index 7', 'index 6'), line],
      'proof_mismatch',
      'the inclusion proof does not lead to the root',
    ],
    [
      'a changed size',
      (proof, line) => [proof.replace('\n300\n', '\n299\n'), line],
      'bad_signature',
      `the signature by the key ${LOG}/${TRAIL} does not hold`,
    ],
    ['something else', (_, line) => ['hello', line], 'malformed_proof', 'a proof has an empty line'],
  ])('with %s proves nothing', async (_, change, code, message) => {
    const [proof, line] = change(await proofOf(7), lines[7] ?? '');
    expect(thrown(() => checkProofFile(proof, line, trust))).toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test('by another key, or for another trail, proves nothing', async () => {
    expect(thrown(() => checkProofFile('', '', trust))).toMatchObject({ code: 'malformed_proof' });
    const proof = await proofOf(7);
    expect(thrown(() => checkProofFile(proof, lines[7] ?? '', parseTrustedKeys(ed25519Key(8).pem)))).toMatchObject({
      code: 'bad_signature',
      message: 'no signature is by a key that is trusted',
    });
    expect(
      thrown(() => checkProofFile(proof, lines[7] ?? '', parseTrustedKeys(vkeyOf(`${LOG}/payments`, KEY)))),
    ).toMatchObject({ code: 'bad_signature' });
  });

  test('of a record that says it is another one proves nothing: the log has sealed a lie', async () => {
    const lying = buildTrail({ runs: [1], lines: [(lines[0] ?? '').replace('"seq":0', '"seq":5')] });
    const note = noteOf(origin, 1, rootOf(lying.leaves), [KEY]).toString();
    const proof = formatProof({ index: 0, hashes: [], checkpoint: note });
    expect(thrown(() => checkProofFile(proof, lying.lines[0] ?? '', trust))).toMatchObject({
      code: 'proof_mismatch',
      message: 'the proof is for record 0 of audit.example.com/orders, the record says 5 of orders',
    });
  });
});

describe('a consistency file', () => {
  test('proves that the later checkpoint extends the earlier', async () => {
    for (const [from, to] of [
      [1, 300],
      [255, 256],
      [256, 300],
      [300, 300],
    ] as const) {
      expect(checkConsistencyFile(await consistencyOf(from, to), trust)).toMatchObject({
        from: { origin, size: from },
        to: { origin, size: to },
      });
    }
  });

  test.each<[string, (text: string) => string | Promise<string>, string, string]>([
    [
      'a fork',
      () => consistencyOf(100, 300, [noteOf(origin, 100, Buffer.alloc(32, 1), [KEY]).toString(), noteAt(300)]),
      'proof_mismatch',
      'older root',
    ],
    [
      'another log',
      () =>
        consistencyOf(100, 300, [noteOf(`${LOG}/payments`, 100, Buffer.alloc(32, 1), [KEY]).toString(), noteAt(300)]),
      'proof_mismatch',
      'the checkpoints are of two logs, audit.example.com/payments and audit.example.com/orders',
    ],
    ['an unsigned checkpoint', (text) => text.replace('\\n100\\n', '\\n101\\n'), 'bad_signature', 'does not hold'],
    [
      'the checkpoints the other way round',
      (text) => text.replace('"from":"', '"x":"').replace('"to":"', '"from":"').replace('"x":"', '"to":"'),
      'malformed_proof',
      'a tree of 100 cannot extend one of 300',
    ],
    ['a hash too few', (text) => text.replace(/"proof":\["[^"]*",/, '"proof":['), 'malformed_proof', ''],
    [
      'a short hash',
      (text) => text.replace(/"proof":\["[^"]*"/, '"proof":["AAAA"'),
      'malformed_proof',
      'a hash of a proof has 32 bytes',
    ],
    [
      'no hashes',
      (text) => text.replace(/"proof":\[.*?\]/, '"proof":3'),
      'malformed_proof',
      'a consistency proof has a list of hashes',
    ],
    ['no checkpoints', () => '{"proof":[]}', 'malformed_proof', 'a consistency proof names two checkpoints'],
    [
      'half a checkpoint',
      () => '{"proof":[],"checkpoints":{"from":"x"}}',
      'malformed_proof',
      'a consistency proof names two checkpoints',
    ],
    ['no JSON', () => 'hello', 'malformed_proof', 'a consistency proof is JSON'],
  ])('with %s proves nothing', async (_, change, code, message) => {
    const text = await change(await consistencyOf(100, 300));
    expect(thrown(() => checkConsistencyFile(text, trust))).toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test('begins with the checkpoint that someone kept, or shows that the log has two histories', async () => {
    const honest = await consistencyOf(100, 300);
    expect(checkConsistencyFile(honest, trust, noteAt(100))).toMatchObject({ from: { size: 100 }, to: { size: 300 } });
    const fork = noteOf(origin, 100, Buffer.alloc(32, 1), [KEY]).toString();
    expect(thrown(() => checkConsistencyFile(honest, trust, fork))).toMatchObject({
      code: 'proof_mismatch',
      message:
        'two checkpoints of 100 records of audit.example.com/orders have different roots, and both are signed: the log has two histories. Keep both files',
    });
    for (const [kept, code] of [
      [noteAt(99), 'proof_mismatch'],
      [noteAt(100, [ed25519Key(8)]), 'bad_signature'],
      ['hello', 'malformed_note'],
    ] as const) {
      expect(thrown(() => checkConsistencyFile(honest, trust, kept))).toMatchObject({ code });
    }
  });

  test('and a proof file, whatever is done to them, are judged or refused', async () => {
    const files = [await proofOf(7), await consistencyOf(100, 300)];
    fc.assert(
      fc.property(fc.nat(1), fc.nat(), fc.nat(9), fc.string({ maxLength: 3 }), (which, where, cut, put) => {
        const text = files[which] ?? '';
        const at = where % text.length;
        const edited = text.slice(0, at) + put + text.slice(at + cut);
        const result = thrown(() =>
          which === 0 ? checkProofFile(edited, lines[7] ?? '', trust) : checkConsistencyFile(edited, trust),
        );
        if (result instanceof Error) expect(result).toBeInstanceOf(SealtrailError);
        else
          expect(result).toMatchObject(
            which === 0 ? { seq: 7, size: 300 } : { from: { size: 100 }, to: { size: 300 } },
          );
      }),
      { numRuns: 500 },
    );
  });
});
