import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DeleteObjectCommand, HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { s3Client } from '../../lib/store/aws-clients.ts';
import { S3Objects } from '../../lib/store/s3/objects.ts';
import { EVERYTHING } from './emulated.ts';

/** The archive's bucket of a deployed stack, as someone sees it who may do everything in the account. */
export class DeployedArchive {
  readonly #bucket: string;
  readonly #client: S3Client = s3Client({ ...EVERYTHING, forcePathStyle: true });
  readonly #objects: S3Objects;

  constructor(bucket: string) {
    this.#bucket = bucket;
    this.#objects = new S3Objects({ client: this.#client, bucket });
  }

  /** The trails of which records are archived. */
  async trails(): Promise<ReadonlySet<string>> {
    const trails = new Set<string>();
    for await (const { key } of this.#objects.list('')) {
      if (key.includes('/records/')) trails.add(key.slice(0, key.indexOf('/')));
    }
    return trails;
  }

  /** The keys of all objects under a prefix. */
  async names(prefix: string): Promise<readonly string[]> {
    return Array.fromAsync(this.#objects.list(prefix), ({ key }) => key);
  }

  /** Every version of every object of a trail, each with whether it is under legal hold. */
  async holds(trail: string): Promise<readonly { key: string; version: string; isHeld: boolean }[]> {
    const holds = [];
    for await (const { key, version } of this.#objects.versions(`${trail}/`)) {
      holds.push({ key, version, isHeld: await this.#objects.isHeld(key, version) });
    }
    return holds;
  }

  /** Tries to delete a version, its lock notwithstanding. @throws the SDK's error, when S3 refuses */
  async remove(Key: string, VersionId: string): Promise<void> {
    const input = { Bucket: this.#bucket, Key, VersionId, BypassGovernanceRetention: true };
    await this.#client.send(new DeleteObjectCommand(input));
  }

  /** Writes every object to a file under its key. */
  async copyTo(folder: string): Promise<void> {
    for await (const { key } of this.#objects.list('')) {
      const file = join(folder, key);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, (await this.#objects.get(key)) ?? '');
    }
  }

  async isGone(): Promise<boolean> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }));
      return false;
    } catch (error) {
      if (error instanceof Error && error.name === 'NotFound') return true;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#objects.close();
  }
}
