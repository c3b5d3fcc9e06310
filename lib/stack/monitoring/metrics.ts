import { Duration } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';

/** The namespace of the functions' own metrics. */
const NAMESPACE = 'Sealtrail';

/** The resources that alarms and the dashboard observe. */
export interface Observed {
  /** Identifies this deployment's metrics within the account. */
  readonly service: string;
  /** The API's stage. */
  readonly stage: Pick<HttpStage, 'metricCount' | 'metricClientError' | 'metricServerError' | 'metricLatency'>;
  readonly table: ITable;
  /** All functions, by display name. */
  readonly functions: Readonly<Record<string, LambdaFunction>>;
  readonly follower: LambdaFunction;
  /** UUID of the mapping from the table's stream to the follower. */
  readonly followerMapping: string;
  /** The intended delay before records are archived. */
  readonly archiveDelayMs: number;
  /** True if witnesses are asked. */
  readonly isWitnessed: boolean;
  /** True if seals are time-stamped. */
  readonly isTimestamped: boolean;
  /** Dead-letter queues of asynchronous invocations, by function name. */
  readonly deadLetters: Readonly<Record<string, IQueue>>;
}

type Options = Pick<MetricOptions, 'statistic' | 'period' | 'label'>;

const FIVE_MINUTES = Duration.minutes(5);

/** A metric of the functions' own, from `functions/telemetry.ts`. */
export const ownMetric = ({ service }: Observed, metricName: string, options: Options = {}): Metric =>
  new Metric({
    ...{ namespace: NAMESPACE, metricName, dimensionsMap: { service } },
    ...{ statistic: 'Sum', period: FIVE_MINUTES, ...options },
  });

/** Responses with status 429, counted in the access log, since API Gateway has no metric for them. */
export const API_THROTTLES = { namespace: NAMESPACE, name: 'ApiThrottles' } as const;

/** DynamoDB developer guide, "DynamoDB metrics". */
export const tableMetric = ({ table }: Observed, metricName: string): Metric =>
  new Metric({
    ...{ namespace: 'AWS/DynamoDB', metricName, dimensionsMap: { TableName: table.tableName } },
    ...{ statistic: 'Sum', period: FIVE_MINUTES },
  });

/** A metric of the stream's mapping (Lambda developer guide, "Event source mapping metrics"). */
export const mappingMetric = ({ followerMapping }: Observed, metricName: string): Metric =>
  new Metric({
    ...{ namespace: 'AWS/Lambda', metricName, dimensionsMap: { EventSourceMappingUUID: followerMapping } },
    ...{ statistic: 'Sum', period: FIVE_MINUTES },
  });
