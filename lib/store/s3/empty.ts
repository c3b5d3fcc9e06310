import {
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { SealtrailError } from '../../log/error.ts';

/**
 * The tag of a bucket that may be emptied. A stack that becomes a production one takes the tag away before it takes away
 * what empties the bucket, and CloudFormation tells the two apart by nothing else.
 */
export const REMOVABLE = 'sealtrail:removable';

/**
 * Deletes every version of every object of a bucket, also under a governance lock, if the bucket says that it may be. Called
 * again it goes on with what is left.
 *
 * @param signal ends it before the bucket is empty
 * @throws `unavailable` when something cannot be deleted, such as what is locked in compliance mode, and once the signal is
 *   aborted; and the SDK's errors
 */
export async function emptyBucket(client: S3Client, Bucket: string, signal?: AbortSignal): Promise<void> {
  if (!(await isRemovable(client, Bucket))) return;
  for (;;) {
    if (signal?.aborted) {
      throw new SealtrailError('unavailable', `${Bucket} is not empty yet: delete the stack again to go on`);
    }
    // From the start each time: what was listed is gone.
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length === 0) return;
    const command = new DeleteObjectsCommand({
      Bucket,
      BypassGovernanceRetention: true,
      Delete: { Objects, Quiet: true },
    });
    const { Errors = [] } = await client.send(command);
    const [first] = Errors;
    if (first === undefined) continue;
    const message = `${Errors.length} objects of ${Bucket} cannot be deleted, such as ${first.Key}: ${first.Code}`;
    throw new SealtrailError('unavailable', message);
  }
}

async function isRemovable(client: S3Client, Bucket: string): Promise<boolean> {
  try {
    const { TagSet = [] } = await client.send(new GetBucketTaggingCommand({ Bucket }));
    return TagSet.some(({ Key }) => Key === REMOVABLE);
  } catch (error) {
    // What S3 says of a bucket that has no tags, and of one that is gone.
    if (error instanceof Error && ['NoSuchTagSet', 'NoSuchBucket'].includes(error.name)) return false;
    throw error;
  }
}
