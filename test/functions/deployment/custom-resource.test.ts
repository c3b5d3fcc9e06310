import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { json } from 'node:stream/consumers';
import type { Context, CloudFormationCustomResourceEvent as ResourceEvent } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { customResource } from '../../../functions/deployment/custom-resource.ts';
import { capturePrinted } from '../printed.ts';

capturePrinted();
const CONTEXT = { awsRequestId: '1', functionName: 'PublicKey' } as Context;

/** Stands where CloudFormation's signed address points. */
let server: Server;
let status: number;
const answers: { method: string | undefined; headers: IncomingMessage['headers']; body: unknown }[] = [];
beforeAll(async () => {
  server = createServer(async (request, response) => {
    answers.push({ method: request.method, headers: request.headers, body: await json(request) });
    response.writeHead(status).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => server.close());
beforeEach(() => {
  status = 200;
  answers.length = 0;
});

function event(): ResourceEvent {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    RequestType: 'Create',
    ServiceToken: 'arn:aws:lambda:eu-central-1:111122223333:function:PublicKey',
    ResponseURL: `http://127.0.0.1:${port}/?X-Amz-Signature=1`,
    StackId: 'arn:aws:cloudformation:eu-central-1:111122223333:stack/Audit/1',
    RequestId: 'request-1',
    LogicalResourceId: 'PublicKeyResource',
    ResourceType: 'Custom::SealtrailPublicKey',
    ResourceProperties: { ServiceToken: 'arn:aws:lambda:eu-central-1:111122223333:function:PublicKey' },
  };
}

describe('a resource that a function of ours makes', () => {
  it('is told of to CloudFormation: its id and what the template may ask of it', async () => {
    await customResource(async () => ({ id: 'made-1', data: { Vkey: 'a+b+c' } }))(event(), CONTEXT);
    expect(answers).toMatchObject([
      {
        method: 'PUT',
        body: {
          Status: 'SUCCESS',
          PhysicalResourceId: 'made-1',
          RequestId: 'request-1',
          LogicalResourceId: 'PublicKeyResource',
          StackId: expect.stringContaining('stack/Audit'),
          Data: { Vkey: 'a+b+c' },
        },
      },
    ]);
    // The address is signed for a request without one.
    expect(answers[0]?.headers['content-type']).toBeUndefined();
  });

  it('that fails is told of too, or CloudFormation would wait for an hour', async () => {
    await customResource(() => Promise.reject(new Error('KMS is away')))(event(), CONTEXT);
    expect(answers).toMatchObject([{ body: { Status: 'FAILED', Reason: 'Error: KMS is away' } }]);
  });

  it('keeps its id when a change of it fails, so that nothing is deleted in its place', async () => {
    const change: ResourceEvent = {
      ...event(),
      RequestType: 'Update',
      PhysicalResourceId: 'made-1',
      OldResourceProperties: event().ResourceProperties,
    };
    await customResource(() => Promise.reject(new Error('KMS is away')))(change, CONTEXT);
    expect(answers).toMatchObject([{ body: { Status: 'FAILED', PhysicalResourceId: 'made-1' } }]);
  });

  it('fails where the answer is not taken, so that Lambda runs it again', async () => {
    status = 503;
    const act = customResource(async () => ({ id: 'made-1' }))(event(), CONTEXT);
    await expect(act).rejects.toThrow('CloudFormation did not accept the response: 503');
  });
});
