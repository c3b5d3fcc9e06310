import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { type Cosigner, cosignatureLine, cosignatureMessage, cosignerFromSpki } from '../../lib/log/cosignature.ts';

/** A witness's key, made from a seed. */
export interface CosignerKey {
  readonly cosigner: Cosigner;
  /** Its line under a checkpoint's text. @param seconds Unix seconds */
  line(text: string, seconds: number): string;
}

/** DER of PKCS #8 before a seed of 32 bytes (RFC 8410 section 7; RFC 9881 section 6, the seed alone). */
const PKCS8 = {
  ed25519: '302e020100300506032b657004220420',
  'ml-dsa-44': '3034020100300b060960864801650304031104228020',
} as const;

export function cosignerKey(name: string, seed: number, algorithm: keyof typeof PKCS8 = 'ed25519'): CosignerKey {
  const der = Buffer.concat([Buffer.from(PKCS8[algorithm], 'hex'), Buffer.alloc(32, seed)]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const cosigner = cosignerFromSpki(name, spki);
  return {
    cosigner,
    line: (text, seconds) =>
      cosignatureLine(cosigner, seconds, sign(null, cosignatureMessage(cosigner, text, seconds), privateKey)),
  };
}
