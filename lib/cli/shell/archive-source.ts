import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { SealtrailError } from '../../log/error.ts';
import { FolderObjects } from '../../store/folder/objects.ts';
import type { Objects } from '../../store/ports.ts';

/**
 * Opens an archive named by the user, for reading only: a folder, or `s3://bucket[/prefix]` with the standard AWS
 * configuration. The worker threads of a verification use this module too.
 *
 * @throws `usage`, `not_found`, `unavailable`
 */
export async function openObjects(source: unknown): Promise<Objects> {
  if (typeof source !== 'string') throw new RangeError('an archive is named by text');
  return source.startsWith('s3://') ? openBucket(source) : FolderObjects.openReadOnly(source);
}

async function openBucket(address: string): Promise<Objects> {
  const [, bucket, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(address) ?? [];
  if (bucket === undefined)
    throw new SealtrailError('usage', `${address} is no address of a bucket: s3://bucket/prefix`);
  // Imported here, since a folder is verified without the AWS SDK.
  const [{ s3Client }, { S3Objects }] = await Promise.all([
    import('../../store/aws-clients.ts'),
    import('../../store/s3/objects.ts'),
  ]);
  // An auditor need not know the bucket's region: S3 redirects, and the client follows.
  const region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1';
  const client = s3Client({ region, followRegionRedirects: true });
  return new S3Objects({ client, bucket, prefix: prefix.replace(/\/+$/, '') });
}

/** The archive inside a data folder; undefined for anything else. */
export async function archiveWithin(source: string): Promise<string | undefined> {
  try {
    await access(join(source, 'config.json'));
    await access(join(source, 'archive'));
    return join(source, 'archive');
  } catch {
    return undefined; // an archive itself, or missing: opening it tells
  }
}
