import { SealtrailError } from '../../log/error.ts';
import { checkObjectKey, checkObjectPrefix } from '../../store/object-key.ts';
import type { ObjectEntry, Objects, ObjectVersion, Retention } from '../../store/ports.ts';
import { Faults } from './faults.ts';

/** A call of {@link MemoryObjects}, as faults see it. `list` and `versions` count once each. */
export interface ObjectsCall {
  readonly operation: 'put' | 'replace' | 'get' | 'getVersion' | 'list' | 'versions' | 'hold' | 'isHeld';
  /** The key, or the prefix. */
  readonly key: string;
}

interface StoredVersion {
  readonly version: string;
  /** Undefined: a delete marker. */
  bytes: Uint8Array | undefined;
  readonly modifiedAt: number;
  readonly until: number | undefined;
  isHeld: boolean;
}

const WRITES: ReadonlySet<string> = new Set(['put', 'replace', 'hold']);

/** Each key's versions, oldest first. */
type Store = Map<string, StoredVersion[]>;

/**
 * Objects in memory, for tests, with the versions, delete markers and retention of an S3 bucket under Object Lock in
 * compliance mode. What an attacker with every permission can do there, tests do through `overwrite`, `hide` and
 * `destroyVersion`; what only an attacker with the disk can do, through `tamper`.
 */
export class MemoryObjects implements Objects {
  readonly faults = new Faults<ObjectsCall>((call) => WRITES.has(call.operation));
  readonly #store: Store;
  readonly #clock: () => number;
  #closed = false;

  /**
   * @param clock Unix milliseconds; retention goes by it. Default: the system's.
   * @param store only `restarted` gives it: the objects that another one left.
   */
  constructor(clock: () => number = Date.now, store: Store = new Map()) {
    this.#clock = clock;
    this.#store = store;
  }

  /** Another process on the same objects, with no faults planned. Both may be used at the same time. */
  restarted(): MemoryObjects {
    return new MemoryObjects(this.#clock, this.#store);
  }

  async put(key: string, bytes: Uint8Array, retention?: Retention): Promise<'created' | 'existed'> {
    checkObjectKey(key);
    const copy = new Uint8Array(bytes);
    return this.#run('put', key, () => {
      const standing = this.#newest(key)?.bytes;
      if (standing === undefined) {
        this.#add(key, copy, retention);
        return 'created';
      }
      if (Buffer.compare(standing, copy) === 0) return 'existed';
      throw new SealtrailError('object_differs', `${key} already holds other bytes`);
    });
  }

  async replace(key: string, bytes: Uint8Array, retention?: Retention): Promise<void> {
    checkObjectKey(key);
    const copy = new Uint8Array(bytes);
    await this.#run('replace', key, () => this.#add(key, copy, retention));
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    return this.#run('get', key, () => copyOf(this.#newest(key)?.bytes));
  }

  async *list(prefix: string, options: { readonly after?: string } = {}): AsyncIterable<ObjectEntry> {
    checkObjectPrefix(prefix);
    for (const key of await this.#run('list', prefix, () => this.#keys(prefix))) {
      const bytes = this.#newest(key)?.bytes;
      if (bytes && (options.after === undefined || key > options.after)) yield { key, size: bytes.byteLength };
    }
  }

  async *versions(prefix: string, options: { readonly after?: string } = {}): AsyncIterable<ObjectVersion> {
    checkObjectPrefix(prefix);
    for (const key of await this.#run('versions', prefix, () => this.#keys(prefix))) {
      if (options.after !== undefined && key <= options.after) continue;
      const versions = this.#store.get(key) ?? [];
      for (const { version, bytes, modifiedAt } of versions.toReversed()) {
        const isLatest = version === versions.at(-1)?.version;
        yield { key, version, isLatest, isDeleteMarker: !bytes, size: bytes?.byteLength ?? 0, modifiedAt };
      }
    }
  }

  async getVersion(key: string, version: string): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    return this.#run('getVersion', key, () =>
      copyOf(this.#store.get(key)?.find((stored) => stored.version === version)?.bytes),
    );
  }

  async hold(key: string, version: string, isHeld: boolean): Promise<void> {
    checkObjectKey(key);
    await this.#run('hold', key, () => {
      const stored = this.#store.get(key)?.find((one) => one.version === version && one.bytes !== undefined);
      if (stored !== undefined) stored.isHeld = isHeld;
    });
  }

  async isHeld(key: string, version: string): Promise<boolean> {
    checkObjectKey(key);
    return this.#run(
      'isHeld',
      key,
      () => this.#store.get(key)?.find((one) => one.version === version)?.isHeld ?? false,
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Attacker: adds a version over the newest one, which no lock forbids. @returns the version. */
  overwrite(key: string, bytes: Uint8Array): string {
    return this.#add(key, new Uint8Array(bytes), undefined);
  }

  /** Attacker: puts a delete marker over the newest version, which no lock forbids. @returns the marker's version. */
  hide(key: string): string {
    return this.#add(key, undefined, undefined);
  }

  /** Attacker: destroys one version. Refused with `forbidden` while it is locked or held. */
  destroyVersion(key: string, version: string): void {
    const stored = this.#find(key, version);
    if (stored.until !== undefined && stored.until > this.#clock()) {
      throw new SealtrailError('forbidden', `${key} is locked until ${new Date(stored.until).toISOString()}`);
    }
    if (stored.isHeld) throw new SealtrailError('forbidden', `${key} is under legal hold`);
    const left = (this.#store.get(key) ?? []).filter((other) => other !== stored);
    if (left.length > 0) this.#store.set(key, left);
    else this.#store.delete(key);
  }

  /** Attacker with the disk: changes a version's bytes in place, or with `undefined` removes it, whatever its lock. */
  tamper(key: string, bytes: Uint8Array | undefined, version?: string): void {
    const stored = this.#find(key, version ?? this.#newest(key)?.version ?? '');
    if (bytes) stored.bytes = new Uint8Array(bytes);
    else
      this.#store.set(
        key,
        (this.#store.get(key) ?? []).filter((other) => other !== stored),
      );
  }

  /** Until when a version is locked, in Unix milliseconds; undefined where it is not. Default: the newest version. */
  lockedUntil(key: string, version?: string): number | undefined {
    return this.#find(key, version ?? this.#newest(key)?.version ?? '').until;
  }

  async #run<T>(operation: ObjectsCall['operation'], key: string, effect: () => T): Promise<T> {
    if (this.#closed) throw new SealtrailError('unavailable', 'the objects are closed');
    return this.faults.run({ operation, key }, effect);
  }

  #newest(key: string): StoredVersion | undefined {
    return this.#store.get(key)?.at(-1);
  }

  #find(key: string, version: string): StoredVersion {
    const stored = this.#store.get(key)?.find((candidate) => candidate.version === version);
    if (!stored) throw new RangeError(`there is no version ${JSON.stringify(version)} of ${key}`);
    return stored;
  }

  #add(key: string, bytes: Uint8Array | undefined, retention: Retention | undefined): string {
    const versions = this.#store.get(key) ?? [];
    const version = crypto.randomUUID();
    const { until, isHeld = false } = retention ?? {};
    this.#store.set(key, [...versions, { version, bytes, modifiedAt: this.#clock(), until, isHeld }]);
    return version;
  }

  #keys(prefix: string): string[] {
    // Keys are ASCII, so that UTF-16 order is byte order.
    return [...this.#store.keys()].filter((key) => key.startsWith(prefix)).sort();
  }
}

function copyOf(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes && new Uint8Array(bytes);
}
