/** A public key that has signed checkpoints of the log and signs no more. */
export interface RetiredKey {
  /** SubjectPublicKeyInfo in DER. */
  readonly spki: Uint8Array;
  /** By trail, the size of the last checkpoint that it was to sign. A trail that is not named: none. */
  readonly ends: Readonly<Record<string, number>>;
}
