import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { s3Client } from '../../../lib/store/aws-clients.ts';
import { S3Downloads } from '../../../lib/store/s3/downloads.ts';

/** What S3 answers to a conditional write of a key that is taken. */
const TAKEN = new S3ServiceException({
  name: 'PreconditionFailed',
  $fault: 'client',
  $metadata: { httpStatusCode: 412 },
});

function bucket() {
  const client = s3Client({ region: 'eu-central-1', credentials: { accessKeyId: 'AKIA', secretAccessKey: 'secret' } });
  const s3 = mockClient(client);
  s3.on(CreateMultipartUploadCommand).resolves({ UploadId: 'u' });
  s3.on(UploadPartCommand).callsFake(({ PartNumber }) => ({ ETag: `part ${PartNumber}` }));
  s3.on(CompleteMultipartUploadCommand).resolves({});
  return { s3, downloads: new S3Downloads({ client, bucket: 'exports' }) };
}

describe('a long file in S3', () => {
  it('is sent in parts of 8 MiB, and seen when all are there', async () => {
    const { s3, downloads } = bucket();
    const writer = await downloads.create('a/b');
    for (let n = 0; n < 20; n++) await writer.write(Buffer.alloc(1_000_000, n));
    expect(s3.commandCalls(CompleteMultipartUploadCommand)).toHaveLength(0);
    await writer.finish();
    const sizes = s3
      .commandCalls(UploadPartCommand)
      .map(({ args }) => Buffer.from(args[0].input.Body as Buffer).length);
    expect(sizes).toEqual([8_388_608, 8_388_608, 20_000_000 - 2 * 8_388_608]);
    expect(s3.commandCalls(CompleteMultipartUploadCommand)[0]?.args[0].input).toMatchObject({
      UploadId: 'u',
      IfNoneMatch: '*',
      MultipartUpload: { Parts: [{ PartNumber: 1 }, { PartNumber: 2 }, { ETag: 'part 3', PartNumber: 3 }] },
    });
  });

  it('that is given up takes its parts with it', async () => {
    const { s3, downloads } = bucket();
    const writer = await downloads.create('a/b');
    await writer.write(Buffer.alloc(9_000_000));
    await writer.abandon();
    await writer.abandon();
    expect(s3.commandCalls(AbortMultipartUploadCommand)).toHaveLength(1);
  });
});

describe.each([
  ['short', 3],
  ['long', 9_000_000],
])('the end of a %s file whose key is taken', (_, length) => {
  async function finish(writer: 'itself' | 'another'): Promise<void> {
    const { s3, downloads } = bucket();
    s3.on(PutObjectCommand).rejects(TAKEN);
    s3.on(CompleteMultipartUploadCommand).rejects(TAKEN);
    s3.on(GetObjectCommand).callsFake(() => {
      const [begun] = [...s3.commandCalls(CreateMultipartUploadCommand), ...s3.commandCalls(PutObjectCommand)];
      return { Metadata: writer === 'itself' ? begun?.args[0].input.Metadata : { writer } };
    });
    const file = await downloads.create('a/b');
    await file.write(Buffer.alloc(length));
    return file.finish();
  }

  it('by itself, since the first answer was lost and the SDK sent the request again, is success', async () => {
    await expect(finish('itself')).resolves.toBeUndefined();
  });

  it('by another is a refusal', async () => {
    await expect(finish('another')).rejects.toMatchObject({ code: 'object_differs' });
  });
});
