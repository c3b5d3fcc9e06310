import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { logger, metrics } from './telemetry.ts';

/**
 * What every function has around it: the request's context in the logs, and metrics that are written out whatever
 * happens.
 */
export function handler<Event, Result>(work: (event: Event, context: Context) => Promise<Result>) {
  return middy<Event, Result>()
    .before(({ context }) => logger.addContext(context))
    .after(publish)
    .onError(({ error }) => {
      publish();
      if (error !== null && error !== undefined) throw error;
    })
    .handler(work);
}

/** Powertools warns when there is nothing to publish. */
function publish(): void {
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}
