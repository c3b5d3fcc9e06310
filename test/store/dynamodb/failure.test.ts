import {
  DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { DynamoTable } from '../../../lib/store/dynamodb/table.ts';
import type { Write } from '../../../lib/store/ports.ts';

const dynamo = mockClient(DynamoDBClient);
const open = () => new DynamoTable({ client: new DynamoDBClient({}), tableName: 'log', random: () => 0 });
const ITEM = { partition: 'p', sort: 's', attributes: { n: 1 } };
const STORED = { partition: { S: 'p' }, sort: { S: 's' }, _n: { N: '1' } };
const WRITES: Write[] = [{ put: ITEM }, { check: { partition: 'p', sort: 'other' }, when: { is: 'present' } }];

/** An error of DynamoDB's, as the SDK throws it. */
function refused(name: string, message = 'as it says'): DynamoDBServiceException {
  return new DynamoDBServiceException({ name, message, $fault: 'client', $metadata: { httpStatusCode: 400 } });
}

type Reasons = NonNullable<TransactionCanceledException['CancellationReasons']>;
function cancelled(...CancellationReasons: Reasons): TransactionCanceledException {
  return new TransactionCanceledException({ message: 'cancelled', $metadata: {}, CancellationReasons });
}

const serverError = new DynamoDBServiceException({
  ...{ name: 'InternalServerError', message: 'oh', $fault: 'server', $metadata: { httpStatusCode: 500 } },
});
const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
const timeout = Object.assign(new Error('no answer in 5000 ms'), { name: 'TimeoutError' });
const BUSY = { code: 'throttled', message: 'DynamoDB is busy', retryAfter: 1 };

const tokens = () =>
  dynamo.commandCalls(TransactWriteItemsCommand).map(({ args: [{ input }] }) => input.ClientRequestToken);

beforeEach(() => {
  dynamo.reset();
});

describe('a transaction that clashes with another', () => {
  it('is sent again under a new token, and then it is as if nothing had been', async () => {
    dynamo
      .on(TransactWriteItemsCommand)
      .rejectsOnce(cancelled({ Code: 'TransactionConflict' }, { Code: 'None' }))
      .rejectsOnce(refused('TransactionConflictException'))
      .resolves({});
    expect(await open().transact(WRITES)).toEqual({ committed: true });
    expect(new Set(tokens()).size).toBe(3);
  });

  it('is looked at again even where a condition failed: the clash may hide another', async () => {
    const lost = cancelled({ Code: 'None' }, { Code: 'ConditionalCheckFailed' });
    dynamo
      .on(TransactWriteItemsCommand)
      .rejectsOnce(cancelled({ Code: 'TransactionConflict' }, { Code: 'ConditionalCheckFailed' }))
      .rejects(lost);
    expect(await open().transact(WRITES)).toEqual({ committed: false, failed: [{ write: 1 }] });
  });

  it('gives up after twelve tries', async () => {
    const conflict = cancelled({ Code: 'TransactionConflict' }, { Code: 'None' });
    dynamo.on(TransactWriteItemsCommand).rejects(conflict);
    await expect(open().transact(WRITES)).rejects.toMatchObject({
      ...{ code: 'throttled', message: 'the transaction kept clashing with others', retryAfter: 1, cause: conflict },
    });
    expect(tokens()).toHaveLength(12);
  });
});

describe('a transaction that is still under way', () => {
  it('is asked for again under its own token: another would write it twice', async () => {
    dynamo.on(TransactWriteItemsCommand).rejectsOnce(refused('TransactionInProgressException')).resolves({});
    expect(await open().transact(WRITES)).toEqual({ committed: true });
    expect(tokens()).toHaveLength(2);
    expect(new Set(tokens()).size).toBe(1);
  });

  it('has an unknown outcome when it does not end', async () => {
    dynamo.on(TransactWriteItemsCommand).rejects(refused('TransactionInProgressException'));
    await expect(open().transact(WRITES)).rejects.toMatchObject({
      ...{ code: 'outcome_unknown', message: 'DynamoDB did not say whether a transaction was committed' },
    });
  });
});

describe('a transaction that is cancelled', () => {
  it('names each write whose condition failed, with the item that stands there', async () => {
    dynamo
      .on(TransactWriteItemsCommand)
      .rejects(cancelled({ Code: 'ConditionalCheckFailed', Item: STORED }, { Code: 'ConditionalCheckFailed' }));
    expect(await open().transact(WRITES)).toEqual({
      committed: false,
      failed: [{ write: 0, item: ITEM }, { write: 1 }],
    });
  });

  it.each(['ProvisionedThroughputExceeded', 'ThrottlingError'])('tells of %s: try again', async (Code) => {
    dynamo.on(TransactWriteItemsCommand).rejects(cancelled({ Code: 'ConditionalCheckFailed' }, { Code }));
    await expect(open().transact(WRITES)).rejects.toMatchObject(BUSY);
  });

  it('says the limit of an item that an update would make too large', async () => {
    const Message = 'Item size to update has exceeded the maximum allowed size';
    dynamo.on(TransactWriteItemsCommand).rejects(cancelled({ Code: 'None' }, { Code: 'ValidationError', Message }));
    await expect(open().transact(WRITES)).rejects.toMatchObject({
      name: 'RangeError',
      message: `DynamoDB refused write 1: ${Message} (an item holds at most 400000 bytes)`,
    });
  });

  it('is unavailable where DynamoDB gives no reason', async () => {
    dynamo.on(TransactWriteItemsCommand).rejects(cancelled());
    await expect(open().transact(WRITES)).rejects.toMatchObject({
      ...{ code: 'unavailable', message: 'DynamoDB cancelled a transaction without a reason' },
    });
  });
});

describe('a request that DynamoDB refuses', () => {
  const THROTTLES = [
    ...['ProvisionedThroughputExceededException', 'RequestLimitExceeded', 'ThrottlingException'],
    ...['ThrottlingError', 'ProvisionedThroughputExceeded'],
  ];
  it.each(THROTTLES)('is throttled by %s', async (name) => {
    dynamo.onAnyCommand().rejects(refused(name));
    await expect(open().transact(WRITES)).rejects.toMatchObject(BUSY);
    await expect(open().get(ITEM)).rejects.toMatchObject(BUSY);
    await expect(Array.fromAsync(open().query({ partition: 'p' }))).rejects.toMatchObject(BUSY);
  });

  it('is a mistake where it is not valid', async () => {
    dynamo.onAnyCommand().rejects(refused('ValidationException', 'The table has no such key'));
    const wrong = { name: 'RangeError', message: 'DynamoDB refused a request: The table has no such key' };
    await expect(open().transact(WRITES)).rejects.toMatchObject(wrong);
    await expect(open().get(ITEM)).rejects.toMatchObject(wrong);
  });

  it.each(['ResourceNotFoundException', 'AccessDeniedException', 'ExpiredTokenException'])(
    'is unavailable by %s, and nothing was written',
    async (name) => {
      const cause = refused(name);
      dynamo.onAnyCommand().rejects(cause);
      const unavailable = { code: 'unavailable', message: `DynamoDB refused a request: ${name}`, cause };
      await expect(open().transact(WRITES)).rejects.toMatchObject(unavailable);
      await expect(open().get(ITEM)).rejects.toMatchObject(unavailable);
    },
  );
});

describe('a request without an answer', () => {
  it.each([
    ['a broken connection', reset],
    ['a timeout', timeout],
    ['a server error', serverError],
  ])('leaves the outcome of a transaction open and a read unavailable: %s', async (_, cause) => {
    dynamo.onAnyCommand().rejects(cause);
    await expect(open().transact(WRITES)).rejects.toMatchObject({
      ...{ code: 'outcome_unknown', message: 'DynamoDB did not say whether a transaction was committed', cause },
    });
    const unavailable = { code: 'unavailable', message: 'DynamoDB did not answer', cause };
    await expect(open().get(ITEM)).rejects.toMatchObject(unavailable);
    await expect(Array.fromAsync(open().query({ partition: 'p' }))).rejects.toMatchObject(unavailable);
  });
});

describe('what Sealtrail did not write', () => {
  it.each([
    ['an attribute of another type', { ...STORED, _n: { BOOL: true } }, 'an attribute of another type'],
    ['a fraction', { ...STORED, _n: { N: '1.5' } }, 'the number 1.5'],
    ['a number that loses digits', { ...STORED, _n: { N: '9007199254740993' } }, 'the number 9007199254740993'],
    ['an expiry that is none', { ...STORED, expiresAt: { N: '1e300' } }, 'the number 1e300'],
    ['no key', { _n: { N: '1' } }, 'an item without a key'],
  ])('is corrupt, not guessed at: %s', async (_, Item, message) => {
    const corrupt = { code: 'store_corrupt', message: expect.stringContaining(message) };
    dynamo.on(GetItemCommand).resolves({ Item });
    dynamo.on(QueryCommand).resolves({ Items: [Item] });
    dynamo.on(TransactWriteItemsCommand).rejects(cancelled({ Code: 'ConditionalCheckFailed', Item }, { Code: 'None' }));
    await expect(open().get(ITEM)).rejects.toMatchObject(corrupt);
    await expect(Array.fromAsync(open().query({ partition: 'p' }))).rejects.toMatchObject(corrupt);
    await expect(open().transact(WRITES)).rejects.toMatchObject(corrupt);
  });
});
