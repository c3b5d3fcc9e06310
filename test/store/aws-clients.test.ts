import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { dynamoClient, kmsClient, limits, s3Client } from '../../lib/store/aws-clients.ts';
import { KmsSigner } from '../../lib/store/kms/signer.ts';
import { lambdaClient } from '../../lib/store/lambda/client.ts';
import { S3Objects } from '../../lib/store/s3/objects.ts';

/** The SDK's own limits are none: what hangs would hang for ever, and a function that waits is paid for. */

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** What a client needs to send its requests there. */
async function at(listener: RequestListener) {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', credentials };
}

describe('the clients', () => {
  it('give up waiting for a server that takes a request and does not answer', async () => {
    const client = kmsClient({ ...(await at(() => undefined)), maxAttempts: 1 });
    const signer = new KmsSigner({ client, keyId: 'key', algorithm: 'ed25519' });
    await expect(signer.sign(Uint8Array.of(1))).rejects.toMatchObject({
      ...{ code: 'signer_unavailable', message: 'KMS did not sign: TimeoutError' },
    });
    client.destroy();
  });

  it.each([
    ['DynamoDB', dynamoClient, 1_000, 5_000, 4],
    ['S3', s3Client, 2_000, 20_000, 5],
    ['KMS', kmsClient, 1_000, 2_000, 3],
    ['Lambda', lambdaClient, 1_000, 30_000, 3],
  ] as const)('have limits that end the waiting: %s', async (_, open, connectionTimeout, requestTimeout, attempts) => {
    const client = open({ region: 'us-east-1' });
    // The handler makes its configuration when it is first asked to send; what it was given shows at once.
    const { requestHandler, maxAttempts } = client.config;
    await expect(Reflect.get(requestHandler, 'configProvider')).resolves.toMatchObject({
      ...{ connectionTimeout, requestTimeout, socketTimeout: requestTimeout, throwOnRequestTimeout: true },
    });
    expect(await maxAttempts()).toBe(attempts);
    client.destroy();
  });

  it('do not take the wait for a connection of their own for a server that cannot be reached', async () => {
    const asked: (() => void)[] = [];
    // No one is answered before the last one has come.
    const listener: RequestListener = (_, response) => {
      asked.push(() => response.end('x'));
      if (asked.length === 100) for (const answer of asked) answer();
    };
    // The connections of all clients, and times that a busy machine keeps.
    const config = { ...(await at(listener)), maxAttempts: 1, requestHandler: limits(30_000, 30_000) };
    const objects = new S3Objects({ client: s3Client(config), bucket: 'archive' });
    const read = await Promise.all(Array.from({ length: 100 }, (_, n) => objects.get(String(n))));
    expect(new Set(read.map((bytes) => bytes?.length))).toEqual(new Set([1]));
    await objects.close();
  });

  it('take a body that breaks off in the middle for no answer, not for a short object', async () => {
    const listener: RequestListener = (request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('the first part', () => request.socket.destroy());
    };
    const objects = new S3Objects({ client: s3Client(await at(listener)), bucket: 'archive' });
    await expect(objects.get('a')).rejects.toMatchObject({ code: 'unavailable', message: 'S3 did not answer' });
    await objects.close();
  });
});
