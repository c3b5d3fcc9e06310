/** Where one event landed. */
export interface SealedEvent {
  /** Its record's sequence number, which is its index in the Merkle tree. */
  readonly seq: number;
  /** The event's id, the producer's or the one it was given. */
  readonly id: string;
  /** The record's leaf hash, in hex. */
  readonly hash: string;
}

/**
 * What an append returns. With the record lines (or their leaf hashes), `proof` and `checkpoint` whoever holds the
 * log's public key can check that the events were sealed, without asking the log again.
 */
export interface Receipt {
  readonly trail: string;
  /** Sequence number of the first event; the others follow it without a gap. */
  readonly first: number;
  readonly count: number;
  /** The server's clock, Unix milliseconds. */
  readonly receivedAt: number;
  readonly events: readonly SealedEvent[];
  /** Whether a signed checkpoint covers the events already. If not, the sealer sees to it within a second or so. */
  readonly sealed: boolean;
  /** The covering checkpoint as a signed note (C2SP tlog-checkpoint). */
  readonly checkpoint?: string;
  /**
   * Range proof of the events in the checkpoint's tree, base64: siblings as in RFC 6962 section 2.1.1, of the whole
   * range instead of one leaf. For one event it is exactly that section's audit path.
   */
  readonly proof?: readonly string[];
  /** Whether this append had been made before, under the same idempotency key. */
  readonly replayed: boolean;
  /** The record lines, as sealed. */
  readonly lines: readonly string[];
}
