/** A public key as verification sees it: Node's KeyObject, as far as that is used. */
export interface PublicKey {
  readonly asymmetricKeyType: 'ed25519' | 'ec' | 'ml-dsa-44';
  readonly asymmetricKeyDetails: { readonly namedCurve?: string };
  readonly spki: Uint8Array;
  export(): Uint8Array;
}

/** The beginnings of SubjectPublicKeyInfo in DER, and the bytes of the key behind them. */
const KINDS = [
  // RFC 8410 section 4.
  { prefix: '302a300506032b6570032100', bytes: 32, asymmetricKeyType: 'ed25519' },
  // RFC 5480 sections 2.1.1 and 2.2: an uncompressed point on P-256.
  { prefix: '3059301306072a8648ce3d020106082a8648ce3d03010703420004', bytes: 64, asymmetricKeyType: 'ec' },
  // RFC 9881 section 4, id-ml-dsa-44.
  { prefix: '30820532300b06096086480165030403110382052100', bytes: 1312, asymmetricKeyType: 'ml-dsa-44' },
] as const;

/** @throws RangeError for a key of another kind */
export function readSpki(given: Uint8Array): PublicKey {
  const spki = Uint8Array.from(given);
  const kind = KINDS.find(
    ({ prefix, bytes }) => spki.length === prefix.length / 2 + bytes && hexOf(spki, prefix.length / 2) === prefix,
  );
  if (kind === undefined) throw new RangeError('no such kind of key');
  const { asymmetricKeyType } = kind;
  return {
    asymmetricKeyType,
    asymmetricKeyDetails: asymmetricKeyType === 'ec' ? { namedCurve: 'prime256v1' } : {},
    spki,
    export: () => Uint8Array.from(spki),
  };
}

/** RFC 7468 section 13. @throws RangeError, and what `atob` throws */
export function readPem(pem: string): PublicKey {
  const [, body] = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/.exec(pem) ?? [];
  if (body === undefined) throw new RangeError('no PEM');
  return readSpki(Uint8Array.from(atob(body.replace(/\s/g, '')), (unit) => unit.charCodeAt(0)));
}

const hexOf = (bytes: Uint8Array, length: number): string =>
  Array.from(bytes.subarray(0, length), (byte) => byte.toString(16).padStart(2, '0')).join('');
