import type { Context, ScheduledEvent } from 'aws-lambda';
import { deployedLog } from './deployment.ts';
import { handler as handlerOf } from './handler.ts';
import { once } from './services.ts';
import { TrailVerification } from './verify-trails.ts';

/** What is left of the invocation's time to come to an orderly end. */
const MARGIN_MS = 30_000;

const verification = once(async () => new TrailVerification(await deployedLog()));

/** Verifies every trail, on a schedule. */
export const handler = handlerOf(async (_: ScheduledEvent, context: Context): Promise<void> => {
  const signal = AbortSignal.timeout(Math.max(1, context.getRemainingTimeInMillis() - MARGIN_MS));
  await (await verification()).run(signal);
});
