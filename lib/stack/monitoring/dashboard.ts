import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { API_THROTTLES, mappingMetric, type Observed, ownMetric, tableMetric } from './metrics.ts';

const WIDTH = 8;

/** A dashboard of the log's health: alarms, traffic and the lag of the followers. */
export function dashboard(scope: Construct, alarms: readonly Alarm[], observed: Observed): Dashboard {
  const made = new Dashboard(scope, 'Dashboard', { defaultInterval: Duration.hours(12) });
  made.addWidgets(new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 3 * WIDTH, height: 6 }));
  made.addWidgets(...intake(observed));
  made.addWidgets(...following(observed));
  made.addWidgets(...insides(observed));
  return made;
}

const graph = (title: string, left: IMetric[], right: IMetric[] = []): IWidget =>
  new GraphWidget({ title, left, right, width: WIDTH, height: 6, leftYAxis: { min: 0 }, rightYAxis: { min: 0 } });

const highest = { statistic: 'Maximum' } as const;

function intake(observed: Observed): IWidget[] {
  const { stage } = observed;
  const every = { period: Duration.minutes(5) };
  return [
    graph('Sealed', [ownMetric(observed, 'Events')], [ownMetric(observed, 'Bytes')]),
    graph(
      'Requests',
      [stage.metricCount({ statistic: 'Sum', ...every })],
      [
        stage.metricClientError({ statistic: 'Sum', ...every }),
        stage.metricServerError({ statistic: 'Sum', ...every }),
        ownMetric(observed, API_THROTTLES.name),
      ],
    ),
    graph('Answered within', [
      stage.metricLatency({ statistic: 'p50', label: 'half', ...every }),
      stage.metricLatency({ statistic: 'p99', label: '99 of 100', ...every }),
    ]),
  ];
}

function following(observed: Observed): IWidget[] {
  const { follower } = observed;
  return [
    graph('Waiting, ms', [
      ownMetric(observed, 'SealLag', highest),
      ownMetric(observed, 'ArchiveLag', highest),
      ownMetric(observed, 'VerificationLag', highest),
      ownMetric(observed, 'WitnessLag', highest),
      ownMetric(observed, 'TimestampLag', highest),
      follower.metric('IteratorAge', { ...highest, period: Duration.minutes(5) }),
    ]),
    graph(
      'Meddling',
      ['Tampering', 'VerificationFailures', 'ClockBehind'].map((name) => ownMetric(observed, name, highest)),
    ),
    graph('Failures', [
      ...['FollowerFailures', 'ExportFailures', 'Unsealed', 'ServerErrors'].map((name) => ownMetric(observed, name)),
      mappingMetric(observed, 'OnFailureDestinationDeliveredEventCount'),
    ]),
  ];
}

function insides(observed: Observed): IWidget[] {
  const functions = Object.entries(observed.functions);
  const period = Duration.minutes(5);
  return [
    graph(
      'Tried again',
      ['Conflicts', 'Retries'].map((name) => ownMetric(observed, name)),
      ['WriteThrottleEvents', 'ReadThrottleEvents'].map((name) => tableMetric(observed, name)),
    ),
    graph(
      'Functions: 99 of 100 within',
      functions.map(([label, fn]) => fn.metricDuration({ statistic: 'p99', period, label })),
    ),
    graph(
      'Functions: errors and throttles',
      functions.map(([name, fn]) => fn.metricErrors({ period, label: `${name} errors` })),
      functions.map(([name, fn]) => fn.metricThrottles({ period, label: `${name} throttles` })),
    ),
    graph(
      'Dead letters',
      Object.entries(observed.deadLetters).map(([label, queue]) =>
        queue.metricApproximateNumberOfMessagesVisible({ ...highest, period, label }),
      ),
    ),
  ];
}
