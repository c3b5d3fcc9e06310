import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { checkDownloadFolder, checkObjectKey, contentDisposition } from '../object-key.ts';
import type { Downloads, DownloadWriter, LinkedFile } from '../ports.ts';
import { sent } from './failure.ts';
import { MultipartWriter } from './multipart.ts';

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
    return new MultipartWriter(this.#client, { Bucket: this.#bucket, Key: key }, '*');
  }

  /** Leaves the files to the bucket's lifecycle rules. */
  async remove(prefix: string): Promise<void> {
    checkDownloadFolder(prefix);
  }

  /** Stores a small object in one piece, to wake a listener of the bucket. */
  async put(key: string, body: string): Promise<void> {
    checkObjectKey(key);
    await sent(() => this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: body })));
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
