import { ListObjectsV2Command, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { keyReader } from '../../../lib/store/s3/keys.ts';
import { S3Objects } from '../../../lib/store/s3/objects.ts';

/** Anyone who may put objects may name them as they like. A verifier must see those names as they are. */

const s3 = mockClient(S3Client);
const open = () => new S3Objects({ client: new S3Client({}), bucket: 'archive', prefix: 'logs' });
beforeEach(() => {
  s3.reset();
});

describe('names that someone else chose', () => {
  it.each([
    ['a+b%2Bc', 'a b+c'],
    ['%01%0D%0A', '\u0001\r\n'],
    ['%3Ca%3E%26amp%3B', '<a>&amp;'],
    ['%F0%9F%8E%89', '\u{1f389}'],
    ['%252e', '%2e'],
    ['a/b=c.d_e-f', 'a/b=c.d_e-f'],
  ])('are listed as they are: %s', async (encoded, key) => {
    const entry = { Key: `logs/${encoded}`, Size: 3, VersionId: 'v1', IsLatest: true };
    s3.on(ListObjectsV2Command).resolves({ EncodingType: 'url', Contents: [entry] });
    s3.on(ListObjectVersionsCommand).resolves({ EncodingType: 'url', Versions: [entry] });
    expect(await Array.fromAsync(open().list(''))).toEqual([{ key, size: 3 }]);
    expect(await Array.fromAsync(open().versions(''))).toMatchObject([{ key, version: 'v1' }]);
  });

  it('are what the next page begins after', async () => {
    s3.on(ListObjectVersionsCommand)
      .resolvesOnce({ EncodingType: 'url', IsTruncated: true, NextKeyMarker: 'logs/a+b%01', NextVersionIdMarker: 'v1' })
      .resolves({ EncodingType: 'url' });
    expect(await Array.fromAsync(open().versions(''))).toEqual([]);
    expect(s3.commandCalls(ListObjectVersionsCommand)[1]?.args[0].input.KeyMarker).toBe('logs/a b\u0001');
  });

  it('come through any encoding that S3 may choose', () => {
    const key = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(key, (text) => {
        expect(keyReader('url', 0)(encodeURIComponent(text))).toBe(text);
        expect(keyReader('url', 0)(new URLSearchParams([['', text]]).toString().slice(1))).toBe(text);
        expect(keyReader(undefined, 0)(text)).toBe(text);
      }),
    );
  });

  it.each(['%', '%zz', '%ff', '100%'])('must be encoded where S3 says that they are: %s', async (Key) => {
    s3.onAnyCommand().resolves({ EncodingType: 'url', Contents: [{ Key, Size: 1 }], Versions: [{ Key, Size: 1 }] });
    const corrupt = { code: 'store_corrupt', message: `S3 lists a key that is not encoded: ${JSON.stringify(Key)}` };
    await expect(Array.fromAsync(open().list(''))).rejects.toMatchObject(corrupt);
    await expect(Array.fromAsync(open().versions(''))).rejects.toMatchObject(corrupt);
  });
});
