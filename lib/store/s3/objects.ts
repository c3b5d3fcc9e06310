import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectLegalHoldCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { pauseMs } from '../../base/backoff.ts';
import { defined } from '../../base/defined.ts';
import { SealtrailError } from '../../log/error.ts';
import { sameBytes } from '../../log/hash.ts';
import { checkObjectKey, checkObjectPrefix } from '../object-key.ts';
import type { LockMode, ObjectEntry, Objects, ObjectVersion, Retention } from '../ports.ts';
import { isAbsent, isClash, isNeverHeld, isTaken, requestFailure } from './failure.ts';
import { keyReader, LISTING } from './keys.ts';
import { mergeVersions } from './versions.ts';

/** Options of {@link S3Objects}. */
export interface S3ObjectsOptions {
  /** Use `s3Client`, which sets suitable timeouts and retries. Closed with the objects. */
  readonly client: S3Client;
  readonly bucket: string;
  /** A folder of the bucket, without a trailing `/`. @default the whole bucket */
  readonly prefix?: string;
  /**
   * The lock mode of objects whose retention names none. Compliance: no one can remove or shorten the lock, not even the
   * account's root user. Governance: it can be bypassed with permission. @default compliance
   */
  readonly lock?: LockMode;
}

/** Attempts at a put that meets another put of the same key: S3 answers 409 and asks for a retry. */
const MAX_CLASH_ATTEMPTS = 6;
const CLASH = { firstMs: 100, maxMs: 3_200 };

const MODES = { compliance: 'COMPLIANCE', governance: 'GOVERNANCE' } as const;

/** Objects in an S3 bucket with Object Lock. See README.md beside this file. */
export class S3Objects implements Objects {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #root: string;
  readonly #mode: LockMode;
  #closed = false;

  constructor({ client, bucket, prefix = '', lock = 'compliance' }: S3ObjectsOptions) {
    if (prefix !== '') checkObjectKey(prefix);
    this.#client = client;
    this.#bucket = bucket;
    this.#root = prefix === '' ? '' : `${prefix}/`;
    this.#mode = lock;
  }

  async put(key: string, bytes: Uint8Array, retention?: Retention): Promise<'created' | 'existed'> {
    const input: PutObjectCommandInput = { ...this.#putInput(key, bytes, retention), IfNoneMatch: '*' };
    for (let tries = 1; ; tries++) {
      try {
        await this.#client.send(new PutObjectCommand(input));
        return 'created';
      } catch (cause) {
        if (isTaken(cause)) return this.#compare(key, bytes, cause);
        if (!isClash(cause) || tries >= MAX_CLASH_ATTEMPTS) throw requestFailure(cause, 'written');
      }
      await sleep(pauseMs(tries, CLASH));
    }
  }

  async replace(key: string, bytes: Uint8Array, retention?: Retention): Promise<void> {
    const input = this.#putInput(key, bytes, retention);
    await this.#send('written', () => this.#client.send(new PutObjectCommand(input)));
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    return this.#read({ Bucket: this.#bucket, Key: this.#root + key });
  }

  async *list(prefix: string, { after }: { readonly after?: string } = {}): AsyncIterable<ObjectEntry> {
    checkObjectPrefix(prefix);
    let token: string | undefined;
    do {
      this.#checkOpen();
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: this.#root + prefix,
        ...LISTING,
        ...(after === undefined ? {} : { StartAfter: this.#root + after }),
        ...defined({ ContinuationToken: token }),
      });
      const page = await this.#send('read', () => this.#client.send(command));
      const keyOf = keyReader(page.EncodingType, this.#root.length);
      for (const { Key, Size = 0 } of page.Contents ?? []) yield { key: keyOf(Key), size: Size };
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async *versions(prefix: string, { after }: { readonly after?: string } = {}): AsyncIterable<ObjectVersion> {
    checkObjectPrefix(prefix);
    const first = { Bucket: this.#bucket, Prefix: this.#root + prefix, ...LISTING };
    // Without a version marker the listing starts after all versions of the key.
    let input: ListObjectVersionsCommandInput | undefined =
      after === undefined ? first : { ...first, KeyMarker: this.#root + after };
    while (input !== undefined) {
      this.#checkOpen();
      const page: ListObjectVersionsCommandOutput = await this.#listVersions(input);
      yield* mergeVersions(page, this.#root.length);
      const { IsTruncated, NextKeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
      const KeyMarker = keyReader(page.EncodingType, 0)(NextKeyMarker);
      input = IsTruncated ? { ...first, KeyMarker, VersionIdMarker } : undefined;
    }
  }

  async getVersion(key: string, version: string): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    return this.#read({ Bucket: this.#bucket, Key: this.#root + key, VersionId: version });
  }

  async hold(key: string, version: string, isHeld: boolean): Promise<void> {
    checkObjectKey(key);
    this.#checkOpen();
    const command = new PutObjectLegalHoldCommand({
      ...{ Bucket: this.#bucket, Key: this.#root + key, VersionId: version },
      LegalHold: { Status: isHeld ? 'ON' : 'OFF' },
    });
    try {
      await this.#client.send(command);
    } catch (cause) {
      if (!isAbsent(cause)) throw requestFailure(cause, 'written');
    }
  }

  async isHeld(key: string, version: string): Promise<boolean> {
    checkObjectKey(key);
    this.#checkOpen();
    const command = new GetObjectLegalHoldCommand({ Bucket: this.#bucket, Key: this.#root + key, VersionId: version });
    try {
      return (await this.#client.send(command)).LegalHold?.Status === 'ON';
    } catch (cause) {
      if (isAbsent(cause) || isNeverHeld(cause)) return false;
      throw requestFailure(cause, 'read');
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#client.destroy();
  }

  /** Compares the bytes of a put with the existing object: the same bytes are a success, others an error. */
  async #compare(key: string, bytes: Uint8Array, cause: unknown): Promise<'existed'> {
    const stored = await this.get(key);
    if (stored !== undefined && sameBytes(stored, bytes)) return 'existed';
    const message = stored === undefined ? `${key} was there and is gone` : `${key} already holds other bytes`;
    throw new SealtrailError(stored === undefined ? 'unavailable' : 'object_differs', message, { cause });
  }

  #putInput(key: string, bytes: Uint8Array, retention: Retention | undefined): PutObjectCommandInput {
    checkObjectKey(key);
    this.#checkOpen();
    return {
      Bucket: this.#bucket,
      Key: this.#root + key,
      Body: bytes,
      // S3 requires a checksum with a retention, and rejects bytes that do not match it.
      ChecksumSHA256: hash('sha256', bytes, 'base64'),
      ...(retention?.isHeld ? { ObjectLockLegalHoldStatus: 'ON' } : {}),
      ...(retention?.until === undefined
        ? {}
        : {
            ObjectLockMode: MODES[retention.mode ?? this.#mode],
            ObjectLockRetainUntilDate: new Date(retention.until),
          }),
    };
  }

  async #read(input: { Bucket: string; Key: string; VersionId?: string }): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    try {
      const { Body } = await this.#client.send(new GetObjectCommand(input));
      return Body === undefined ? new Uint8Array(0) : Uint8Array.from(await Body.transformToByteArray());
    } catch (cause) {
      if (isAbsent(cause)) return undefined;
      throw requestFailure(cause, 'read');
    }
  }

  #listVersions(input: ListObjectVersionsCommandInput): Promise<ListObjectVersionsCommandOutput> {
    return this.#send('read', () => this.#client.send(new ListObjectVersionsCommand(input)));
  }

  async #send<T>(what: 'read' | 'written', request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (cause) {
      throw requestFailure(cause, what);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new SealtrailError('unavailable', 'the objects are closed');
  }
}
