/**
 * The ports. Everything above them is written once; below them are the drivers (SQLite, a folder and a key file;
 * DynamoDB, S3 and KMS; memory for tests). A driver can be written from these comments alone, and each passes the
 * contract suite of its port (`sealtrail/testing/contracts`).
 */

// ---------------------------------------------------------------------------------------------------------- Table

/** The value of an attribute. Strings are well-formed Unicode; numbers are integers within ±(2^53 - 1). */
export type Attribute = string | number | Uint8Array;

/**
 * The key of an item. Items live in a partition and are sorted by the UTF-8 bytes of `sort` within it. Both are well-formed
 * Unicode, `partition` of 1 to 2,048 bytes and `sort` of 1 to 1,024.
 */
export interface Key {
  readonly partition: string;
  readonly sort: string;
}

/**
 * A stored item. At most 400,000 bytes in all: names, keys and values in UTF-8, with 10 per number. Attribute names are
 * non-empty and well-formed.
 */
export interface Item extends Key {
  readonly attributes: Readonly<Record<string, Attribute>>;
  /**
   * Unix time in whole seconds after which the store may remove the item, perhaps hours or days later, or never. An expired
   * item may still be returned: callers that care must compare the time themselves.
   */
  readonly expiresAt?: number;
}

/** A condition on the item at a write's key. `attribute` compares by strict equality; an absent item never equals. */
export type Condition =
  | { readonly is: 'absent' }
  | { readonly is: 'present' }
  | { readonly is: 'equal'; readonly attribute: string; readonly value: string | number };

/**
 * One write of a transaction. `put` replaces a whole item. `update` sets the named attributes (and `expiresAt`, if given)
 * of an existing item; a missing item is a failed condition like any other. `remove` of an absent item does nothing.
 * `check` only tests its condition.
 */
export type Write =
  | { readonly put: Item; readonly when?: Condition }
  | {
      readonly update: Key;
      readonly set: Readonly<Record<string, Attribute>>;
      readonly expiresAt?: number;
      readonly when?: Condition;
    }
  | { readonly remove: Key; readonly when?: Condition }
  | { readonly check: Key; readonly when: Condition };

/**
 * The outcome of a transaction. If conditions failed, nothing was written, and `failed` lists each write whose condition
 * failed, with the item at its key (undefined: none), read atomically with the failure. It is empty if the transaction
 * clashed with another one in flight: see {@link TransactOptions}.
 */
export type Outcome =
  | { readonly committed: true }
  | { readonly committed: false; readonly failed: readonly { readonly write: number; readonly item?: Item }[] };

/**
 * Why a transaction is retried: it lost to another one (`conflict`), or the store was busy or did not respond (`busy`).
 */
export type Retry = 'conflict' | 'busy';

/** Options of a transaction. */
export interface TransactOptions {
  /**
   * True if the driver retries a clash with another transaction. With `false` the clash is an outcome, for callers that
   * handle contention better. @default true
   */
  readonly retriesClashes?: boolean;
}

/** A range of one partition. `from` and `to` are inclusive bounds on `sort`; if `from` is above `to`, the range is empty. */
export interface Range {
  readonly partition: string;
  readonly from?: string;
  readonly to?: string;
  /** Default `ascending`. */
  readonly order?: 'ascending' | 'descending';
  /** At most this many items, from 0; default no limit. */
  readonly limit?: number;
}

/**
 * Sorted items in partitions, written in conditional transactions.
 *
 * Concurrency: safe to call from anywhere at any time. Transactions are serializable, and reads see every transaction that
 * was acknowledged before they began. Durability: once `transact` resolves with `committed: true`, the writes survive a
 * crash of the process and of the machine. Ownership: arguments must stay unchanged until the promise settles; results
 * belong to the caller and share no memory with the store or with each other.
 *
 * Errors (all {@link SealtrailError}): `throttled` and `unavailable` (nothing was written: retry; `unavailable` also after
 * `close`), `outcome_unknown` (the transaction may or may not have been committed: read to find out), `store_full`
 * (nothing was written), `store_corrupt` (the stored data is invalid). An invalid key, range or write is a mistake of the
 * caller and throws a `RangeError`; nothing was written.
 */
export interface Table {
  /** The item, or undefined. */
  get(key: Key): Promise<Item | undefined>;
  /**
   * The items of a range, in order, fetched page by page as they are consumed. Pages are read at different times: an item
   * that exists throughout appears exactly once; one that is written or removed meanwhile may or may not appear.
   */
  query(range: Range): AsyncIterable<Item>;
  /**
   * Makes all of the writes, or none. 1 to 100 writes of distinct keys, at most 4,000,000 bytes. All conditions are tested
   * before the first write takes effect. A clash with another transaction in flight is retried, unless the options say
   * otherwise.
   */
  transact(writes: readonly Write[], options?: TransactOptions): Promise<Outcome>;
  /** Finishes pending transactions and releases files and sockets. Idempotent. */
  close(): Promise<void>;
}

// -------------------------------------------------------------------------------------------------------- Objects

/** An object's name and size, as listed. */
export interface ObjectEntry {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

/** One version of an object, for verifiers. */
export interface ObjectVersion extends ObjectEntry {
  readonly version: string;
  readonly isLatest: boolean;
  /** A delete marker hides an object without removing it; it has size 0 and cannot be read. */
  readonly isDeleteMarker: boolean;
  /** Unix milliseconds. */
  readonly modifiedAt: number;
}

/** Governance locks can be bypassed with permission, compliance locks cannot be bypassed. */
export type LockMode = 'governance' | 'compliance';

/** How an object is locked from the moment it is stored. */
export interface Retention {
  /** Unix milliseconds until which this version cannot be removed or changed. @default not locked */
  readonly until?: number;
  /** @default the store's own mode */
  readonly mode?: LockMode;
  /** True if it is under legal hold: see {@link Objects.hold}. @default false */
  readonly isHeld?: boolean;
}

/**
 * Write-once objects. Keys are relative paths of `/`-separated segments of 1 to 255 characters `[A-Za-z0-9._=-]`, none
 * of which is `.` or `..`, and at most 1,024 characters in all; other keys throw a `RangeError`, and so do prefixes that
 * no key can start with. No key is a folder of another (`a` and `a/b`): some drivers refuse it with `object_differs`.
 *
 * Durability: an object that `put` or `replace` acknowledged survives a crash of the process and of the machine. A crash
 * in between leaves either nothing or the whole object under its key, never a part.
 *
 * Ownership: as for {@link Table}.
 *
 * Errors: `unavailable` (also after `close`), `throttled` and `store_full` (retry), `outcome_unknown` (the object may or
 * may not be stored: put it again), `object_differs` from `put`, `store_corrupt` (something else is in its place, such as a
 * symbolic link).
 */
export interface Objects {
  /**
   * Stores a new object. If the key already holds the same bytes, that is success (`'existed'`), and the retention stays
   * unchanged; if it holds other bytes, this throws `object_differs` and leaves the stored object untouched. Only the newest
   * version counts: a delete marker frees the key.
   */
  put(key: string, bytes: Uint8Array, retention?: Retention): Promise<'created' | 'existed'>;
  /** Stores an object even if the key is taken. Only for `<trail>/checkpoint`. */
  replace(key: string, bytes: Uint8Array, retention?: Retention): Promise<void>;
  /** The newest version of an object; undefined if there is none or a delete marker hides it. */
  get(key: string): Promise<Uint8Array | undefined>;
  /**
   * The newest versions of all objects whose key starts with `prefix` (empty: all) and comes after `after`, in ascending
   * byte order of their keys. Foreign objects under invalid keys are listed too, so that a verifier sees them; `get` rejects
   * such keys.
   */
  list(prefix: string, options?: { readonly after?: string }): AsyncIterable<ObjectEntry>;
  /**
   * Every version and delete marker of keys that start with `prefix` and come after `after`; by key ascending, then newest
   * first.
   */
  versions(prefix: string, options?: { readonly after?: string }): AsyncIterable<ObjectVersion>;
  /** The bytes of one version; undefined if there is none or it is a delete marker. */
  getVersion(key: string, version: string): Promise<Uint8Array | undefined>;
  /**
   * Puts one version under legal hold, or releases it. A held version cannot be removed, even after its lock has ended. For
   * a missing version or a delete marker this does nothing. Idempotent.
   */
  hold(key: string, version: string, isHeld: boolean): Promise<void>;
  /** True if one version is under legal hold. */
  isHeld(key: string, version: string): Promise<boolean>;
  /** Things in the store that are not objects. Only for stores that can hold such things, as a folder can. */
  leftovers?(): AsyncIterable<Leftover>;
  /** Releases files and sockets. Idempotent. */
  close(): Promise<void>;
}

/** A thing in a store that is not an object. */
export interface Leftover {
  /** Relative to the store; a folder's name ends in a slash. May contain any character. */
  readonly name: string;
  readonly what: 'unfinished write' | 'second name of no object' | 'empty folder' | 'link or special file';
}

// --------------------------------------------------------------------------------------------------------- Signer

/** The algorithm that a key signs with: Ed25519 (note type 0x01), or ECDSA on P-256 with SHA-256 (note type 0x02). */
export type SignatureAlgorithm = 'ed25519' | 'ecdsa-p256';

/**
 * Signs with a private key that it never reveals.
 *
 * Errors: `signer_unavailable` (retry; nothing else is affected). A message of any other length throws a `RangeError`.
 */
export interface Signer {
  readonly algorithm: SignatureAlgorithm;
  /** The public key as SubjectPublicKeyInfo in DER (RFC 5280 section 4.1). Fetched once, then cached. */
  publicKey(): Promise<Uint8Array>;
  /**
   * Signs a message of 1 to 4,096 bytes, hashing it if the algorithm requires that. Ed25519: the 64 bytes of RFC 8032;
   * ECDSA: ASN.1 DER (RFC 3279 section 2.2.3).
   */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

// ------------------------------------------------------------------------------------------------------ Downloads

/** How a browser sees the file behind a link. */
export interface LinkedFile {
  /** 1 to 255 characters `[A-Za-z0-9._-]`; others throw a `RangeError`. */
  readonly fileName: string;
  /** The value of `Content-Type`. */
  readonly mediaType: string;
  /** Whole seconds that the link works for, at least 1. */
  readonly seconds: number;
}

/**
 * Files that are offered for some days, such as exports: each is written in one stream of any length, and removed when it
 * expires. Keys are as for {@link Objects}.
 *
 * Durability, ownership and errors: as for {@link Objects}.
 */
export interface Downloads {
  /**
   * Begins a file. Its key stays empty until `finish` resolves and then holds the whole file, for good. A file that is
   * neither finished nor abandoned, because the process ended, is cleaned up in time and leaves its key free.
   */
  create(key: string): Promise<DownloadWriter>;
  /**
   * A link that lets anyone who has it fetch a file for some seconds: a URL, or a path on the server that opened the store.
   * It is made without checking that the file exists.
   */
  link(key: string, file: LinkedFile): Promise<string>;
  /**
   * Removes every file whose key starts with a prefix that ends in `/`. Idempotent. A store with lifecycle rules of its own
   * may leave the files to those.
   */
  remove(prefix: string): Promise<void>;
}

/** A file being written, by one caller and one call at a time. */
export interface DownloadWriter {
  /** Appends bytes, which must stay unchanged until this resolves. Memory does not grow with the file. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Makes the whole file durable and visible. From {@link Downloads} it throws `object_differs` if another file was finished
   * under its key.
   */
  finish(): Promise<void>;
  /** Discards the file. Idempotent, also after `finish`, which it does not undo. */
  abandon(): Promise<void>;
}

// ---------------------------------------------------------------------------------------------------------- Files

/**
 * Files that can be made again from the ledger, such as those of the query index: each is written in one stream of any length,
 * read in ranges, and removed once it is superseded. Keys are as for {@link Objects}.
 *
 * Durability, ownership and errors: as for {@link Objects}. Reads see every file that was finished before they began.
 */
export interface Files {
  /** Begins a file. Once `finish` resolves, its key holds the whole file, in place of any other that it held. */
  create(key: string): Promise<DownloadWriter>;
  /**
   * The bytes `[from, from + length)` of a file, as far as it has them; undefined if there is no file. `from` and `length` are
   * whole numbers, `length` at least 1; others throw a `RangeError`.
   */
  read(key: string, from: number, length: number): Promise<Uint8Array | undefined>;
  /** The finished files whose key starts with a prefix that ends in `/`, in ascending byte order of their keys. */
  list(prefix: string): AsyncIterable<ObjectEntry>;
  /** Removes a file. Idempotent. */
  remove(key: string): Promise<void>;
}
