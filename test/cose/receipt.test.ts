import { decode, encode, rfc8949EncodeOptions, Tagged } from 'cborg';
import { describe, expect, it } from 'vitest';
import { wireLog } from '../../lib/app/log.ts';
import { checkCoseReceipt } from '../../lib/cose/receipt.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';

/** The promise: a COSE receipt holds for its record, in its log, and for nothing else. pycose agrees: `npm run test:outside`. */

async function setUp(size: number, algorithm: 'ed25519' | 'ecdsa-p256' = 'ed25519') {
  const signers = [new MemorySigner(algorithm)];
  const log = wireLog({ table: new MemoryTable(), objects: new MemoryObjects(), signers }, { logName: 'a.example' });
  const events = Array.from({ length: size }, (_, n) => ({ id: `e-${n}`, json: `{"id":"e-${n}","type":"a.b"}` }));
  await log.ledger.append({ trail: 'orders', submitter: 'shop', events });
  const keys = await log.ledger.verifiers('orders');
  const lineOf = async (seq: number) => (await log.ledger.record('orders', seq)) ?? '';
  return { log, keys, lineOf, receipt: (seq: number) => log.coseReceipt('orders', seq) };
}

describe.each(['ed25519', 'ecdsa-p256'] as const)('a receipt signed with %s', (algorithm) => {
  it.each([1, 2, 7, 300])('holds for each record of %i that is tried, and for its record alone', async (size) => {
    const { keys, lineOf, receipt } = await setUp(size, algorithm);
    for (const seq of new Set([0, size >> 1, size - 1])) {
      const bytes = await receipt(seq);
      const held = checkCoseReceipt(bytes, await lineOf(seq), () => keys);
      expect(held).toMatchObject({ origin: 'a.example/orders', size, index: seq });
      expect(bytes.length).toBeLessThan(500);
      const other = size === 1 ? 'x' : await lineOf((seq + 1) % size);
      expect(() => checkCoseReceipt(bytes, other, () => keys)).toThrow(/no trusted key signed/);
    }
  });

  it('with any bit changed does not hold', async () => {
    const { keys, lineOf, receipt } = await setUp(3, algorithm);
    const [bytes, line] = [await receipt(1), await lineOf(1)];
    for (let bit = 0; bit < 8 * bytes.length; bit += 5) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const check = () => checkCoseReceipt(changed, line, () => keys);
      expect(check, `bit ${bit}`).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(malformed_proof|bad_signature)$/) }),
      );
    }
  });
});

describe('a receipt', () => {
  it('is what RFC 9942 says: a tagged COSE_Sign1 with a detached payload', async () => {
    const { keys, receipt } = await setUp(3);
    const options = { useMaps: true, tags: Tagged.preserve(18) };
    const { tag, value } = decode(await receipt(2), options) as Tagged;
    const [header, unprotected, payload, signature] = value as [
      Uint8Array,
      Map<number, Map<number, Uint8Array[]>>,
      null,
      Uint8Array,
    ];
    const kid = Buffer.alloc(4);
    kid.writeUInt32BE(keys[0]?.keyId ?? 0);
    expect(tag).toBe(18);
    expect(decode(header, { useMaps: true })).toEqual(
      new Map<number, unknown>([
        [1, -8],
        [4, Uint8Array.from(kid)],
        [
          15,
          new Map([
            [1, 'a.example'],
            [2, 'a.example/orders'],
          ]),
        ],
        [395, 1],
      ]),
    );
    const [proof = new Uint8Array()] = unprotected.get(396)?.get(-1) ?? [];
    expect(decode(proof)).toEqual([3, 2, [expect.any(Uint8Array)]]);
    expect([payload, signature.length]).toEqual([null, 64]);
  });

  it('counts only by a key that is trusted for its trail at its size', async () => {
    const { lineOf, receipt } = await setUp(3);
    const stranger = await setUp(3);
    const asked: unknown[] = [];
    const check = async (keys: typeof stranger.keys) => {
      const line = await lineOf(0);
      const bytes = await receipt(0);
      const keysFor = (...of: unknown[]) => {
        asked.push(of);
        return keys;
      };
      return () => checkCoseReceipt(bytes, line, keysFor);
    };
    expect(await check(stranger.keys)).toThrow(expect.objectContaining({ code: 'bad_signature' }));
    expect(await check([])).toThrow(expect.objectContaining({ code: 'bad_signature' }));
    expect(asked).toEqual([
      ['a.example/orders', 3],
      ['a.example/orders', 3],
    ]);
  });

  it('is none if it is something else', async () => {
    const { lineOf, keys } = await setUp(1);
    const line = await lineOf(0);
    const sign1 = (...parts: unknown[]) => encode(new Tagged(18, parts), rfc8949EncodeOptions);
    const none = [
      new Uint8Array(),
      Buffer.from('{}'),
      encode({}),
      sign1(),
      sign1(new Uint8Array(), new Map(), 'attached', new Uint8Array()),
      new Uint8Array(5000),
    ];
    for (const bytes of none) {
      expect(() => checkCoseReceipt(bytes, line, () => keys)).toThrow(
        expect.objectContaining({ code: 'malformed_proof' }),
      );
    }
  });
});
