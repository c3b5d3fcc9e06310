import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent, ScheduledEvent } from 'aws-lambda';
import { deployedLog } from './deployment.ts';
import { TrailFollowing } from './follow-trails.ts';
import { handler as handlerOf } from './handler.ts';
import { once } from './services.ts';

/** What is left of the invocation's time to come to an orderly end. */
const MARGIN_MS = 10_000;

const following = once(async () => new TrailFollowing(await deployedLog()));

/** Seals, archives and indexes: woken by the table's stream and by a schedule. */
export const handler = handlerOf(
  async (event: DynamoDBStreamEvent | ScheduledEvent, context: Context): Promise<DynamoDBBatchResponse | undefined> => {
    const signal = AbortSignal.timeout(Math.max(1, context.getRemainingTimeInMillis() - MARGIN_MS));
    const follow = await following();
    if ('Records' in event) return follow.batch(event.Records, signal);
    await follow.sweep(signal);
    return undefined;
  },
);
