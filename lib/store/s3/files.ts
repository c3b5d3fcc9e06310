import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { defined } from '../../base/defined.ts';
import { checkByteRange, checkDownloadFolder, checkObjectKey } from '../object-key.ts';
import type { DownloadWriter, Files, ObjectEntry } from '../ports.ts';
import { isAbsent, isBeyondEnd, requestFailure, sent } from './failure.ts';
import { keyReader, LISTING } from './keys.ts';
import { MultipartWriter } from './multipart.ts';

/** Options of {@link S3Files}. */
export interface S3FilesOptions {
  /** Use `s3Client`. The caller closes it. */
  readonly client: S3Client;
  /** A bucket without Object Lock and without versions, with a lifecycle rule that removes unfinished uploads. */
  readonly bucket: string;
}

/** Files in an S3 bucket, written in parts and read in ranges. */
export class S3Files implements Files {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor({ client, bucket }: S3FilesOptions) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async create(key: string): Promise<DownloadWriter> {
    checkObjectKey(key);
    return new MultipartWriter(this.#client, { Bucket: this.#bucket, Key: key });
  }

  async read(key: string, from: number, length: number): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    checkByteRange(from, length);
    const Range = `bytes=${from}-${from + length - 1}`;
    try {
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key, Range }));
      return Body === undefined ? new Uint8Array(0) : await Body.transformToByteArray();
    } catch (cause) {
      if (isAbsent(cause)) return undefined;
      if (isBeyondEnd(cause)) return new Uint8Array(0);
      throw requestFailure(cause, 'read');
    }
  }

  async *list(prefix: string): AsyncIterable<ObjectEntry> {
    checkDownloadFolder(prefix);
    let token: string | undefined;
    do {
      const page = await this.#page(prefix, token);
      const keyOf = keyReader(page.EncodingType, 0);
      for (const { Key, Size = 0 } of page.Contents ?? []) yield { key: keyOf(Key), size: Size };
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async remove(key: string): Promise<void> {
    checkObjectKey(key);
    await sent(() => this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key })));
  }

  async #page(prefix: string, token: string | undefined): Promise<ListObjectsV2CommandOutput> {
    const input = { Bucket: this.#bucket, Prefix: prefix, ...LISTING, ...defined({ ContinuationToken: token }) };
    try {
      return await this.#client.send(new ListObjectsV2Command(input));
    } catch (cause) {
      throw requestFailure(cause, 'read');
    }
  }
}
