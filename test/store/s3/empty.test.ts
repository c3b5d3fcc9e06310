import {
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  ListObjectVersionsCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { emptyBucket } from '../../../lib/store/s3/empty.ts';

/** What S3 answers; that it really deletes what is locked is shown by `npm run test:aws`. */
const s3 = mockClient(S3Client);
const client = new S3Client({ region: 'eu-central-1' });
beforeEach(() => {
  s3.reset();
  s3.on(GetBucketTaggingCommand).resolves({ TagSet: [{ Key: 'sealtrail:removable', Value: 'true' }] });
  s3.on(DeleteObjectsCommand).resolves({});
});
const deletions = () => s3.commandCalls(DeleteObjectsCommand).map(({ args: [{ input }] }) => input);

describe('emptying a bucket', () => {
  it('deletes all versions and all delete markers, page by page, past governance', async () => {
    s3.on(ListObjectVersionsCommand)
      .resolvesOnce({ Versions: [{ Key: 'a', VersionId: '1' }], DeleteMarkers: [{ Key: 'a', VersionId: '2' }] })
      .resolvesOnce({ Versions: [{ Key: 'b', VersionId: '3' }] })
      .resolves({});
    await emptyBucket(client, 'archive');
    expect(deletions()).toMatchObject([
      { BypassGovernanceRetention: true, Delete: { Objects: [{ Key: 'a', VersionId: '1' }, { VersionId: '2' }] } },
      { BypassGovernanceRetention: true, Delete: { Objects: [{ Key: 'b', VersionId: '3' }] } },
    ]);
  });

  it('ends when its time is up, says how to go on, and goes on with what is left when called again', async () => {
    const time = new AbortController();
    s3.on(ListObjectVersionsCommand)
      .resolvesOnce({ Versions: [{ Key: 'a', VersionId: '1' }] })
      .resolvesOnce({ Versions: [{ Key: 'b', VersionId: '2' }] })
      .resolves({});
    s3.on(DeleteObjectsCommand).callsFake(() => {
      time.abort();
      return {};
    });
    await expect(emptyBucket(client, 'archive', time.signal)).rejects.toMatchObject({
      message: 'archive is not empty yet: delete the stack again to go on',
    });
    await emptyBucket(client, 'archive');
    expect(deletions().map(({ Delete }) => Delete?.Objects?.map(({ Key }) => Key))).toEqual([['a'], ['b']]);
  });

  it('says what cannot be deleted, and does not try for ever', async () => {
    s3.on(ListObjectVersionsCommand).resolves({ Versions: [{ Key: 'a', VersionId: '1' }] });
    s3.on(DeleteObjectsCommand).resolves({ Errors: [{ Key: 'a', Code: 'AccessDenied' }] });
    await expect(emptyBucket(client, 'archive')).rejects.toMatchObject({
      code: 'unavailable',
      message: '1 objects of archive cannot be deleted, such as a: AccessDenied',
    });
    expect(deletions()).toHaveLength(1);
  });

  it.each([
    ['has other tags', { TagSet: [{ Key: 'team', Value: 'audit' }] }],
    ['has no tags', 'NoSuchTagSet'],
    ['is gone', 'NoSuchBucket'],
  ])('leaves a bucket alone that %s: a stack that became a production one keeps its archive', async (_, answer) => {
    const tagging = s3.on(GetBucketTaggingCommand);
    if (typeof answer !== 'string') tagging.resolves(answer);
    else tagging.rejects(new S3ServiceException({ name: answer, $fault: 'client', $metadata: {} }));
    await emptyBucket(client, 'archive');
    expect(s3.commandCalls(ListObjectVersionsCommand)).toEqual([]);
    expect(deletions()).toEqual([]);
  });

  it('does not go by a guess when the tags cannot be read', async () => {
    const denied = new S3ServiceException({ name: 'AccessDenied', $fault: 'client', $metadata: {} });
    s3.on(GetBucketTaggingCommand).rejects(denied);
    await expect(emptyBucket(client, 'archive')).rejects.toBe(denied);
    expect(deletions()).toEqual([]);
  });
});
