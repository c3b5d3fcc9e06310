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
import { SealtrailError } from '../../log/error.ts';
import type { DownloadWriter } from '../ports.ts';
import { isTaken, requestFailure, sent } from './failure.ts';

/** Bytes of a part. Amazon S3 user guide, "Multipart upload limits": at least 5 MiB, and at most 10,000 parts. */
const PART_BYTES = 8_388_608;
const MAX_PARTS = 10_000;

/** Writes one object in parts, or in one piece if it fits into a part. */
export class MultipartWriter implements DownloadWriter {
  readonly #client: S3Client;
  readonly #object: { readonly Bucket: string; readonly Key: string };
  readonly #condition: { readonly IfNoneMatch?: '*' };
  /** Stored with the object, so that a retry after a lost response recognises its own work. */
  readonly #writer = randomUUID();
  readonly #parts: CompletedPart[] = [];
  #uploadId: string | undefined;
  #waiting: Uint8Array[] = [];
  #bytes = 0;

  /** @param condition `*`: only where the key holds no object; undefined: in place of any other */
  constructor(client: S3Client, object: { readonly Bucket: string; readonly Key: string }, condition?: '*') {
    this.#client = client;
    this.#object = object;
    this.#condition = condition === undefined ? {} : { IfNoneMatch: condition };
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
      await this.#publish(new PutObjectCommand({ ...this.#object, Body, Metadata, ...this.#condition }));
      return;
    }
    if (this.#bytes > 0) await this.#sendPart();
    const MultipartUpload = { Parts: this.#parts };
    const command = { ...this.#object, UploadId, MultipartUpload, ...this.#condition };
    await this.#publish(new CompleteMultipartUploadCommand(command));
    this.#uploadId = undefined;
  }

  async abandon(): Promise<void> {
    const UploadId = this.#uploadId;
    this.#waiting = [];
    this.#uploadId = undefined;
    if (UploadId === undefined) return;
    await sent(() => this.#client.send(new AbortMultipartUploadCommand({ ...this.#object, UploadId })));
  }

  async #sendPart(): Promise<void> {
    const PartNumber = this.#parts.length + 1;
    if (PartNumber > MAX_PARTS) {
      const message = `a file has at most ${MAX_PARTS * PART_BYTES} bytes: an export of a shorter period, or gzip, is smaller`;
      throw new SealtrailError('batch_too_large', message);
    }
    const Body = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#bytes = 0;
    const UploadId = await this.#begun();
    const { ETag } = await sent(() =>
      this.#client.send(new UploadPartCommand({ ...this.#object, UploadId, PartNumber, Body })),
    );
    if (ETag === undefined) throw new SealtrailError('unavailable', 'S3 gave no ETag for a part');
    this.#parts.push({ ETag, PartNumber });
  }

  async #begun(): Promise<string> {
    const command = new CreateMultipartUploadCommand({ ...this.#object, Metadata: { writer: this.#writer } });
    this.#uploadId ??= (await sent(() => this.#client.send(command))).UploadId;
    if (this.#uploadId === undefined) throw new SealtrailError('unavailable', 'S3 began no upload');
    return this.#uploadId;
  }

  /** Sends the request that makes the object visible. With a condition it never overwrites the object of another writer. */
  async #publish(command: PutObjectCommand | CompleteMultipartUploadCommand): Promise<void> {
    try {
      await (command instanceof PutObjectCommand ? this.#client.send(command) : this.#client.send(command));
    } catch (cause) {
      if (!isTaken(cause)) throw requestFailure(cause, 'written');
      // Not HeadObject, which would add another command to the functions' bundles.
      const { Metadata, Body } = await sent(() => this.#client.send(new GetObjectCommand(this.#object)));
      if (Body instanceof Readable) Body.destroy();
      if (Metadata?.writer === this.#writer) return;
      throw new SealtrailError('object_differs', `${this.#object.Key} already holds another file`, { cause });
    }
  }
}
