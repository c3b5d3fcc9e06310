import { Duration } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Alarm, ComparisonOperator, type IMetric, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** The functions' metrics are in this namespace, by deployment. */
const NAMESPACE = 'Sealtrail';

export interface AlarmsProps {
  readonly topic: ITopic;
  /** Tells this deployment's metrics from those of others in the account. */
  readonly service: string;
  readonly stage: HttpStage;
  /** All functions, by the name that people know them by. */
  readonly functions: Readonly<Record<string, IFunction>>;
  readonly follower: IFunction;
}

interface AlarmSpec {
  readonly id: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly what: string;
  /** Periods in a row. @default 1 */
  readonly periods?: number;
  /** Whether silence is as bad as a high value. @default false */
  readonly needsData?: boolean;
}

/** One alarm for each thing that somebody has to look at. What to do is in docs/operations.md, by alarm. */
export function alarms(scope: Construct, props: AlarmsProps): readonly Alarm[] {
  const { topic, service, stage, functions, follower } = props;
  const own = (metricName: string, statistic: string, period = Duration.minutes(5)): Metric =>
    new Metric({ namespace: NAMESPACE, metricName, dimensionsMap: { service }, statistic, period });
  const specs: readonly AlarmSpec[] = [
    {
      id: 'TamperingAlarm',
      metric: own('Tampering', 'Sum'),
      threshold: 1,
      what: 'What is stored is not what was sealed: somebody else wrote to the table or the archive',
    },
    {
      id: 'VerificationAlarm',
      metric: own('VerificationFailures', 'Maximum', Duration.hours(2)),
      threshold: 1,
      needsData: true,
      what: 'A verification found damage, or none has run for two hours: the report is in the trail _system',
    },
    {
      id: 'ArchiveLagAlarm',
      metric: own('ArchiveLag', 'Maximum'),
      threshold: 300_000,
      needsData: true,
      what: 'Records have been waiting for the archive for five minutes, or the sweep does not run',
    },
    {
      id: 'FollowerAlarm',
      metric: own('FollowerFailures', 'Sum'),
      threshold: 1,
      periods: 3,
      what: 'Sealing, archiving or indexing keeps failing',
    },
    {
      id: 'UnsealedAlarm',
      metric: own('Unsealed', 'Sum'),
      threshold: 1,
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
      id: 'ServerErrorAlarm',
      metric: stage.metricServerError({ statistic: 'Sum', period: Duration.minutes(5) }),
      threshold: 1,
      what: 'The API answered with 5xx',
    },
    ...Object.entries(functions).map(([name, fn]) => ({
      id: `${name}ThrottleAlarm`,
      metric: fn.metricThrottles({ period: Duration.minutes(5) }),
      threshold: 1,
      periods: 2,
      what: `The function ${name} is throttled: the account has too little concurrency left`,
    })),
  ];
  return specs.map(({ id, metric, threshold, what, periods = 1, needsData = false }) => {
    const alarm = new Alarm(scope, id, {
      metric,
      threshold,
      alarmDescription: what,
      evaluationPeriods: periods,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: needsData ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(topic));
    return alarm;
  });
}
