import type { Context, CloudFormationCustomResourceEvent as ResourceEvent } from 'aws-lambda';
import { describe, logger, withTelemetry } from '../telemetry.ts';

/** What became of a resource. */
export interface Made {
  /** Another id than before means to CloudFormation that it is another resource, and that the one before is to go. */
  readonly id: string;
  /** What the template can ask the resource for. */
  readonly data?: Readonly<Record<string, string>>;
}

/** CloudFormation waits for an answer, for up to an hour: it gets one whatever happens. */
export const customResource = (work: (event: ResourceEvent, context: Context) => Promise<Made>) =>
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

/** @throws Error when the answer did not arrive: Lambda runs the function again, twice */
async function answer({ ResponseURL }: ResourceEvent, told: object): Promise<void> {
  // As bytes: with text comes a content type, which the address's signature has none of.
  const response = await fetch(ResponseURL, { method: 'PUT', body: Buffer.from(JSON.stringify(told)) });
  if (!response.ok) throw new Error(`CloudFormation did not take the answer: ${response.status}`);
}
