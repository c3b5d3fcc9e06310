/**
 * The ports. Everything above them is written once; below them are the drivers (SQLite, a folder and a key file;
 * DynamoDB, S3 and KMS; memory for tests). A driver can be written from these comments alone, and each passes the
 * contract suite of its port (`sealtrail/testing/contracts`).
 */

// ---------------------------------------------------------------------------------------------------------- Table

/** What an attribute of an item may hold. Strings are well-formed Unicode; numbers are integers within ±(2^53 - 1). */
export type Attribute = string | number | Uint8Array;

/**
 * Names an item: items live in a partition and are sorted by the UTF-8 bytes of `sort` within it. Both are well-formed
 * Unicode, `partition` of 1 to 2,048 bytes and `sort` of 1 to 1,024.
 */
export interface Key {
  readonly partition: string;
  readonly sort: string;
}

/**
 * An item as stored. At most 400,000 bytes in all: names, keys and values in UTF-8, a number counting as 10. Attribute
 * names are non-empty and well-formed.
 */
export interface Item extends Key {
  readonly attributes: Readonly<Record<string, Attribute>>;
  /**
   * Unix time in whole seconds after which the store may remove the item; it does so hours or days later, or never.
   * An expired item may still be returned: callers that care compare the time themselves.
   */
  readonly expiresAt?: number;
}

/** What must hold for a write to go through. `attribute` compares by strict equality; an absent item never equals. */
export type Condition =
  | { readonly is: 'absent' }
  | { readonly is: 'present' }
  | { readonly is: 'equal'; readonly attribute: string; readonly value: string | number };

/**
 * One write of a transaction. `put` replaces a whole item; `update` sets the named attributes (and `expiresAt`, where
 * given) of an item that must exist: where it does not, that is a failed condition like any other; `remove` of an absent
 * item is nothing; `check` only looks.
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
 * Whether a transaction went through. When it did not because conditions failed, nothing was written, and `failed`
 * lists each write whose condition failed, with the item that stands there (undefined: none), read atomically with
 * the failure. It is empty where the transaction clashed with another one in flight: see {@link TransactOptions}.
 */
export type Outcome =
  | { readonly committed: true }
  | { readonly committed: false; readonly failed: readonly { readonly write: number; readonly item?: Item }[] };

/**
 * Why a transaction is tried again: it lost against another one (`conflict`), or the store was busy or did not answer
 * (`busy`).
 */
export type Retry = 'conflict' | 'busy';

/** How a transaction is carried out. */
export interface TransactOptions {
  /**
   * Whether a clash with another transaction is retried inside; `false`: it is an outcome, for callers that have a better answer
   * to contention. @default true
   */
  readonly retriesClashes?: boolean;
}

/** A range of one partition. `from` and `to` are inclusive bounds on `sort`; where `from` is above `to` it is empty. */
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
 * Concurrency: safe to call from anywhere at any time; transactions are serializable; reads see every transaction
 * that was acknowledged before they began. Durability: when `transact` resolves with `committed: true`, the writes
 * survive a crash of the process and of the machine. Ownership: what is passed in stays as it is until the promise
 * settles; what comes out is the caller's, and shares no memory with the store or with other answers.
 *
 * Errors (all {@link SealtrailError}): `throttled` and `unavailable` (nothing was written; try again; so too once it is
 * closed), `outcome_unknown` (the transaction may or may not have been committed: read to find out), `store_full`
 * (nothing was written), `store_corrupt` (what was read cannot be right). A key, range or write that is not as described
 * here is a mistake of the caller's and throws a `RangeError`; nothing was written.
 */
export interface Table {
  /** The item, or undefined. */
  get(key: Key): Promise<Item | undefined>;
  /**
   * The items of a range, in order, fetched page by page as they are consumed. Each page is read at its own moment: an
   * item that stands throughout comes exactly once, one that is written or removed meanwhile may or may not come.
   */
  query(range: Range): AsyncIterable<Item>;
  /**
   * All of the writes, or none. 1 to 100 writes of distinct keys and at most 4,000,000 bytes. All conditions are looked
   * at before the first write takes effect. A clash with another transaction in flight is retried inside, unless the
   * options say otherwise.
   */
  transact(writes: readonly Write[], options?: TransactOptions): Promise<Outcome>;
  /** Finishes the transactions under way and lets go of files and sockets. Idempotent. */
  close(): Promise<void>;
}

// -------------------------------------------------------------------------------------------------------- Objects

/** An object's name and size, as listed. */
export interface ObjectEntry {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

/** One version of an object, as a verifier must see it. */
export interface ObjectVersion extends ObjectEntry {
  readonly version: string;
  readonly isLatest: boolean;
  /** A delete marker hides an object without removing it; it has size 0 and cannot be read. */
  readonly isDeleteMarker: boolean;
  /** Unix milliseconds. */
  readonly modifiedAt: number;
}

/** Governance can be bypassed by those who are allowed to, compliance by nobody. */
export type LockMode = 'governance' | 'compliance';

/** How an object is locked from the moment it is put. */
export interface Retention {
  /** Unix milliseconds until which nobody may remove or change this version. @default it is not locked */
  readonly until?: number;
  /** @default what the store was opened with */
  readonly mode?: LockMode;
  /** Whether it is under legal hold: see {@link Objects.hold}. @default false */
  readonly isHeld?: boolean;
}

/**
 * Write-once objects. Keys are relative paths of `/`-separated segments of 1 to 255 characters `[A-Za-z0-9._=-]`, none
 * of which is `.` or `..`, and at most 1,024 characters in all; other keys throw a `RangeError`, and so do prefixes that
 * no key can start with. No key is a folder of another (`a` and `a/b`): some drivers refuse it with `object_differs`.
 *
 * Durability: what `put` and `replace` acknowledged survives a crash of the process and of the machine, and a crash
 * in between leaves either nothing or the whole object under its key, never a part.
 *
 * Ownership: as for {@link Table}.
 *
 * Errors: `unavailable` (so too once it is closed), `throttled` and `store_full` (try again), `outcome_unknown` (the
 * object may or may not be there: put it again), `object_differs` from `put`, `store_corrupt` (something stands there
 * that the store did not put: a symbolic link, say).
 */
export interface Objects {
  /**
   * Stores an object that must not exist yet. If the key is taken by the same bytes, that is success (`'existed'`), and
   * the retention stays what it was; if by other bytes, `object_differs`, and the stored object stays untouched. Only the
   * newest version counts: where a delete marker hides the rest, the key is free.
   */
  put(key: string, bytes: Uint8Array, retention?: Retention): Promise<'created' | 'existed'>;
  /** Stores an object whether or not the key is taken. For `<trail>/checkpoint` alone. */
  replace(key: string, bytes: Uint8Array, retention?: Retention): Promise<void>;
  /** The object's newest version, or undefined where there is none (or a delete marker hides it). */
  get(key: string): Promise<Uint8Array | undefined>;
  /**
   * Newest versions of all objects whose key starts with `prefix` (empty: all) and comes after `after`, in ascending order
   * of the key's bytes. What somebody else put there under a name that is no key is listed too, so that a verifier sees
   * it; `get` does not take such a name.
   */
  list(prefix: string, options?: { readonly after?: string }): AsyncIterable<ObjectEntry>;
  /**
   * Every version and delete marker of keys that start with `prefix` and come after `after`; by key ascending, then newest
   * first.
   */
  versions(prefix: string, options?: { readonly after?: string }): AsyncIterable<ObjectVersion>;
  /** One version's bytes, or undefined where there is none or it is a delete marker. */
  getVersion(key: string, version: string): Promise<Uint8Array | undefined>;
  /**
   * Puts one version under legal hold, or releases it: while it is held nobody can remove it, whether or not its lock has
   * ended. Where there is no such version, or it is a delete marker, this is nothing. Idempotent.
   */
  hold(key: string, version: string, isHeld: boolean): Promise<void>;
  /** Whether one version is under legal hold. */
  isHeld(key: string, version: string): Promise<boolean>;
  /** What stands in the store and is no object, where a store can hold such things: a folder can, a bucket cannot. */
  leftovers?(): AsyncIterable<Leftover>;
  /** Lets go of files and sockets. Idempotent. */
  close(): Promise<void>;
}

/** Something in a store that is no object. */
export interface Leftover {
  /** Relative to the store; of a folder with its final slash. May hold any character. */
  readonly name: string;
  readonly what: 'unfinished write' | 'second name of no object' | 'empty folder' | 'link or special file';
}

// --------------------------------------------------------------------------------------------------------- Signer

/** Which algorithm a key signs with: Ed25519 (note type 0x01), or ECDSA on P-256 with SHA-256 (note type 0x02). */
export type SignatureAlgorithm = 'ed25519' | 'ecdsa-p256';

/**
 * Signs with a key that it does not show.
 *
 * Errors: `signer_unavailable` (try again; nothing else is affected). A message of another length throws a `RangeError`.
 */
export interface Signer {
  readonly algorithm: SignatureAlgorithm;
  /** The public key as SubjectPublicKeyInfo in DER (RFC 5280 section 4.1). Fetched once, then kept. */
  publicKey(): Promise<Uint8Array>;
  /**
   * Signs a message of 1 to 4,096 bytes (it hashes it itself where the algorithm needs that). Ed25519: the 64 bytes of
   * RFC 8032; ECDSA: ASN.1 DER (RFC 3279 section 2.2.3).
   */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

// ------------------------------------------------------------------------------------------------------ Downloads

/** How a browser is to see the file behind a link. */
export interface LinkedFile {
  /** 1 to 255 characters `[A-Za-z0-9._-]`; others throw a `RangeError`. */
  readonly fileName: string;
  /** The value of `Content-Type`. */
  readonly mediaType: string;
  /** Whole seconds for which the link works, from 1. */
  readonly seconds: number;
}

/**
 * Files to be handed out for some days, such as exports: each is written in one go, however long it is, and removed
 * when its time is over. Keys are as for {@link Objects}.
 *
 * Durability, ownership and errors: as for {@link Objects}.
 */
export interface Downloads {
  /**
   * Begins a file. Nothing is under its key until `finish` resolves; then all of it is, for good. A file that is neither
   * finished nor abandoned, because the process ended, is cleared away in time and leaves its key free.
   */
  create(key: string): Promise<DownloadWriter>;
  /**
   * A link that lets anyone who has it fetch a file for some seconds: a URL, or a path on the server that opened the
   * store. It is made without a look at the file, and leads nowhere while there is none.
   */
  link(key: string, file: LinkedFile): Promise<string>;
  /**
   * Removes every file whose key starts with a prefix that ends in `/`. Idempotent. A store whose own rules remove what
   * is old may leave the files to them.
   */
  remove(prefix: string): Promise<void>;
}

/** A file that is being written: by one caller, a call at a time. */
export interface DownloadWriter {
  /** Adds bytes, which stay as they are until this resolves. Memory does not grow with the file. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the file durable and visible, whole. Throws `object_differs` where another file was finished under its key. */
  finish(): Promise<void>;
  /** Gives the file up. Idempotent, also after `finish`, which it does not undo. */
  abandon(): Promise<void>;
}
