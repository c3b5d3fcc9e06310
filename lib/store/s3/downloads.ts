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
import { checkObjectKey } from '../object-key.ts';
import type { Downloads, DownloadWriter } from '../ports.ts';
import { requestFailure } from './failure.ts';

/** Bytes of a part. Amazon S3 user guide, "Multipart upload limits": from 5 MiB on, and at most 10,000 of them. */
const PART_BYTES = 8_388_608;
const MAX_PARTS = 10_000;

/** What {@link S3Downloads} work with. */
export interface S3DownloadsOptions {
  /** Made by `s3Client`. Closed by whoever made it. */
  readonly client: S3Client;
  /** Without Object Lock; its lifecycle rules remove what is old, and uploads that nobody finished. */
  readonly bucket: string;
}

/** Downloads in an S3 bucket, written in parts and handed out by presigned URLs. */
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

  /** The bucket's lifecycle rules do it. */
  async remove(_prefix: string): Promise<void> {}

  /** A small object put in one piece: what wakes whoever listens to the bucket. */
  async put(key: string, body: string): Promise<void> {
    checkObjectKey(key);
    await send(() => this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: body })));
  }

  /** A URL that whoever has it may fetch for so many seconds, or as long as the credentials are good that sign it. */
  async link(
    key: string,
    {
      fileName,
      mediaType,
      seconds,
    }: { readonly fileName: string; readonly mediaType: string; readonly seconds: number },
  ): Promise<string> {
    checkObjectKey(key);
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ResponseContentType: mediaType,
      ResponseContentDisposition: `attachment; filename="${fileName}"`,
    });
    return getSignedUrl(this.#client, command, { expiresIn: seconds });
  }
}

/** One object in parts; in one piece where it fits into a part. */
class MultipartWriter implements DownloadWriter {
  readonly #client: S3Client;
  readonly #object: { readonly Bucket: string; readonly Key: string };
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
    if (this.#uploadId === undefined) {
      const Body = Buffer.concat(this.#waiting);
      await send(() => this.#client.send(new PutObjectCommand({ ...this.#object, Body })));
      return;
    }
    if (this.#bytes > 0) await this.#sendPart();
    const UploadId = this.#uploadId;
    const MultipartUpload = { Parts: this.#parts };
    await send(() =>
      this.#client.send(new CompleteMultipartUploadCommand({ ...this.#object, UploadId, MultipartUpload })),
    );
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
    this.#uploadId ??= (await send(() => this.#client.send(new CreateMultipartUploadCommand(this.#object)))).UploadId;
    if (this.#uploadId === undefined) throw new SealtrailError('unavailable', 'S3 began no upload');
    return this.#uploadId;
  }
}

async function send<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (cause) {
    throw requestFailure(cause, 'written');
  }
}
