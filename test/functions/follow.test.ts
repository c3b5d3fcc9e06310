import type { DynamoDBRecord, SQSRecord } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, onTestFinished, vi } from 'vitest';
import { streamRecords, wakesOf } from '../../functions/stream-changes.ts';
import { logger, metrics } from '../../functions/telemetry.ts';
import { TrailFollowing } from '../../functions/trail-following.ts';
import { followList, verifyList } from '../../functions/work-lists.ts';
import { readWatermark } from '../../lib/ledger/items/watermark.ts';
import { append, type Deployed, deploy } from './deployed.ts';

/** A stream record as Lambda gets it (DynamoDB developer guide, "Reading and processing a stream"). */
const record = (partition: string, SequenceNumber: string): DynamoDBRecord => ({
  eventID: `id-${SequenceNumber}`,
  eventName: 'MODIFY',
  eventVersion: '1.1',
  eventSource: 'aws:dynamodb',
  awsRegion: 'eu-central-1',
  dynamodb: {
    ApproximateCreationDateTime: 1_795_240_800,
    Keys: { partition: { S: partition }, sort: { S: 'head' } },
    SequenceNumber,
    SizeBytes: 300,
    StreamViewType: 'NEW_AND_OLD_IMAGES',
  },
  eventSourceARN: 'arn:aws:dynamodb:eu-central-1:111122223333:table/Audit/stream/2026-11-21T00:00:00.000',
});

/** A message as Lambda gets it (Lambda developer guide, "Using Lambda with Amazon SQS"). */
const message: SQSRecord = {
  messageId: '059f36b4-87a3-44ab-83d2-661975830a7d',
  receiptHandle: 'AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...',
  body: '{}',
  attributes: {
    ApproximateReceiveCount: '1',
    SentTimestamp: '1795240800000',
    SenderId: 'AIDAIENQZJOLO23YVJ4VO',
    ApproximateFirstReceiveTimestamp: '1795240830000',
  },
  messageAttributes: {},
  md5OfBody: '99914b932bd37a50b983c5e7c90ae93b',
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:eu-central-1:111122223333:HalfwaySweep',
  awsRegion: 'eu-central-1',
};

const FOREVER = new AbortController().signal;

let deployed: Deployed;
let following: TrailFollowing;
let count: MockInstance;
beforeEach(async () => {
  vi.spyOn(logger, 'info').mockImplementation(() => undefined);
  vi.spyOn(logger, 'warn').mockImplementation(() => undefined);
  vi.spyOn(logger, 'error').mockImplementation(() => undefined);
  count = vi.spyOn(metrics, 'addMetric').mockImplementation(() => metrics);
  deployed = await deploy();
  following = new TrailFollowing(deployed.log);
});
afterEach(() => vi.restoreAllMocks());

const counted = (name: string): unknown[] => count.mock.calls.filter(([of]) => of === name).map(([, , value]) => value);

describe('what a batch of stream records wakes', () => {
  it('is each trail whose head moved, once, from its first record on', () => {
    const records = [record('head/orders', '1'), record('head/payments', '2'), record('head/orders', '3')];
    expect([...wakesOf(records)]).toEqual([
      ['orders', '1'],
      ['payments', '2'],
    ]);
  });

  it('is nothing for what followers write themselves, and for what has no key', () => {
    const bare: DynamoDBRecord = { eventID: 'id-9', eventName: 'INSERT' };
    expect([...wakesOf([record('follower/orders', '1'), record('postings/orders/0', '2'), bare])]).toEqual([]);
  });
});

describe('following a batch', () => {
  it('signs a head that its append could not sign', async () => {
    deployed.signer.failures = [new Error('KMS is away')];
    await deployed.call(append('orders'));
    expect(await deployed.log.ledger.checkpoint('orders')).toBeUndefined();
    expect(await following.batch([record('head/orders', '1')], FOREVER)).toEqual({ batchItemFailures: [] });
    expect((await deployed.log.ledger.checkpoint('orders'))?.size).toBe(1);
    expect(counted('Unsealed')).toEqual([1]);
  });

  it('asks only for what failed again, and does the rest', async () => {
    for (const trail of ['orders', 'payments']) {
      deployed.signer.failures = [new Error('KMS is away')];
      await deployed.call(append(trail));
    }
    const { ledger } = deployed.log;
    const seal = ledger.seal.bind(ledger);
    vi.spyOn(ledger, 'seal').mockImplementation((trail) =>
      trail === 'payments' ? Promise.reject(new Error('KMS is still away')) : seal(trail),
    );
    const records = [record('head/payments', '7'), record('head/orders', '8'), record('head/payments', '9')];
    expect(await following.batch(records, FOREVER)).toEqual({ batchItemFailures: [{ itemIdentifier: '7' }] });
    expect((await ledger.checkpoint('orders'))?.size).toBe(1);
    expect(counted('FollowerFailures')).toEqual([1]);
  });

  it('leaves to a later one what time is not left for', async () => {
    await deployed.call(append('orders'));
    const answer = await following.batch([record('head/orders', '4')], AbortSignal.abort());
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '4' }] });
  });
});

describe('the index', () => {
  it('takes records by the thousand, as a few at a time cost most, or those that have waited for an hour', async () => {
    const indexed = async () => (await readWatermark(deployed.table, 'orders', 'indexer')).size;
    const send = async (events: number) => {
      await deployed.call(append('orders', { events: Array.from({ length: events }, () => ({ type: 'order.paid' })) }));
      await following.batch([record('head/orders', '1')], FOREVER);
    };
    await send(1000);
    expect(await indexed()).toBe(0);
    await send(24);
    expect(await indexed()).toBe(1024);
    await send(1);
    expect(await indexed()).toBe(1024);
    await following.sweep(FOREVER);
    expect(await indexed()).toBe(1024);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    onTestFinished(() => void vi.useRealTimers());
    await new TrailFollowing(deployed.log).sweep(FOREVER);
    expect(await indexed()).toBe(1025);
  });
});

describe('a sweep', () => {
  it('is what a message starts, as the schedule does; changes come from the stream alone', () => {
    expect(streamRecords({ Records: [message] })).toBeUndefined();
    const change = record('head/orders', '1');
    expect(streamRecords({ Records: [change] })).toEqual([change]);
  });

  it('archives all that waits, though no stream record ever came, and says how long anything waited', async () => {
    await deployed.call(append('orders'));
    await deployed.call(append('payments'));
    await following.sweep(FOREVER);
    for (const trail of ['orders', 'payments']) {
      expect(await deployed.log.archiver.status(trail)).toMatchObject({ size: 1, archived: 1, lagMs: 0 });
    }
    expect(counted('ArchiveLag')).toEqual([expect.any(Number)]);
  });

  it('raises the alarm over an object that someone else put in the way, and archives the other trails', async () => {
    await deployed.call(append('orders'));
    await deployed.call(append('payments'));
    await deployed.objects.put('orders/checkpoints/1', Buffer.from('not what the log would write'));
    await expect(following.sweep(FOREVER)).rejects.toMatchObject({
      code: 'unavailable',
      message: '1 trails could not be followed',
    });
    expect(counted('Tampering')).toEqual([1]);
    expect(await deployed.log.archiver.status('payments')).toMatchObject({ archived: 1 });
  });
});

describe('a trail with work', () => {
  const due = async (by = Date.now() + 120_000) =>
    (await followList(deployed.table).all()).filter(({ dueAt }) => dueAt <= by).map(({ trail }) => trail);

  it('is on the list from the commit that woke the follower until all of it is done', async () => {
    await following.sweep(FOREVER);
    await deployed.call(append('orders'));
    expect(await due()).toEqual([]); // the append paid nothing for it
    await following.batch([record('head/orders', '1')], FOREVER);
    expect(await due()).toContain('orders');
    await following.sweep(FOREVER);
    // What waits to be indexed with more is due much later.
    expect(await due()).not.toContain('orders');
    expect(await deployed.log.archiver.status('orders')).toMatchObject({ archived: 1 });
    expect(await verifyList(deployed.table).find('orders')).toBeDefined();
  });

  it('that rests costs a sweep nothing', async () => {
    for (let trail = 0; trail < 5; trail++) await deployed.call(append(`rests-${trail}`));
    for (let sweeps = 0; sweeps < 3; sweeps++) await following.sweep(FOREVER);
    const { calls } = deployed.table.faults;
    const before = calls.length;
    await following.sweep(FOREVER);
    const touched = calls
      .slice(before)
      .map((call) => JSON.stringify(call))
      .join('\n');
    expect(touched).not.toContain('rests-');
  });

  it('is found by the pass of the next day when every record of the stream was lost', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    deployed = await deploy(); // by that clock
    following = new TrailFollowing(deployed.log);
    await following.sweep(FOREVER);
    await deployed.call(append('orders'));
    await following.sweep(FOREVER);
    expect(await deployed.log.archiver.status('orders')).toMatchObject({ archived: 0 });
    vi.setSystemTime(Date.now() + 86_400_000);
    await following.sweep(FOREVER);
    expect(await deployed.log.archiver.status('orders')).toMatchObject({ archived: 1 });
    // And having learned that wake-ups get lost, the sweeps look everywhere until they find nothing more.
    await deployed.call(append('payments'));
    await following.sweep(FOREVER);
    expect(await deployed.log.archiver.status('payments')).toMatchObject({ archived: 1 });
  });
});

describe('a sweep of a log that is archived late on purpose', () => {
  it('leaves records to wait for more, signed, and archives them when their time has come', async () => {
    const { log } = deployed;
    await deployed.call(append('orders'));
    const archived = async () => (await Array.fromAsync(log.objects.list('orders/records/'))).length;
    await new TrailFollowing(log, { archiveDelayMs: 3_600_000 }).sweep(FOREVER);
    expect(await archived()).toBe(0);
    await new TrailFollowing(log, { archiveDelayMs: 1 }).sweep(FOREVER);
    expect(await archived()).toBe(1);
  });
});
