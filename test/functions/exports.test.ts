import { PutObjectCommand } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { exportsIn, requestedExport } from '../../functions/wiring.ts';
import { Indexer } from '../../lib/followers/indexing/indexer.ts';
import { isSystemTrailName, isTrailName } from '../../lib/log/trail-name.ts';
import { s3Client } from '../../lib/store/aws-clients.ts';
import { S3Downloads } from '../../lib/store/s3/downloads.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { filesOf } from '../support/index-files.ts';
import { wired } from './deployed.ts';

/** An export in AWS: an object asks for it, parts make it, a presigned URL hands it out. */

const CREDENTIALS = { accessKeyId: 'AKIA', secretAccessKey: 'secret' };
const asker = { name: 'arn:aws:iam::1:role/auditor' };

async function deployed() {
  const client = s3Client({ region: 'eu-central-1', credentials: CREDENTIALS });
  const s3 = mockClient(client);
  s3.on(PutObjectCommand).resolves({});
  const table = new MemoryTable();
  const stores = { table, signers: [new MemorySigner()], objects: new MemoryObjects() };
  const log = wired(stores);
  const json = (n: number) => `{"actor":{"id":"ann"},"id":"e-${n}","severity":"info","type":"data.read"}`;
  const events = Array.from({ length: 20 }, (_, n) => ({ id: `e-${n}`, json: json(n) }));
  await log.ledger.append({ trail: 'orders', submitter: 'shop', events });
  await new Indexer({ table, files: filesOf(table) }).run('orders', { force: true });
  return { s3, exports: await exportsIn(log, new S3Downloads({ client, bucket: 'exports' })) };
}

describe('an export in AWS', () => {
  it('is asked for by an object, which names it to anyone who is woken', async () => {
    const { s3, exports } = await deployed();
    const { id } = await exports.request('orders', { format: 'csv', compression: 'none', filters: {} }, asker);
    const [put] = s3.commandCalls(PutObjectCommand);
    expect(put?.args[0].input).toMatchObject({ Bucket: 'exports', Key: `.requests/orders/${id}` });
    expect(requestedExport({ object: { key: `.requests/orders/${id}` } })).toEqual({ trail: 'orders', id });
    expect(requestedExport({ object: { key: `.requests/_system/${id}` } })).toEqual({ trail: '_system', id });
  });

  it('is told apart from what was exported of a trail called requests', () => {
    expect(() => requestedExport({ object: { key: `requests/${'0'.repeat(32)}/1/file` } })).toThrow(RangeError);
    // The rule that wakes the function matches this prefix, and no name of a trail begins with it.
    expect(isTrailName('.requests')).toBe(false);
    expect(isSystemTrailName('.requests')).toBe(false);
  });

  it.each(['.requests/', '.requests/orders/x', `orders/${'0'.repeat(32)}`, `.requests/a/b/${'0'.repeat(32)}`])(
    'is not asked for by %s',
    (key) => {
      expect(() => requestedExport({ object: { key } })).toThrow(RangeError);
    },
  );

  it('is put in its bucket, and linked to for a quarter of an hour under a name of its own', async () => {
    const { s3, exports } = await deployed();
    const { id } = await exports.request('orders', { format: 'csv', compression: 'none', filters: {} }, asker);
    await exports.run('orders', id, { until: Date.now() + 60_000 });
    const job = await exports.get('orders', id);
    expect(job).toMatchObject({ state: 'done', manifest: { records: 20 } });
    expect(s3.commandCalls(PutObjectCommand).at(-1)?.args[0].input).toMatchObject({ Key: `orders/${id}/1/file` });
    const url = new URL((job && (await exports.links(job)))?.file ?? '');
    expect(url.host).toBe('exports.s3.eu-central-1.amazonaws.com');
    expect(url.pathname).toBe(`/orders/${id}/1/file`);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      'X-Amz-Expires': '900',
      'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
      'response-content-disposition': `attachment; filename="orders-${id}.csv"`,
    });
  });

  it('that takes longer than a function may run says so, and is not begun again', async () => {
    const { exports } = await deployed();
    const { id } = await exports.request('orders', { format: 'csv', compression: 'none', filters: {} }, asker);
    await exports.run('orders', id, { until: 0 });
    expect(await exports.get('orders', id)).toMatchObject({
      state: 'failed',
      error: { code: 'batch_too_large', message: expect.stringContaining('ask for a shorter period') },
    });
  });
});
