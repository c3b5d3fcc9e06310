/** The place of an appended event. */
export interface SealedEvent {
  /** Its record's sequence number, which is its index in the Merkle tree. */
  readonly seq: number;
  /** The event's id, given by the producer or by the server. */
  readonly id: string;
  /** The record's leaf hash, in hex. */
  readonly hash: string;
}

/**
 * The response to an append. With the record lines (or their leaf hashes), `proof`, `checkpoint` and the log's public key,
 * anyone can check that the events are in the log without asking it again.
 */
export interface Receipt {
  readonly trail: string;
  /** Sequence number of the first event; the others follow without a gap. */
  readonly first: number;
  readonly count: number;
  /** The server's clock, Unix milliseconds. */
  readonly receivedAt: number;
  readonly events: readonly SealedEvent[];
  /** True if `checkpoint` and `proof` are present. If not, the signer covers the events within a second or so. */
  readonly sealed: boolean;
  /** The covering checkpoint as a signed note (C2SP tlog-checkpoint). */
  readonly checkpoint?: string;
  /**
   * Range proof of the events in the checkpoint's tree, base64: siblings as in RFC 6962 section 2.1.1, of the whole
   * range instead of one leaf. For one event it is exactly that section's audit path.
   */
  readonly proof?: readonly string[];
  /** True if an earlier append with the same idempotency key had stored the events. */
  readonly replayed: boolean;
  /** The record lines. Over HTTP they need `Prefer: return=representation`. */
  readonly lines?: readonly string[];
}
