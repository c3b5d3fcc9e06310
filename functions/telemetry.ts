import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { describeError } from '../lib/app/describe-error.ts';
import type { Retry } from '../lib/store/ports.ts';

/** The namespace of the metrics, which the stack's alarms watch. */
export const NAMESPACE = 'Sealtrail';

/**
 * Structured logs. They say which trail, which request, which code: never what an event holds. Errors go through
 * {@link describe}, because a plain error's properties might quote what was sent.
 */
export const logger = new Logger();

/** Metrics, written into the logs in CloudWatch's embedded format. */
export const metrics = new Metrics({ namespace: NAMESPACE });

/** The metrics there are, with their units. docs/alarms.md says what to make of them. */
export const UNITS = {
  /** Events that were sealed into records. A repetition of an append seals nothing. */
  Events: MetricUnit.Count,
  /** Their canonical JSON, with line feeds in between. */
  Bytes: MetricUnit.Bytes,
  /** Tries of a transaction that lost against another one. */
  Conflicts: MetricUnit.Count,
  /** Tries of a transaction that the table was too busy for, or did not answer. */
  Retries: MetricUnit.Count,
  /** How long records stood without a signed checkpoint, or have so far. */
  SealLag: MetricUnit.Milliseconds,
  /** How long the oldest record of any trail has been waiting for the archive. */
  ArchiveLag: MetricUnit.Milliseconds,
  /** Appends that were stored and could not be signed at once. */
  Unsealed: MetricUnit.Count,
  ServerErrors: MetricUnit.Count,
  FollowerFailures: MetricUnit.Count,
  ExportFailures: MetricUnit.Count,
  Tampering: MetricUnit.Count,
  VerificationFailures: MetricUnit.Count,
  /** How long the trail that has waited longest for its verification has been waiting. */
  VerificationLag: MetricUnit.Milliseconds,
} as const;
export type MetricName = keyof typeof UNITS;

export function count(name: MetricName, value = 1): void {
  metrics.addMetric(name, UNITS[name], value);
}

/** Counts a try that is followed by another. */
export const countRetry = (retry: Retry): void => count(retry === 'conflict' ? 'Conflicts' : 'Retries');

/** An error for the log: codes, messages and causes, without stacks of causes and without foreign properties. */
export const describe = (error: unknown): { readonly reason: string } => ({ reason: describeError(error) });

/**
 * A Lambda handler around some work: the request's context is in its logs, and its metrics are written out whether the work
 * succeeds or fails.
 */
export function withTelemetry<Event, Result>(work: (event: Event, context: Context) => Promise<Result>) {
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
