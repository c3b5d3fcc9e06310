/** A public key that signed checkpoints of the log in the past. */
export interface RetiredKey {
  /** SubjectPublicKeyInfo in DER. */
  readonly spki: Uint8Array;
  /** The size of the last checkpoint that it may have signed, by trail. In any other trail it signed nothing. */
  readonly ends: Readonly<Record<string, number>>;
}
