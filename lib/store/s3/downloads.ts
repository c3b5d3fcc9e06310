import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { SealtrailError } from '../../log/error.ts';
import { checkDownloadFolder, checkObjectKey, contentDisposition } from '../object-key.ts';
import type { Downloads, DownloadWriter, LinkedFile } from '../ports.ts';
import { isTaken, requestFailure } from './failure.ts';

/** Bytes of a part. Amazon S3 user guide, "Multipart upload limits": at least 5 MiB, and at most 10,000 parts. */
const PART_BYTES = 8_388_608;
const MAX_PARTS = 10_000;

/** Options of {@link S3Downloads}. */
export interface S3DownloadsOptions {
  /** Use `s3Client`. The caller closes it. */
  readonly client: S3Client;
  /** A bucket without Object Lock, with lifecycle rules that remove old files and unfinished uploads. */
  readonly bucket: string;
}

/** Downloads in an S3 bucket, written in parts and offered by presigned URLs. */
export class S3Downloads implements Downloads {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor({ client, bucket }: S3DownloadsOptions) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async create(key: string): Promise<DownloadWriter> {
    checkObjectKey(key);
    return new MultipartWriter(this.#client, { Bucket: this.#bucket, Key: key });
  }

  /** Leaves the files to the bucket's lifecycle rules. */
  async remove(prefix: string): Promise<void> {
    checkDownloadFolder(prefix);
  }

  /** Stores a small object in one piece, to wake a listener of the bucket. */
  async put(key: string, body: string): Promise<void> {
    checkObjectKey(key);
    await send(() => this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: body })));
  }

  /** A presigned URL. It works no longer than the credentials that sign it. */
  async link(key: string, { fileName, mediaType, seconds }: LinkedFile): Promise<string> {
    checkObjectKey(key);
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ResponseContentType: mediaType,
      ResponseContentDisposition: contentDisposition(fileName),
    });
    return getSignedUrl(this.#client, command, { expiresIn: seconds });
  }
}

/** Writes one object in parts, or in one piece if it fits into a part. */
class MultipartWriter implements DownloadWriter {
  readonly #client: S3Client;
  readonly #object: { readonly Bucket: string; readonly Key: string };
  /** Stored with the object, so that a retry after a lost response recognises its own work. */
  readonly #writer = randomUUID();
  readonly #parts: CompletedPart[] = [];
  #uploadId: string | undefined;
  #waiting: Uint8Array[] = [];
  #bytes = 0;

  constructor(client: S3Client, object: { readonly Bucket: string; readonly Key: string }) {
    this.#client = client;
    this.#object = object;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + PART_BYTES - this.#bytes);
      this.#waiting.push(piece.slice());
      this.#bytes += piece.length;
      at += piece.length;
      if (this.#bytes === PART_BYTES) await this.#sendPart();
    }
  }

  async finish(): Promise<void> {
    const UploadId = this.#uploadId;
    if (UploadId === undefined) {
      const Body = Buffer.concat(this.#waiting);
      const Metadata = { writer: this.#writer };
      await this.#publish(new PutObjectCommand({ ...this.#object, Body, Metadata, IfNoneMatch: '*' }));
      return;
    }
    if (this.#bytes > 0) await this.#sendPart();
    const MultipartUpload = { Parts: this.#parts };
    const command = { ...this.#object, UploadId, MultipartUpload, IfNoneMatch: '*' };
    await this.#publish(new CompleteMultipartUploadCommand(command));
    this.#uploadId = undefined;
  }

  async abandon(): Promise<void> {
    const UploadId = this.#uploadId;
    this.#waiting = [];
    this.#uploadId = undefined;
    if (UploadId === undefined) return;
    await send(() => this.#client.send(new AbortMultipartUploadCommand({ ...this.#object, UploadId })));
  }

  async #sendPart(): Promise<void> {
    const PartNumber = this.#parts.length + 1;
    if (PartNumber > MAX_PARTS) {
      const message = `an export has at most ${MAX_PARTS * PART_BYTES} bytes: ask for a shorter period, or gzip`;
      throw new SealtrailError('batch_too_large', message);
    }
    const Body = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#bytes = 0;
    const UploadId = await this.#begun();
    const { ETag } = await send(() =>
      this.#client.send(new UploadPartCommand({ ...this.#object, UploadId, PartNumber, Body })),
    );
    if (ETag === undefined) throw new SealtrailError('unavailable', 'S3 gave no ETag for a part');
    this.#parts.push({ ETag, PartNumber });
  }

  async #begun(): Promise<string> {
    const command = new CreateMultipartUploadCommand({ ...this.#object, Metadata: { writer: this.#writer } });
    this.#uploadId ??= (await send(() => this.#client.send(command))).UploadId;
    if (this.#uploadId === undefined) throw new SealtrailError('unavailable', 'S3 began no upload');
    return this.#uploadId;
  }

  /** Sends the request that makes the object visible. Never overwrites the object of another writer. */
  async #publish(command: PutObjectCommand | CompleteMultipartUploadCommand): Promise<void> {
    try {
      await (command instanceof PutObjectCommand ? this.#client.send(command) : this.#client.send(command));
    } catch (cause) {
      if (!isTaken(cause)) throw requestFailure(cause, 'written');
      // Not HeadObject, which would add another command to the functions' bundles.
      const { Metadata, Body } = await send(() => this.#client.send(new GetObjectCommand(this.#object)));
      if (Body instanceof Readable) Body.destroy();
      if (Metadata?.writer === this.#writer) return;
      throw new SealtrailError('object_differs', `${this.#object.Key} already holds another file`, { cause });
    }
  }
}

async function send<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (cause) {
    throw requestFailure(cause, 'written');
  }
}
