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
    .after(() => void metrics.publishStoredMetrics())
    .onError(({ error }) => {
      metrics.publishStoredMetrics();
      if (error !== null && error !== undefined) throw error;
    })
    .handler(work);
}
