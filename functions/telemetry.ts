import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { describeError } from '../lib/app/describe-error.ts';
import type { Retry } from '../lib/store/ports.ts';

/** The namespace of the metrics, which the stack's alarms watch. */
export const NAMESPACE = 'Sealtrail';

/**
 * Structured logs. They name trails, requests and codes, but never the contents of an event. Errors go through
 * {@link describe}, because the properties of a plain error might quote the request.
 */
export const logger = new Logger();

/** Metrics, written into the logs in CloudWatch's embedded format. */
export const metrics = new Metrics({ namespace: NAMESPACE });

/** All metrics, with their units. docs/alarms.md explains them. */
export const UNITS = {
  /** Events sealed into records. A repeated append seals nothing. */
  Events: MetricUnit.Count,
  /** Bytes of their canonical JSON, with line feeds in between. */
  Bytes: MetricUnit.Bytes,
  /** Transaction attempts that lost to another one. */
  Conflicts: MetricUnit.Count,
  /** Transaction attempts for which the table was too busy, or did not respond. */
  Retries: MetricUnit.Count,
  /** How long records waited for a signed checkpoint, or have so far. */
  SealLag: MetricUnit.Milliseconds,
  /** How long the oldest record of any trail has been waiting for the archive. */
  ArchiveLag: MetricUnit.Milliseconds,
  /** How long the oldest head of the log has been waiting for a quorum of witnesses. */
  WitnessLag: MetricUnit.Milliseconds,
  /** How long the oldest seal without a time-stamp has been waiting for one. */
  TimestampLag: MetricUnit.Milliseconds,
  /** Appends that were stored but could not be signed at once. */
  Unsealed: MetricUnit.Count,
  /** Trails whose time is ahead of the clock, each reported every five minutes in which it grows. */
  ClockBehind: MetricUnit.Count,
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

/** Counts a retry. */
export const countRetry = (retry: Retry): void => count(retry === 'conflict' ? 'Conflicts' : 'Retries');

/** Describes an error for the log: codes, messages and causes, without stacks and foreign properties. */
export const describe = (error: unknown): { readonly reason: string } => ({ reason: describeError(error) });

/**
 * Wraps work in a Lambda handler that adds the request's context to logs and publishes metrics whether or not the work
 * succeeds.
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

/** Publishes metrics, if any: Powertools warns when there are none. */
function publish(): void {
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}
