import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { S3Objects } from '../../../lib/store/s3/objects.ts';

const s3 = mockClient(S3Client);
const open = () => new S3Objects({ client: new S3Client({}), bucket: 'archive' });
const KEY = 'orders/records/0-9.jsonl.gz';
const BYTES = Buffer.from('as it is');

/** An error of S3's, as the SDK throws it. */
function answered(name: string, httpStatusCode: number): S3ServiceException {
  const $fault = httpStatusCode < 500 ? 'client' : 'server';
  return new S3ServiceException({ name, message: 'as it says', $fault, $metadata: { httpStatusCode } });
}
/** An answer whose bytes come so. The driver takes no more of a body than this one method. */
const body = (transformToByteArray: () => Promise<Uint8Array>) =>
  ({ Body: { transformToByteArray } }) as unknown as GetObjectCommandOutput;
const stored = (bytes: Uint8Array) => body(async () => bytes);
const timeout = Object.assign(new Error('no answer in 20000 ms'), { name: 'TimeoutError' });
const taken = answered('PreconditionFailed', 412);

beforeEach(() => {
  s3.reset();
});

describe('a put', () => {
  it('demands that the key is free, and carries checksum, mode and date', async () => {
    s3.on(PutObjectCommand).resolves({});
    const until = Date.UTC(2033, 0, 1);
    expect(await open().put(KEY, BYTES, { until })).toBe('created');
    expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input).toEqual({
      ...{ Bucket: 'archive', Key: KEY, Body: BYTES, IfNoneMatch: '*' },
      // printf 'as it is' | openssl dgst -sha256 -binary | base64
      ChecksumSHA256: '9clHeoX8n0b5Hx4+OzCqJwsGAgunSX08UzisER01+gU=',
      ...{ ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: new Date(until) },
    });
  });

  it('that meets the same bytes has existed, one that meets others is an alarm', async () => {
    s3.on(PutObjectCommand).rejects(taken);
    s3.on(GetObjectCommand)
      .resolvesOnce(stored(BYTES))
      .resolves(stored(Buffer.from('something else')));
    expect(await open().put(KEY, BYTES)).toBe('existed');
    await expect(open().put(KEY, BYTES)).rejects.toMatchObject({
      ...{ code: 'object_differs', message: `${KEY} already holds other bytes`, cause: taken },
    });
  });

  it('that meets an object which is gone a moment later can be tried again', async () => {
    s3.on(PutObjectCommand).rejects(taken);
    s3.on(GetObjectCommand).rejects(answered('NoSuchKey', 404));
    await expect(open().put(KEY, BYTES)).rejects.toMatchObject({
      ...{ code: 'unavailable', message: `${KEY} was there and is gone` },
    });
  });

  it('that meets another put of its key is sent again', async () => {
    s3.on(PutObjectCommand)
      .rejectsOnce(answered('ConditionalRequestConflict', 409))
      .rejectsOnce(answered('OperationAborted', 409))
      .resolves({});
    expect(await open().put(KEY, BYTES)).toBe('created');
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(3);
  });

  it('gives up after six meetings', async () => {
    s3.on(PutObjectCommand).rejects(answered('ConditionalRequestConflict', 409));
    const refused = { code: 'throttled', message: 'S3 is busy', retryAfter: 1 };
    await expect(open().put(KEY, BYTES)).rejects.toMatchObject(refused);
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(6);
  });

  it.each([
    [answered('SlowDown', 503), 'throttled', 'S3 is busy'],
    [answered('InternalError', 500), 'outcome_unknown', 'S3 did not say whether an object was put'],
    [answered('ServiceUnavailable', 503), 'outcome_unknown', 'S3 did not say whether an object was put'],
    [timeout, 'outcome_unknown', 'S3 did not say whether an object was put'],
    [answered('AccessDenied', 403), 'unavailable', 'S3 refused a request: AccessDenied'],
    [answered('NoSuchBucket', 404), 'unavailable', 'S3 refused a request: NoSuchBucket'],
    [answered('InvalidBucketState', 409), 'unavailable', 'S3 refused a request: InvalidBucketState'],
  ])('comes to what %s means', async (cause, code, message) => {
    s3.on(PutObjectCommand).rejects(cause);
    await expect(open().put(KEY, BYTES)).rejects.toMatchObject({ code, message, cause });
    await expect(open().replace(KEY, BYTES)).rejects.toMatchObject({ code, message, cause });
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(2);
  });
});

describe('a read', () => {
  it.each([answered('NoSuchKey', 404), answered('NoSuchVersion', 404), answered('MethodNotAllowed', 405)])(
    'finds nothing where S3 says %s',
    async (cause) => {
      s3.on(GetObjectCommand).rejects(cause);
      expect(await open().getVersion(KEY, 'v1')).toBeUndefined();
    },
  );

  it.each([
    [answered('SlowDown', 503), 'throttled', 'S3 is busy'],
    [answered('InternalError', 500), 'unavailable', 'S3 did not answer'],
    [timeout, 'unavailable', 'S3 did not answer'],
    // An archive that may not be read is not an empty one.
    [answered('AccessDenied', 403), 'unavailable', 'S3 refused a request: AccessDenied'],
    [answered('NoSuchBucket', 404), 'unavailable', 'S3 refused a request: NoSuchBucket'],
  ])('comes to what %s means', async (cause, code, message) => {
    s3.onAnyCommand().rejects(cause);
    const failure = { code, message, cause };
    await expect(open().get(KEY)).rejects.toMatchObject(failure);
    await expect(open().getVersion(KEY, 'v1')).rejects.toMatchObject(failure);
    await expect(Array.fromAsync(open().list(''))).rejects.toMatchObject(failure);
    await expect(Array.fromAsync(open().versions(''))).rejects.toMatchObject(failure);
  });

  it('whose bytes stop coming is unavailable, not short', async () => {
    s3.on(GetObjectCommand).resolves(body(() => Promise.reject(timeout)));
    await expect(open().get(KEY)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'S3 did not answer',
      cause: timeout,
    });
  });
});

describe('the versions of a bucket', () => {
  const second = new Date(Date.UTC(2026, 10, 21));
  const entry = (Key: string, VersionId: string, IsLatest: boolean) => ({
    ...{ Key, VersionId, IsLatest, LastModified: second, Size: 3 },
  });

  it('come page by page from where the last one ended', async () => {
    s3.on(ListObjectVersionsCommand)
      .resolvesOnce({
        ...{ IsTruncated: true, NextKeyMarker: 'a', NextVersionIdMarker: 'v2' },
        Versions: [entry('a', 'v2', true)],
      })
      .resolves({ IsTruncated: false, Versions: [entry('a', 'v1', false)] });
    const versions = await Array.fromAsync(open().versions(''));
    expect(versions.map(({ version }) => version)).toEqual(['v2', 'v1']);
    expect(s3.commandCalls(ListObjectVersionsCommand)[1]?.args[0].input).toEqual({
      ...{ Bucket: 'archive', Prefix: '', EncodingType: 'url', KeyMarker: 'a', VersionIdMarker: 'v2' },
    });
  });

  it('of one second: the latest in front, and a marker never in the place of the oldest', async () => {
    s3.on(ListObjectVersionsCommand).resolves({
      Versions: [entry('a', 'put again', true), entry('a', 'put', false), entry('b', 'put', false)],
      DeleteMarkers: [entry('a', 'hidden', false), entry('b', 'hidden', true)],
    });
    const versions = await Array.fromAsync(open().versions(''));
    expect(versions.map(({ key, version, size }) => [key, version, size])).toEqual([
      ['a', 'put again', 3],
      ['a', 'hidden', 0],
      ['a', 'put', 3],
      ['b', 'hidden', 0],
      ['b', 'put', 3],
    ]);
  });

  it('are listed by the bytes of their keys, under the prefix of the archive', async () => {
    s3.on(ListObjectsV2Command).resolves({ Contents: [{ Key: 'logs/one/a', Size: 1 }] });
    const objects = new S3Objects({ client: new S3Client({}), bucket: 'archive', prefix: 'logs/one' });
    expect(await Array.fromAsync(objects.list('', { after: '0' }))).toEqual([{ key: 'a', size: 1 }]);
    expect(s3.commandCalls(ListObjectsV2Command)[0]?.args[0].input).toEqual({
      ...{ Bucket: 'archive', Prefix: 'logs/one/', EncodingType: 'url', StartAfter: 'logs/one/0' },
    });
  });
});
