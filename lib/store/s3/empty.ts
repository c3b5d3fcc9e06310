import {
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { SealtrailError } from '../../log/error.ts';

/**
 * The tag of a bucket that may be emptied. A stack that becomes a production one removes the tag before it removes the
 * resource that empties the bucket; CloudFormation gives that resource no other way to tell this from a stack deletion.
 */
export const REMOVABLE = 'sealtrail:removable';

/**
 * Deletes every version of every object of a bucket that is tagged {@link REMOVABLE}, even under a governance lock. Call it
 * again to continue after an interruption.
 *
 * @param signal stops it before the bucket is empty
 * @throws `unavailable` if something cannot be deleted, such as an object locked in compliance mode, or once the signal is
 *   aborted; the SDK's errors
 */
export async function emptyBucket(client: S3Client, Bucket: string, signal?: AbortSignal): Promise<void> {
  if (!(await isRemovable(client, Bucket))) return;
  for (;;) {
    if (signal?.aborted) {
      throw new SealtrailError('unavailable', `${Bucket} is not empty yet: delete the stack again to go on`);
    }
    // Always the first page, since the previous one has been deleted.
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
    // S3's errors for a bucket without tags and for a deleted bucket.
    if (error instanceof Error && ['NoSuchTagSet', 'NoSuchBucket'].includes(error.name)) return false;
    throw error;
  }
}
