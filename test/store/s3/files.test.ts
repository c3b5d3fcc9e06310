import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { S3Files } from '../../../lib/store/s3/files.ts';

/** What an emulator does not answer with: a missing file is an answer, and everything else an error that says what it means. */

const s3 = mockClient(S3Client);
const open = () => new S3Files({ client: new S3Client({}), bucket: 'index' });
const KEY = 'orders/0-4096.0123456789abcdef';

function answered(name: string, httpStatusCode: number): S3ServiceException {
  const $fault = httpStatusCode < 500 ? 'client' : 'server';
  return new S3ServiceException({ name, message: 'as it says', $fault, $metadata: { httpStatusCode } });
}
/** An answer whose bytes come so. The driver takes no more of a body than this one method. */
const body = (transformToByteArray: () => Promise<Uint8Array>) =>
  ({ Body: { transformToByteArray } }) as unknown as GetObjectCommandOutput;
const timeout = Object.assign(new Error('no answer in 20000 ms'), { name: 'TimeoutError' });

beforeEach(() => {
  s3.reset();
});

describe('a read of a range', () => {
  it('asks for the bytes by their places, the last one included', async () => {
    s3.on(GetObjectCommand).resolves(body(async () => Buffer.from('range')));
    expect(await open().read(KEY, 100, 5)).toEqual(Buffer.from('range'));
    const { Bucket, Key, Range } = s3.commandCalls(GetObjectCommand)[0]?.args[0].input ?? expect.fail();
    expect({ Bucket, Key, Range }).toEqual({ Bucket: 'index', Key: KEY, Range: 'bytes=100-104' });
  });

  it('finds no file where S3 has none, and no bytes beyond the end of one', async () => {
    s3.on(GetObjectCommand)
      .rejectsOnce(answered('NoSuchKey', 404))
      .rejectsOnce(answered('InvalidRange', 416))
      .resolvesOnce({});
    expect(await open().read(KEY, 0, 5)).toBeUndefined();
    expect(await open().read(KEY, 1000, 5)).toHaveLength(0);
    expect(await open().read(KEY, 0, 5)).toHaveLength(0);
  });

  it.each([
    [answered('SlowDown', 503), 'throttled', 'S3 is busy'],
    [answered('InternalError', 500), 'unavailable', 'S3 did not answer'],
    [timeout, 'unavailable', 'S3 did not answer'],
    // A file that may not be read is not a file that is gone: that would have the index made anew.
    [answered('AccessDenied', 403), 'unavailable', 'S3 refused a request: AccessDenied'],
    [answered('NoSuchBucket', 404), 'unavailable', 'S3 refused a request: NoSuchBucket'],
  ])('and a listing come to what %s means', async (cause, code, message) => {
    s3.onAnyCommand().rejects(cause);
    await expect(open().read(KEY, 0, 5)).rejects.toMatchObject({ code, message, cause });
    await expect(Array.fromAsync(open().list('orders/'))).rejects.toMatchObject({ code, message, cause });
  });

  it('whose answer breaks off is an error, not fewer bytes', async () => {
    const cause = new Error('aborted');
    s3.on(GetObjectCommand).resolves(body(() => Promise.reject(cause)));
    await expect(open().read(KEY, 0, 5)).rejects.toMatchObject({ code: 'unavailable', cause });
  });
});

describe('a change', () => {
  it('of which S3 does not say whether it was made is not called undone', async () => {
    s3.onAnyCommand().rejects(timeout);
    await expect(open().remove(KEY)).rejects.toMatchObject({ code: 'outcome_unknown', cause: timeout });
    const file = await open().create(KEY);
    await file.write(Buffer.from('few bytes'));
    await expect(file.finish()).rejects.toMatchObject({ code: 'outcome_unknown', cause: timeout });
    await file.abandon();
  });

  it('that S3 refuses is unavailable, and a file of several parts is then none', async () => {
    s3.onAnyCommand().rejects(answered('AccessDenied', 403));
    const file = await open().create(KEY);
    await expect(file.write(Buffer.alloc(9_000_000))).rejects.toMatchObject({ code: 'unavailable' });
    await file.abandon();
    expect(s3.commandCalls(CreateMultipartUploadCommand)).toHaveLength(1);
    await expect(open().remove(KEY)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('takes the place of what was there: no condition is sent, and a removal names one key', async () => {
    s3.on(PutObjectCommand).resolves({});
    s3.on(DeleteObjectCommand).resolves({});
    const file = await open().create(KEY);
    await file.write(Buffer.from('few bytes'));
    await file.finish();
    expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input).not.toHaveProperty('IfNoneMatch');
    await open().remove(KEY);
    expect(s3.commandCalls(DeleteObjectCommand)[0]?.args[0].input).toEqual({ Bucket: 'index', Key: KEY });
  });
});

it('a listing goes on where S3 says that there is more', async () => {
  s3.on(ListObjectsV2Command)
    .resolvesOnce({ Contents: [{ Key: 'orders/a', Size: 3 }], NextContinuationToken: 'next' })
    .resolvesOnce({ Contents: [{ Key: 'orders/b', Size: 4 }] });
  expect(await Array.fromAsync(open().list('orders/'))).toEqual([
    { key: 'orders/a', size: 3 },
    { key: 'orders/b', size: 4 },
  ]);
  expect(s3.commandCalls(ListObjectsV2Command)[1]?.args[0].input).toMatchObject({ ContinuationToken: 'next' });
});
