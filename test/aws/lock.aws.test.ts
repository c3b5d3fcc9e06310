import { randomUUID } from 'node:crypto';
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { s3Client } from '../../lib/store/aws-clients.ts';
import type { ObjectVersion } from '../../lib/store/ports.ts';
import { S3Objects } from '../../lib/store/s3/objects.ts';
import { createBucket } from './resources.ts';

/** What Object Lock keeps, and what it does not: it protects versions, not keys. Over a real wire. */

const bucket = `lock-${randomUUID()}`;
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
const textOf = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString());
let client: S3Client;
const opened = (lock: 'compliance' | 'governance') => new S3Objects({ client, bucket, lock });

beforeAll(async () => {
  await createBucket(bucket);
  client = s3Client();
});
afterAll(() => client.destroy());

/** The versions of a key, newest first. */
const versionsOf = (key: string): Promise<ObjectVersion[]> => Array.fromAsync(opened('governance').versions(key));

describe.each(['compliance', 'governance'] as const)('an object that is put with a retention, in %s mode', (lock) => {
  // S3 keeps whole seconds.
  const until = Math.ceil(Date.now() / 1000) * 1000 + 3_600_000;
  const key = `${lock}/records/0-9`;
  let version: string;
  beforeAll(async () => {
    await opened(lock).put(key, bytesOf('sealed'), { until });
    version = (await versionsOf(key))[0]?.version ?? '';
  });
  const head = () => client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, VersionId: version }));

  it('is locked in that mode until that date', async () => {
    expect(await head()).toMatchObject({
      ...{ ObjectLockMode: lock.toUpperCase(), ObjectLockRetainUntilDate: new Date(until) },
    });
  });

  it('cannot be removed, and its lock cannot be shortened', async () => {
    const denied = { name: 'AccessDenied' };
    const target = { Bucket: bucket, Key: key, VersionId: version };
    await expect(client.send(new DeleteObjectCommand(target))).rejects.toMatchObject(denied);
    const Mode = lock === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE';
    const Retention = { Mode, RetainUntilDate: new Date(until - 1_800_000) } as const;
    await expect(client.send(new PutObjectRetentionCommand({ ...target, Retention }))).rejects.toMatchObject(denied);
    expect(textOf(await opened(lock).getVersion(key, version))).toBe('sealed');
    expect((await head()).ObjectLockRetainUntilDate).toEqual(new Date(until));
  });
});

it('an object may be put in another mode than the others', async () => {
  const key = 'debug/records/0-9';
  await opened('compliance').put(key, bytesOf('sealed'), { until: Date.now() + 3_600_000, mode: 'governance' });
  const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
  expect(head.ObjectLockMode).toBe('GOVERNANCE');
});

describe('an object under legal hold', () => {
  const key = 'held/records/0-9';
  it('cannot be removed though it was never locked, until it is released', async () => {
    const objects = opened('governance');
    await objects.put(key, bytesOf('sealed'), { isHeld: true });
    const version = (await versionsOf(key))[0]?.version ?? '';
    const remove = () => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: version }));
    await expect(remove()).rejects.toMatchObject({ name: 'AccessDenied' });
    await objects.hold(key, version, false);
    await remove();
    expect(await versionsOf(key)).toEqual([]);
  });
});

describe('what stands over a locked object', () => {
  const locked = () => ({ until: Date.now() + 3_600_000 });

  it('is a version of its own, and the first one stays readable', async () => {
    const objects = opened('governance');
    await objects.put('shadow/checkpoint', bytesOf('first'), locked());
    await objects.replace('shadow/checkpoint', bytesOf('other'), locked());
    expect(textOf(await objects.get('shadow/checkpoint'))).toBe('other');
    const versions = await versionsOf('shadow/checkpoint');
    const texts = await Promise.all(versions.map(({ key, version }) => objects.getVersion(key, version)));
    expect(texts.map(textOf)).toEqual(['other', 'first']);
    expect(versions.map(({ isLatest, isDeleteMarker }) => [isLatest, isDeleteMarker])).toEqual([
      [true, false],
      [false, false],
    ]);
  });

  it('may be a delete marker: the key reads as free, the marker shows, the bytes are still there', async () => {
    const objects = opened('governance');
    const key = 'shadow/records/0-9';
    await objects.put(key, bytesOf('sealed'), locked());
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    expect(await objects.get(key)).toBeUndefined();
    expect(await Array.fromAsync(objects.list(key))).toEqual([]);
    const [marker, first, ...others] = await versionsOf(key);
    expect(marker).toMatchObject({ key, isDeleteMarker: true, isLatest: true, size: 0 });
    expect(first).toMatchObject({ key, isDeleteMarker: false, isLatest: false, size: 6 });
    expect(others).toEqual([]);
    expect(await objects.getVersion(key, marker?.version ?? '')).toBeUndefined();
    expect(textOf(await objects.getVersion(key, first?.version ?? ''))).toBe('sealed');
  });

  it('may be put by the driver itself where a marker hides the rest, and all three are listed', async () => {
    const objects = opened('governance');
    const key = 'shadow/tile/0/000';
    await objects.put(key, bytesOf('sealed'), locked());
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    expect(await objects.put(key, bytesOf('again'), locked())).toBe('created');
    const versions = await versionsOf(key);
    const seen = await Promise.all(
      versions.map(async ({ version, isDeleteMarker }) =>
        isDeleteMarker ? 'marker' : textOf(await objects.getVersion(key, version)),
      ),
    );
    expect(seen).toEqual(['again', 'marker', 'sealed']);
  });
});

describe('names that someone else chose', () => {
  it.each(['a b', 'a+b', 'a%2fb', '<a>&amp;', 'é', '\u0001', 'a\nb'])('are listed as they are: %j', async (name) => {
    const key = `foreign/${randomUUID()}/${name}`;
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'x' }));
    const prefix = key.slice(0, -name.length);
    expect(await Array.fromAsync(opened('governance').list(prefix))).toEqual([{ key, size: 1 }]);
    expect(await versionsOf(prefix)).toMatchObject([{ key, size: 1, isLatest: true }]);
  });
});
