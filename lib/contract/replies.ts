// The small replies of the API: lists of trails and keys, seals, legal holds, consistency.
// The schemas of lib/api/routes are typed by them, and so are the client and the command line.

/** A trail in a list. */
export interface ListedTrail {
  readonly trail: string;
  /** Number of records. */
  readonly size: number;
  /** When the newest one was received, Unix milliseconds; 0: there is none. */
  readonly receivedAt: number;
}

/** A page of trails, in order of their names. */
export interface TrailsReply {
  readonly trails: readonly ListedTrail[];
  /** `cursor` of the next page; absent on the last one. */
  readonly cursor?: string | undefined;
}

/** A public key that verifies the checkpoints of a trail. */
export interface PublicKey {
  readonly trail: string;
  /** The key's name in signed notes: the origin of the trail's checkpoints. */
  readonly name: string;
  /** 8 hex digits, as in signed notes (C2SP signed-note). */
  readonly keyId: string;
  readonly algorithm: 'ed25519' | 'ecdsa-p256';
  /** C2SP signed-note. */
  readonly vkey: string;
  readonly pem: string;
  /** SHA-256 of the SubjectPublicKeyInfo, in hex. */
  readonly fingerprint: string;
}

/** A key that used to sign. */
export interface RetiredPublicKey extends PublicKey {
  /** The size of the last checkpoint that it signed. */
  readonly to: number;
}

/** The public keys of some trails: a page of them. */
export interface KeysReply {
  readonly logName: string;
  readonly keys: readonly PublicKey[];
  readonly retired: readonly RetiredPublicKey[];
  /** `cursor` of the next page; absent on the last one. */
  readonly cursor?: string | undefined;
}

/** A COSE receipt of a record. */
export interface CoseReceiptReply {
  readonly trail: string;
  readonly seq: number;
  /** A COSE_Sign1 in base64 (RFC 9942, RFC9162_SHA256). */
  readonly receipt: string;
}

/** A checkpoint up to which the archive is complete. */
export interface SealReply {
  readonly trail: string;
  /** Number of records. */
  readonly size: number;
  /** A signed note (C2SP tlog-checkpoint). */
  readonly checkpoint: string;
}

/** The state of a trail's legal hold. */
export interface LegalHoldReply {
  readonly trail: string;
  readonly held: boolean;
  /** When it was set or released, Unix milliseconds; absent: never. */
  readonly since?: number | undefined;
  /** The principal that set or released it. */
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
  /** Versions of objects held or released so far. */
  readonly objects: number;
  /** True if all of them were. */
  readonly complete: boolean;
}

/** The proof that one checkpoint of a trail extends another. */
export interface ConsistencyReply {
  readonly trail: string;
  /** Sizes of the checkpoints, in records. */
  readonly from: number;
  readonly to: number;
  /** RFC 6962 section 2.1.2, hashes in base64. */
  readonly proof: readonly string[];
  /** Signed notes (C2SP tlog-checkpoint). */
  readonly checkpoints: { readonly from: string; readonly to: string };
}
