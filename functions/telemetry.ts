import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { reasonOf } from '../lib/server/access-log.ts';

/** The namespace of the metrics, which the stack's alarms watch. */
export const NAMESPACE = 'Sealtrail';

/**
 * Structured logs. They say which trail, which request, which code: never what an event holds. Errors go through
 * {@link describe}, because a plain error's properties might quote what was sent.
 */
export const logger = new Logger();

/** Metrics, written into the logs in CloudWatch's embedded format. */
export const metrics = new Metrics({ namespace: NAMESPACE });

/** The metrics there are, with their units. */
const UNITS = {
  AppendedBytes: MetricUnit.Bytes,
  Appends: MetricUnit.Count,
  Unsealed: MetricUnit.Count,
  ServerErrors: MetricUnit.Count,
  FollowerFailures: MetricUnit.Count,
  Tampering: MetricUnit.Count,
  VerificationFailures: MetricUnit.Count,
  ArchiveLag: MetricUnit.Milliseconds,
} as const;
export type MetricName = keyof typeof UNITS;

export function count(name: MetricName, value = 1): void {
  metrics.addMetric(name, UNITS[name], value);
}

/** An error for the log: codes, messages and causes, without stacks of causes and without foreign properties. */
export const describe = (error: unknown): { readonly reason: string } => ({ reason: reasonOf(error, 500) });
