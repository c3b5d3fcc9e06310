import { Duration } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';

/** The functions' own metrics are in this namespace, by deployment. */
const NAMESPACE = 'Sealtrail';

/** What alarms and the dashboard look at. */
export interface Observed {
  /** Tells this deployment's metrics from those of others in the account. */
  readonly service: string;
  readonly stage: HttpStage;
  readonly table: ITable;
  /** All functions, by the name that people know them by. */
  readonly functions: Readonly<Record<string, LambdaFunction>>;
  readonly follower: LambdaFunction;
  /** UUID of the mapping that hands the table's stream to the follower. */
  readonly followerMapping: string;
  /** How long records may wait for the archive on purpose. */
  readonly archiveDelayMs: number;
  /** Where events end that an asynchronous invocation could not deal with, by the name of the function. */
  readonly deadLetters: Readonly<Record<string, IQueue>>;
}

type Options = Pick<MetricOptions, 'statistic' | 'period' | 'label'>;

const FIVE_MINUTES = Duration.minutes(5);

/** A metric that functions count: one of `functions/telemetry.ts`. */
export const ownMetric = ({ service }: Observed, metricName: string, options: Options = {}): Metric =>
  new Metric({
    ...{ namespace: NAMESPACE, metricName, dimensionsMap: { service } },
    ...{ statistic: 'Sum', period: FIVE_MINUTES, ...options },
  });

/** Requests that were answered with 429, counted in the access log: API Gateway has no metric of them. */
export const API_THROTTLES = { namespace: NAMESPACE, name: 'ApiThrottles' } as const;

/** DynamoDB developer guide, "DynamoDB metrics". */
export const tableMetric = ({ table }: Observed, metricName: string): Metric =>
  new Metric({
    ...{ namespace: 'AWS/DynamoDB', metricName, dimensionsMap: { TableName: table.tableName } },
    ...{ statistic: 'Sum', period: FIVE_MINUTES },
  });

/** Stream records by what became of them (Lambda developer guide, "Event source mapping metrics"). */
export const mappingMetric = ({ followerMapping }: Observed, metricName: string): Metric =>
  new Metric({
    ...{ namespace: 'AWS/Lambda', metricName, dimensionsMap: { EventSourceMappingUUID: followerMapping } },
    ...{ statistic: 'Sum', period: FIVE_MINUTES },
  });
