import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createPublicKey, hash, verify } from '../../lib/console/platform/crypto.ts';
import { settled } from '../../lib/console/platform/signatures.ts';

/** A page asks WebCrypto, which answers later. Until then nothing counts as signed. */

const MESSAGE = Buffer.from('audit.example.com/orders\n1\n');

function keyPair(kind: 'ed25519' | 'ec') {
  const { publicKey, privateKey } =
    kind === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  const signature = sign(kind === 'ec' ? 'sha256' : null, MESSAGE, privateKey);
  return {
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    pem: publicKey.export({ format: 'pem', type: 'spki' }),
    signature,
  };
}

describe.each(['ed25519', 'ec'] as const)('a signature by %s', (kind) => {
  const { spki, pem, signature } = keyPair(kind);
  const key = createPublicKey({ key: spki });

  it('holds once it was asked about, and never before', async () => {
    expect(verify(null, MESSAGE, key, signature)).toBe(false);
    const seen: boolean[] = [];
    const held = await settled(() => {
      const holds = verify(null, MESSAGE, key, signature);
      seen.push(holds);
      return holds;
    });
    expect(held).toBe(true);
    expect(seen.at(-1)).toBe(true);
  });

  it('does not hold with any bit changed, of the signature or of the message', async () => {
    for (let bit = 0; bit < 8 * signature.length; bit++) {
      const changed = Uint8Array.from(signature);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(await settled(() => verify(null, MESSAGE, key, changed))).toBe(false);
    }
    expect(await settled(() => verify(null, Buffer.concat([MESSAGE, MESSAGE]), key, signature))).toBe(false);
    for (const other of [new Uint8Array(0), signature.subarray(1), Buffer.concat([signature, Buffer.of(0)])]) {
      expect(await settled(() => verify(null, MESSAGE, key, other))).toBe(false);
    }
  });

  it('is by the same key in PEM', () => {
    expect(createPublicKey(String(pem)).export()).toEqual(Uint8Array.from(spki));
  });
});

describe('a check that meets several open questions', () => {
  it('counts only when all were answered, and what it throws too', async () => {
    const keys = [keyPair('ed25519'), keyPair('ed25519'), keyPair('ec')];
    let runs = 0;
    const check = () => {
      runs += 1;
      // One question comes up only when the one before is answered, as behind a check that throws.
      for (const { spki, signature } of keys) {
        if (!verify(null, MESSAGE, createPublicKey({ key: spki }), signature)) throw new RangeError('not signed');
      }
      throw new RangeError('signed by all');
    };
    await expect(settled(check)).rejects.toThrow('signed by all');
    expect(runs).toBe(4);
  });

  it('is not held up by another one at the same time', async () => {
    const held = await Promise.all(
      Array.from({ length: 20 }, () => {
        const { spki, signature } = keyPair('ed25519');
        return settled(async () => verify(null, MESSAGE, createPublicKey({ key: spki }), signature));
      }),
    );
    expect(held.every(Boolean)).toBe(true);
  });
});

describe('a public key', () => {
  it('of another kind, or none, is refused', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect(() => createPublicKey({ key: publicKey.export({ format: 'der', type: 'spki' }) })).toThrow(RangeError);
    expect(() => createPublicKey('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')).toThrow(RangeError);
    expect(() => createPublicKey({ key: new Uint8Array(3) })).toThrow(RangeError);
  });
});

describe('a hash', () => {
  it('is the one of FIPS 180-4', () => {
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(hash('sha256', 'abc')).toBe(abc);
    expect(Buffer.from(hash('sha256', Buffer.from('abc'), 'binary'), 'latin1').toString('hex')).toBe(abc);
  });
});
