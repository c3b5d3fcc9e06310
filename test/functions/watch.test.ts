import type { AttributeValue, DynamoDBRecord } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { logger, metrics } from '../../functions/telemetry.ts';
import { TrailFollowing } from '../../functions/trail-following.ts';
import { blockKey, headKey } from '../../lib/ledger/items/layout.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import type { Key } from '../../lib/store/ports.ts';
import { append, type Deployed, deploy } from './deployed.ts';

type Image = Record<string, AttributeValue>;

/** A stream record with both images, as Lambda gets it: binary values in base64. */
function streamed(
  eventName: 'MODIFY' | 'REMOVE',
  { partition, sort }: Key,
  images: { before: Image; after?: Image },
  principalId?: string,
): DynamoDBRecord {
  const keys = { partition: { S: partition }, sort: { S: sort } };
  return {
    eventID: 'c4ca4238a0b923820dcc509a6f75849b',
    eventName,
    eventSource: 'aws:dynamodb',
    dynamodb: {
      Keys: keys,
      OldImage: { ...keys, ...images.before },
      ...(images.after === undefined ? {} : { NewImage: { ...keys, ...images.after } }),
      SequenceNumber: '4421584500000000017450439091',
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    },
    ...(principalId === undefined ? {} : { userIdentity: { type: 'Service', principalId } }),
  };
}

const BLOCK = blockKey('orders', 0);
const BODY = { B: 'c2VhbGVk' };
const REMOVAL = streamed('REMOVE', BLOCK, { before: { _body: BODY } });
const FOREVER = new AbortController().signal;

let deployed: Deployed;
let following: TrailFollowing;
let count: MockInstance;
beforeEach(async () => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(logger, level).mockImplementation(() => undefined);
  count = vi.spyOn(metrics, 'addMetric').mockImplementation(() => metrics);
  deployed = await deploy();
  following = new TrailFollowing(deployed.log, { indexDelayMs: 0 });
  await deployed.call(append('orders'));
});
afterEach(() => vi.restoreAllMocks());

const alarms = (): number => count.mock.calls.filter(([name]) => name === 'Tampering').length;
async function systemRecords(): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const { lines } of deployed.log.ledger.blocks('_system', { from: 0, to: 100 })) {
    found.push(...lines.map((line) => JSON.parse(line)));
  }
  return found;
}

describe('the watchman', () => {
  it('raises the alarm over a block that is removed, and seals what was found into the trail _system', async () => {
    expect(await following.batch([REMOVAL], FOREVER)).toEqual({ batchItemFailures: [] });
    expect(alarms()).toBe(1);
    expect(await systemRecords()).toMatchObject([
      {
        submitter: 'sealtrail:watchman',
        event: {
          type: 'security.alert',
          severity: 'critical',
          resource: { type: 'ledger.block', id: `${BLOCK.partition}/${BLOCK.sort}` },
          description: 'a block of trail orders was removed',
        },
      },
    ]);
    expect((await deployed.log.ledger.checkpoint('_system'))?.size).toBe(1);
  });

  it('records one change once, however often the stream tells of it', async () => {
    await following.batch([REMOVAL], FOREVER);
    await following.batch([REMOVAL, REMOVAL], FOREVER);
    expect(await systemRecords()).toHaveLength(1);
  });

  it('sees which bytes were changed, but shows none of them', async () => {
    const edited = streamed('MODIFY', BLOCK, { before: { _body: BODY }, after: { _body: { B: 'Zm9yZ2Vk' } } });
    await following.batch([edited], FOREVER);
    const [found] = await systemRecords();
    expect(found).toMatchObject({ event: { description: 'a block of trail orders was changed: body' } });
    expect(JSON.stringify(found)).not.toMatch(/c2VhbGVk|Zm9yZ2Vk/);
  });

  it('lets pass what the log itself does: a commit', async () => {
    const commit = streamed('MODIFY', headKey('orders'), {
      before: { _size: { N: '9' } },
      after: { _size: { N: '10' } },
    });
    await following.batch([commit], FOREVER);
    expect(alarms()).toBe(0);
    expect(await systemRecords()).toEqual([]);
  });

  it('lets pass a stamp and what has expired where the archive has it and the log has set that time, and no other', async () => {
    const events = Array.from({ length: 255 }, () => ({ type: 'data.update' }));
    await deployed.call(append('orders', { events }));
    await following.sweep(FOREVER);
    const stamped = async (seq: number) => (await deployed.table.get(blockKey('orders', seq)))?.expiresAt;
    const expiresAt = await stamped(1);
    expect(expiresAt).toBeDefined();
    const stampOf = (seq: number, at: unknown) => {
      const stamp = { expiresAt: { N: String(at) } };
      return [
        streamed('MODIFY', blockKey('orders', seq), { before: { _body: BODY }, after: { _body: BODY, ...stamp } }),
        streamed('REMOVE', blockKey('orders', seq), { before: { _body: BODY, ...stamp } }, 'dynamodb.amazonaws.com'),
      ];
    };
    await following.batch([...stampOf(0, await stamped(0)), ...stampOf(1, expiresAt)], FOREVER);
    expect(alarms()).toBe(0);
    // Another time; a block that the archive has only in part; one that the store removed without a time.
    await deployed.call(append('orders'));
    const unmarked = streamed('REMOVE', BLOCK, { before: { _body: BODY } }, 'dynamodb.amazonaws.com');
    await following.batch([...stampOf(1, 1_795_240_800), ...stampOf(256, expiresAt), unmarked], FOREVER);
    expect(alarms()).toBe(5);
  });

  it('is not taken in by someone else who removes and calls himself a service', async () => {
    await following.batch([streamed('REMOVE', BLOCK, { before: { _body: BODY } }, 'lambda.amazonaws.com')], FOREVER);
    expect(alarms()).toBe(1);
  });

  it('raises the alarm even when it cannot record it, and asks for the change again', async () => {
    const busy = new SealtrailError('throttled', 'DynamoDB is busy');
    vi.spyOn(deployed.log.ledger, 'append').mockRejectedValue(busy);
    const answer = await following.batch([REMOVAL], FOREVER);
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: '4421584500000000017450439091' }]);
    expect(alarms()).toBe(1);
  });
});
