import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { json, text } from 'node:stream/consumers';
import type { Context, CloudFormationCustomResourceEvent as ResourceEvent } from 'aws-lambda';
import { vi } from 'vitest';

type Properties = Readonly<Record<string, string>>;
type Handler = (event: ResourceEvent, context: Context) => Promise<unknown>;

/** What a function answered of its resource. */
interface Answer {
  readonly Status: 'SUCCESS' | 'FAILED';
  readonly Reason?: string;
  readonly PhysicalResourceId: string;
}

const STACK = 'arn:aws:cloudformation:eu-central-1:111122223333:stack/Audit/1';
const TOKEN = 'arn:aws:lambda:eu-central-1:111122223333:function:Guard';

/**
 * CloudFormation as a custom resource sees it, on the loopback interface: it sends requests in its order, keeps properties of
 * the last deployment that came through, and answers `DescribeStacks` (AWS CloudFormation user guide, "Custom resource request
 * types", and API reference). A resource whose update fails is sent back to its former properties like all others.
 */
export class CloudFormation {
  readonly #server: Server;
  readonly #handler: Handler;
  #status = 'CREATE_IN_PROGRESS';
  #answer: Answer | undefined;
  #deployed: Properties | undefined;
  #id = '';
  /** Bodies of what DynamoDB was asked for, which answers at the same place. */
  readonly tables: unknown[] = [];

  private constructor(server: Server, handler: Handler) {
    this.#server = server;
    this.#handler = handler;
  }

  static async running(handler: Handler): Promise<CloudFormation> {
    const server = createServer(async (request, response) => {
      if (request.url === '/answer') {
        // What functions write, which their own tests look at.
        made.#answer = (await json(request)) as Answer;
        response.end();
      } else if (request.headers['x-amz-target'] !== undefined) {
        made.tables.push(await json(request));
        response.setHeader('content-type', 'application/x-amz-json-1.0').end('{}');
      } else {
        await text(request);
        response.setHeader('content-type', 'text/xml').end(described(made.#status));
      }
    }).listen(0, '127.0.0.1');
    const made = new CloudFormation(server, handler);
    await once(server, 'listening');
    const endpoint = made.#address;
    vi.stubEnv('AWS_ENDPOINT_URL_CLOUDFORMATION', endpoint);
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', endpoint);
    return made;
  }

  /**
   * Creates the resource, or updates it, and then the rest of the stack.
   *
   * @param failure what fails after the resource; everything is rolled back then
   * @returns what the deployment failed of; undefined when it came through
   */
  async deploy(properties: Properties, failure?: string): Promise<string | undefined> {
    const before = this.#deployed;
    if (before === undefined) return this.#create(properties, failure);
    this.#status = 'UPDATE_IN_PROGRESS';
    const { Status, Reason } = await this.#send(this.#update(before, properties));
    const reason = Status === 'FAILED' ? Reason : failure;
    if (reason === undefined) {
      this.#deployed = properties;
      return undefined;
    }
    this.#status = 'UPDATE_ROLLBACK_IN_PROGRESS';
    const rolledBack = await this.#send(this.#update(properties, before));
    return rolledBack.Status === 'SUCCESS' ? reason : `UPDATE_ROLLBACK_FAILED: ${rolledBack.Reason}`;
  }

  async destroy(): Promise<void> {
    this.#status = 'DELETE_IN_PROGRESS';
    await this.#delete(this.#deployed ?? {});
  }

  close(): void {
    this.#server.close();
  }

  async #create(properties: Properties, failure: string | undefined): Promise<string | undefined> {
    this.#status = 'CREATE_IN_PROGRESS';
    const { PhysicalResourceId } = await this.#send({ ...this.#about(properties), RequestType: 'Create' });
    this.#id = PhysicalResourceId;
    if (failure === undefined) {
      this.#deployed = properties;
      return undefined;
    }
    this.#status = 'ROLLBACK_IN_PROGRESS';
    await this.#delete(properties);
    return failure;
  }

  #delete(properties: Properties): Promise<Answer> {
    return this.#send({ ...this.#about(properties), RequestType: 'Delete', PhysicalResourceId: this.#id });
  }

  #update(before: Properties, after: Properties): ResourceEvent {
    const OldResourceProperties = { ServiceToken: TOKEN, ...before };
    const identity = { RequestType: 'Update', PhysicalResourceId: this.#id } as const;
    return { ...this.#about(after), ...identity, OldResourceProperties };
  }

  #about(properties: Properties) {
    return {
      ServiceToken: TOKEN,
      ResponseURL: `${this.#address}/answer`,
      StackId: STACK,
      RequestId: 'request-1',
      LogicalResourceId: 'Settings',
      ResourceType: 'Custom::SealtrailGuard',
      ResourceProperties: { ServiceToken: TOKEN, ...properties },
    };
  }

  async #send(event: ResourceEvent): Promise<Answer> {
    this.#answer = undefined;
    await this.#handler(event, { awsRequestId: '1', functionName: 'Guard' } as Context);
    if (this.#answer === undefined) throw new Error('the function did not answer: CloudFormation waits for an hour');
    return this.#answer;
  }

  get #address(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : undefined}`;
  }
}

const described = (status: string): string =>
  `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>
  <StackName>Audit</StackName><StackId>${STACK}</StackId><StackStatus>${status}</StackStatus>
  <CreationTime>2026-11-30T12:00:00Z</CreationTime></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
