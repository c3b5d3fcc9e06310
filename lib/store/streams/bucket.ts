import { PutObjectCommand } from '@aws-sdk/client-s3';
import { s3Client } from '../aws-clients.ts';

/** Puts objects into a bucket of others. */
export class BucketObjects {
  readonly #client: ReturnType<typeof s3Client>;
  readonly #bucket: string;

  constructor(bucket: string, config: Parameters<typeof s3Client>[0] = {}) {
    this.#client = s3Client(config);
    this.#bucket = bucket;
  }

  /** Puts an object; one of the same name is written over. @throws the errors of the SDK */
  async put(key: string, body: Uint8Array, contentType: string, abortSignal: AbortSignal): Promise<void> {
    const command = new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: body, ContentType: contentType });
    await this.#client.send(command, { abortSignal });
  }
}
