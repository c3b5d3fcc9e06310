import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { dynamoClient } from '../../../lib/store/aws-clients.ts';
import { DynamoTable } from '../../../lib/store/dynamodb/table.ts';
import type { Retry } from '../../../lib/store/ports.ts';

/**
 * The SDK sends a request again by itself and tells of its last attempt alone. Here a server on the loopback interface answers the
 * attempts one by one: what the driver says must be true of all of them.
 */

type Answer = 'hang up' | 'server error' | 'throttle' | 'conflict' | 'lost' | 'fine';
const ERRORS: Readonly<Record<Exclude<Answer, 'hang up' | 'fine'>, [status: number, body: object]>> = {
  'server error': [500, { __type: 'InternalServerError', message: 'oh' }],
  throttle: [400, { __type: 'ThrottlingException', message: 'slow down' }],
  conflict: cancelled('TransactionConflict'),
  lost: cancelled('ConditionalCheckFailed'),
};
function cancelled(Code: string): [number, object] {
  return [400, { __type: 'TransactionCanceledException', message: 'cancelled', CancellationReasons: [{ Code }] }];
}

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});

/** A table whose attempts are answered so, the last answer for good; the tokens that they carried; the retries it told of. */
async function answering(...answers: Answer[]) {
  const tokens: string[] = [];
  const retries: Retry[] = [];
  const server = createServer(async (request, response) => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    // What the driver sends is JSON with a token: were it not, the expectations would fail.
    const { ClientRequestToken } = (await json(request)) as { ClientRequestToken: string };
    tokens.push(ClientRequestToken);
    if (answer === undefined || answer === 'hang up') return request.socket.destroy();
    const [status, body] = answer === 'fine' ? [200, {}] : ERRORS[answer];
    return response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const client = dynamoClient({
    ...{ endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1' },
    ...{ credentials: { accessKeyId: 'test', secretAccessKey: 'test' }, maxAttempts: 3 },
  });
  const onRetry = (retry: Retry) => retries.push(retry);
  return { table: new DynamoTable({ client, tableName: 'log', random: () => 0, onRetry }), tokens, retries };
}

const PUT = [{ put: { partition: 'p', sort: 's', attributes: {} } }];
const UNKNOWN = { code: 'outcome_unknown', message: 'DynamoDB did not say whether a transaction was committed' };

// Together: the driver waits between attempts.
describe.concurrent('the attempts of one transaction', () => {
  it.each([[['hang up', 'fine']], [['server error', 'throttle', 'fine']]] satisfies [Answer[]][])(
    'carry one token, so that it is made once: %j',
    async (answers) => {
      const attempts = answers.length;
      const { table, tokens } = await answering(...answers);
      expect(await table.transact(PUT)).toEqual({ committed: true });
      expect(tokens).toHaveLength(attempts);
      expect(new Set(tokens).size).toBe(1);
      await table.close();
    },
  );

  it.each([
    [['hang up', 'throttle']],
    [['server error', 'throttle']],
    [['throttle', 'hang up', 'throttle']],
    [['hang up']],
  ] satisfies [Answer[]][])(
    'leave the outcome open when one was lost, whatever the last one says: %j',
    async (answers) => {
      const { table } = await answering(...answers);
      await expect(table.transact(PUT)).rejects.toMatchObject(UNKNOWN);
      await table.close();
    },
  );

  it('are throttled when all of them were', async () => {
    const { table, tokens } = await answering('throttle');
    await expect(table.transact(PUT)).rejects.toMatchObject({ code: 'throttled', message: 'DynamoDB is busy' });
    expect(tokens).toHaveLength(3);
    await table.close();
  });

  it('are told apart by a cancellation: had a lost one been committed, its token would have said so', async () => {
    const { table, tokens } = await answering('hang up', 'lost');
    expect(await table.transact(PUT)).toEqual({ committed: false, failed: [{ write: 0 }] });
    expect(new Set(tokens).size).toBe(1);
    await table.close();
  });

  it('begin anew after a clash, and forget what was lost before it', async () => {
    const { table, tokens } = await answering('hang up', 'conflict', 'throttle');
    await expect(table.transact(PUT)).rejects.toMatchObject({ code: 'throttled', message: 'DynamoDB is busy' });
    expect(new Set(tokens).size).toBe(2);
    await table.close();
  });

  it.each([
    [['fine'], []],
    [['throttle', 'fine'], ['busy']],
    [
      ['conflict', 'conflict', 'fine'],
      ['conflict', 'conflict'],
    ],
    [
      ['server error', 'conflict', 'throttle', 'fine'],
      ['busy', 'conflict', 'busy'],
    ],
  ] satisfies [Answer[], Retry[]][])('are told of, all but the first: %j', async (answers, told) => {
    const { table, retries } = await answering(...answers);
    expect(await table.transact(PUT)).toEqual({ committed: true });
    expect(retries).toEqual(told);
    await table.close();
  });
});
