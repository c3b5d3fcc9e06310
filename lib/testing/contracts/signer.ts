import { createPublicKey, verify } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SignatureAlgorithm, Signer } from '../../store/ports.ts';

/** A driver under test, and how the suite opens and inspects it. */
export interface SignerDriver {
  readonly algorithm: SignatureAlgorithm;
  /** Opens the signer; each time with the same key. */
  open(): Promise<Signer>;
}

/**
 * The contract of the port `Signer`, sentence by sentence. Every driver runs it, once for each algorithm.
 *
 * @example
 * signerContract('KeyFileSigner', { algorithm: 'ed25519', open: () => KeyFileSigner.open(file) });
 */
export function signerContract(name: string, driver: SignerDriver): void {
  const isEd25519 = driver.algorithm === 'ed25519';

  describe(`${name} keeps the contract of Signer with ${driver.algorithm}`, () => {
    let signer: Signer;
    beforeAll(async () => {
      signer = await driver.open();
    });

    const verifies = async (message: Uint8Array, signature: Uint8Array): Promise<boolean> => {
      const key = createPublicKey({ key: Buffer.from(await signer.publicKey()), format: 'der', type: 'spki' });
      return verify(isEd25519 ? null : 'sha256', message, key, signature);
    };
    const message = (length: number, first = 0) => Uint8Array.from({ length }, (_, i) => first + i);

    it('says its algorithm and shows the public key of it in SPKI DER', async () => {
      expect(signer.algorithm).toBe(driver.algorithm);
      const spki = await signer.publicKey();
      const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
      // RFC 8410 section 4: 12 bytes and the key; RFC 5480 section 2: 26 bytes and the uncompressed point.
      expect(spki.byteLength).toBe(isEd25519 ? 44 : 91);
      expect(key.asymmetricKeyType).toBe(isEd25519 ? 'ed25519' : 'ec');
      expect(key.asymmetricKeyDetails?.namedCurve).toBe(isEd25519 ? undefined : 'prime256v1');
      expect(new Uint8Array(key.export({ format: 'der', type: 'spki' }))).toEqual(spki);
    });

    it('keeps its key, whatever a caller does to its copy, and when it is opened again', async () => {
      const first = await signer.publicKey();
      const kept = first.slice();
      first.fill(0);
      expect(await signer.publicKey()).toEqual(kept);
      expect(await (await driver.open()).publicKey()).toEqual(kept);
    });

    it.each([1, 32, 65, 4_096])('signs %i bytes, and nothing else verifies', async (length) => {
      const signed = message(length);
      const signature = await signer.sign(signed);
      expect(signed).toEqual(message(length));
      expect(await verifies(signed, signature)).toBe(true);
      expect(await verifies(message(length, 1), signature)).toBe(false);
      expect(await verifies(signed, signature.slice(0, -1))).toBe(false);
    });

    it(`gives signatures ${isEd25519 ? 'of 64 bytes (RFC 8032 section 5.1.6)' : 'in DER (RFC 3279 section 2.2.3)'}`, async () => {
      for (let n = 0; n < 20; n++) {
        const signature = await signer.sign(message(n + 1));
        if (isEd25519) {
          expect(signature.byteLength).toBe(64);
        } else {
          // SEQUENCE { INTEGER r, INTEGER s } with lengths that add up.
          const [sequence, length, integer, r = 0] = signature;
          expect([sequence, length, integer]).toEqual([0x30, signature.byteLength - 2, 0x02]);
          expect([signature[4 + r], signature[5 + r]]).toEqual([0x02, signature.byteLength - 6 - r]);
        }
      }
    });

    it.each([0, 4_097])('refuses %i bytes', async (length) => {
      await expect(signer.sign(message(length))).rejects.toMatchObject({
        name: 'RangeError',
        message: expect.stringContaining(`1 to 4096 bytes, not ${length}`),
      });
    });

    it('signs many messages at once', async () => {
      const messages = Array.from({ length: 40 }, (_, n) => message(50, n));
      const signatures = await Promise.all(messages.map((each) => signer.sign(each)));
      const verified = await Promise.all(messages.map((each, n) => verifies(each, signatures[n] ?? new Uint8Array())));
      expect(verified).toEqual(Array(40).fill(true));
    });
  });
}
