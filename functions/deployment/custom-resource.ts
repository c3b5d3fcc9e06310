import type { Context, CloudFormationCustomResourceEvent as ResourceEvent } from 'aws-lambda';
import { describe, logger, withTelemetry } from '../telemetry.ts';

/** The state of a resource after an event. */
export interface ResourceState {
  /** If it changes, CloudFormation takes it for a new resource and deletes the old one. */
  readonly id: string;
  /** The attributes that the template can read. */
  readonly data?: Readonly<Record<string, string>>;
}

/** Makes a handler of custom resource events. It always responds, since CloudFormation would wait for up to an hour. */
export const customResource = (work: (event: ResourceEvent, context: Context) => Promise<ResourceState>) =>
  withTelemetry(async (event: ResourceEvent, context: Context): Promise<void> => {
    const { StackId, RequestId, LogicalResourceId } = event;
    const about = { StackId, RequestId, LogicalResourceId };
    try {
      const { id, data } = await work(event, context);
      await answer(event, { ...about, Status: 'SUCCESS', PhysicalResourceId: id, Data: data });
    } catch (error) {
      logger.error('a resource of the stack failed', { resource: LogicalResourceId, ...describe(error) });
      const PhysicalResourceId = 'PhysicalResourceId' in event ? event.PhysicalResourceId : RequestId;
      await answer(event, { ...about, Status: 'FAILED', Reason: describe(error).reason, PhysicalResourceId });
    }
  });

/** @throws Error if the response was not accepted: Lambda then retries the function twice */
async function answer({ ResponseURL }: ResourceEvent, response: object): Promise<void> {
  // As bytes: text would add a content type, which the URL's signature does not cover.
  const reply = await fetch(ResponseURL, { method: 'PUT', body: Buffer.from(JSON.stringify(response)) });
  if (!reply.ok) throw new Error(`CloudFormation did not accept the response: ${reply.status}`);
}
