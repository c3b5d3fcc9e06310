import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { API_THROTTLES, mappingMetric, type Observed, ownMetric, tableMetric } from './metrics.ts';

interface AlarmSpec {
  readonly id: string;
  readonly metric: IMetric;
  /** From here on. @default 1 */
  readonly threshold?: number;
  readonly what: string;
  /** Periods in a row. @default 1 */
  readonly periods?: number;
  /** Whether silence is as bad as a high value. @default false */
  readonly needsData?: boolean;
}

/** One alarm for each thing that somebody has to look at. What to do is in docs/operations.md, by alarm. */
export function alarms(scope: Construct, topic: ITopic, observed: Observed): readonly Alarm[] {
  return [...integrityAlarms(observed), ...followingAlarms(observed), ...loadAlarms(observed)].map(
    ({ id, metric, threshold = 1, what, periods = 1, needsData = false }) => {
      const alarm = new Alarm(scope, id, {
        metric,
        threshold,
        alarmDescription: `${what}. What to do: docs/operations.md, ${id}`,
        evaluationPeriods: periods,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: needsData ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
      });
      alarm.addAlarmAction(new SnsAction(topic));
      return alarm;
    },
  );
}

/** Somebody may have meddled with the log. */
function integrityAlarms(observed: Observed): readonly AlarmSpec[] {
  return [
    {
      id: 'TamperingAlarm',
      metric: ownMetric(observed, 'Tampering'),
      what: 'What is stored is not what was sealed: somebody else wrote to the table or the archive',
    },
    {
      id: 'VerificationAlarm',
      metric: ownMetric(observed, 'VerificationFailures', { statistic: 'Maximum', period: Duration.hours(2) }),
      needsData: true,
      what: 'A verification found damage, or none has run for two hours: the report is in the trail _system',
    },
  ];
}

/** What was acknowledged is not yet signed, archived or indexed, or cannot be exported. */
function followingAlarms(observed: Observed): readonly AlarmSpec[] {
  const { follower } = observed;
  return [
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
      threshold: 300_000,
      needsData: true,
      what: 'Records have been waiting for the archive for five minutes, or the sweep does not run',
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

/** Callers notice, or soon will. */
function loadAlarms(observed: Observed): readonly AlarmSpec[] {
  const { stage, functions } = observed;
  return [
    {
      id: 'ServerErrorAlarm',
      metric: stage.metricServerError({ statistic: 'Sum', period: Duration.minutes(5) }),
      what: 'The API answered with 5xx',
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
    ...Object.entries(functions).map(([name, fn]) => ({
      id: `${name}ThrottleAlarm`,
      metric: fn.metricThrottles({ period: Duration.minutes(5) }),
      periods: 2,
      what: `The function ${name} is throttled: the account has too little concurrency left`,
    })),
  ];
}
