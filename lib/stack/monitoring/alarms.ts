import { Duration } from 'aws-cdk-lib';
import { Alarm, AlarmRule, ComparisonOperator, CompositeAlarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { AlarmSpec } from './alarm-spec.ts';
import { functionAlarms } from './function-alarms.ts';
import { API_THROTTLES, mappingMetric, type Observed, ownMetric, tableMetric } from './metrics.ts';

/** The alarms of a log. */
export interface Alarms {
  readonly each: readonly Alarm[];
  /** Goes off with the first of them, and ends with the last. */
  readonly any: CompositeAlarm;
}

/**
 * Makes an alarm for each condition that needs a human, and one over all of them. Each notifies the topic when it goes off and
 * when it ends. docs/alarms.md says what to do, by alarm.
 */
export function alarms(scope: Construct, topic: ITopic, observed: Observed): Alarms {
  const specs = [
    ...integrityAlarms(observed),
    ...followingAlarms(observed),
    ...loadAlarms(observed),
    ...functionAlarms(observed),
  ];
  const each = specs.map(({ id, metric, threshold = 1, what, periods = 1, atLeast = periods, needsData = false }) => {
    return new Alarm(scope, id, {
      metric,
      threshold,
      alarmDescription: `${what}. What to do: docs/alarms.md, ${id}`,
      evaluationPeriods: periods,
      datapointsToAlarm: atLeast,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: needsData ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
  });
  // By name: the ARNs of all alarms come close to CloudWatch's limit of 10,240 characters.
  const rule = AlarmRule.fromString(each.map(({ alarmName }) => `ALARM("${alarmName}")`).join(' OR '));
  const alarmDescription = 'The audit log needs a look: one of its alarms is up. What to do: docs/alarms.md, AnyAlarm';
  const any = new CompositeAlarm(scope, 'AnyAlarm', { alarmRule: rule, alarmDescription });
  for (const alarm of [...each, any]) {
    alarm.addAlarmAction(new SnsAction(topic));
    alarm.addOkAction(new SnsAction(topic));
  }
  return { each, any };
}

/** Alarms for possible tampering. */
function integrityAlarms(observed: Observed): readonly AlarmSpec[] {
  return [
    {
      id: 'TamperingAlarm',
      metric: ownMetric(observed, 'Tampering'),
      what: 'What is stored is not what was sealed: something besides the log wrote to the table or the archive',
    },
    {
      id: 'ClockAlarm',
      metric: ownMetric(observed, 'ClockBehind'),
      what: 'The time of a trail is more than five minutes ahead of the clock: its records bear that time until it has passed',
    },
    {
      id: 'VerificationAlarm',
      metric: ownMetric(observed, 'VerificationFailures', { statistic: 'Maximum', period: Duration.hours(2) }),
      needsData: true,
      what: 'A verification found damage, failed or ran out of time, or none has run for two hours: the report is in the trail _system',
    },
    {
      id: 'VerificationLagAlarm',
      metric: ownMetric(observed, 'VerificationLag', { statistic: 'Maximum', period: Duration.hours(1) }),
      threshold: 3 * 3_600_000,
      what: 'Records have been waiting for three hours to be verified: verification does not keep up',
    },
  ];
}

/** Alarms for acknowledged events that are not signed, archived or indexed in time, or cannot be exported. */
function followingAlarms(observed: Observed): readonly AlarmSpec[] {
  const { follower, archiveDelayMs, isWitnessed, isTimestamped } = observed;
  return [
    ...(isWitnessed ? [witnessAlarm(observed)] : []),
    ...(isTimestamped ? [timestampAlarm(observed)] : []),
    {
      id: 'SealLagAlarm',
      metric: ownMetric(observed, 'SealLag', { statistic: 'Maximum' }),
      threshold: 120_000,
      needsData: true,
      what: 'Records have been without a signed checkpoint for two minutes, or the sweep does not run',
    },
    {
      id: 'ArchiveLagAlarm',
      metric: ownMetric(observed, 'ArchiveLag', { statistic: 'Maximum' }),
      threshold: 300_000 + archiveDelayMs,
      needsData: true,
      what: 'Records have been waiting for the archive for five minutes more than they should, or the sweep does not run',
    },
    {
      id: 'FollowerAlarm',
      metric: ownMetric(observed, 'FollowerFailures'),
      periods: 3,
      what: 'Sealing, archiving or indexing keeps failing',
    },
    {
      id: 'ExportAlarm',
      metric: ownMetric(observed, 'ExportFailures'),
      what: 'An export failed, and not because it asked for too much',
    },
    {
      id: 'UnsealedAlarm',
      metric: ownMetric(observed, 'Unsealed'),
      periods: 3,
      what: 'Appends cannot sign: look at the signing key',
    },
    {
      id: 'WakeUpAlarm',
      metric: follower.metric('IteratorAge', { statistic: 'Maximum', period: Duration.minutes(5) }),
      threshold: 600_000,
      what: "The table's stream is followed ten minutes late: only the sweep keeps up",
    },
    {
      id: 'FailedPayloadAlarm',
      metric: mappingMetric(observed, 'OnFailureDestinationDeliveredEventCount'),
      what: 'Stream records could not be looked at, and lie in the bucket for failed batches',
    },
    {
      id: 'LostPayloadAlarm',
      metric: follower.metric('DestinationDeliveryFailures', { statistic: 'Sum', period: Duration.minutes(5) }),
      what: 'Stream records could not be looked at, nor left in the bucket for failed batches',
    },
  ];
}

/** A quarter of an hour more than the archive needs. */
const witnessAlarm = (observed: Observed): AlarmSpec => ({
  id: 'WitnessLagAlarm',
  metric: ownMetric(observed, 'WitnessLag', { statistic: 'Maximum' }),
  threshold: 900_000 + observed.archiveDelayMs,
  needsData: true,
  what: 'No quorum of witnesses has cosigned the newest heads for a quarter of an hour, or the sweep does not run',
});

/** Services have days off, and a seal can wait. */
const timestampAlarm = (observed: Observed): AlarmSpec => ({
  id: 'TimestampLagAlarm',
  metric: ownMetric(observed, 'TimestampLag', { statistic: 'Maximum' }),
  threshold: 21_600_000,
  what: 'For six hours the time-stamping service has given no time-stamp for a seal',
});

/** Alarms for problems that callers notice, or soon will. */
function loadAlarms(observed: Observed): readonly AlarmSpec[] {
  const { stage } = observed;
  return [
    {
      id: 'ServerErrorAlarm',
      metric: stage.metricServerError({ statistic: 'Sum', period: Duration.minutes(5) }),
      // The client retries single failures. Continuing failures span several periods.
      periods: 3,
      atLeast: 2,
      what: 'The API keeps answering with 5xx',
    },
    {
      id: 'ApiThrottleAlarm',
      metric: ownMetric(observed, API_THROTTLES.name),
      periods: 2,
      what: 'The API turns callers away with 429',
    },
    {
      id: 'TableWriteThrottleAlarm',
      metric: tableMetric(observed, 'WriteThrottleEvents'),
      periods: 2,
      what: 'DynamoDB throttles writes to the table',
    },
    {
      id: 'TableReadThrottleAlarm',
      metric: tableMetric(observed, 'ReadThrottleEvents'),
      periods: 2,
      what: 'DynamoDB throttles reads from the table',
    },
  ];
}
