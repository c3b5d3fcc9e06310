import { Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  FilterCriteria,
  FilterRule,
  type IFunction,
  type Function as LambdaFunction,
  MetricType,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { PREFIX } from '../../ledger/items/layout.ts';
import { acknowledgeWakes } from '../resources/nag.ts';

/**
 * Stream filters. Every commit writes the head, which wakes the follower; the followers' own writes must not. Items that hold
 * records are written once, so every change or removal of one goes to the tamper monitor.
 */
const FILTERS = [
  FilterCriteria.filter(inPartitions(PREFIX.head)),
  FilterCriteria.filter({
    eventName: FilterRule.or('MODIFY', 'REMOVE'),
    ...inPartitions(PREFIX.block, PREFIX.blockPart, PREFIX.checkpoint),
  }),
];

function inPartitions(...prefixes: readonly string[]) {
  return { dynamodb: { Keys: { partition: { S: prefixes.flatMap((prefix) => FilterRule.beginsWith(prefix)) } } } };
}

/** The follower's event sources and their failures. */
export interface FollowerWakes {
  readonly table: ITable;
  /** The bucket for batches of the stream that kept failing. */
  readonly failed: IBucket;
  /** Concurrent runs per shard of the stream. */
  readonly parallelism: number;
}

/**
 * Wakes the follower on every commit, and on a schedule.
 *
 * @returns the UUID of the stream's mapping
 * @throws RangeError for a parallelism that Lambda does not accept
 */
export function wakeFollower(
  scope: Construct,
  fn: LambdaFunction,
  { table, failed, parallelism }: FollowerWakes,
): string {
  if (!Number.isSafeInteger(parallelism) || parallelism < 1 || parallelism > 10) {
    throw new RangeError(`streamParallelism must be a whole number from 1 to 10, not ${parallelism}`);
  }
  // Lambda developer guide, "Retain discarded records": the permissions to store a batch in a bucket.
  fn.addToRolePolicy(
    new PolicyStatement({ sid: 'LeaveFailed', actions: ['s3:PutObject'], resources: [failed.arnForObjects('*')] }),
  );
  fn.addToRolePolicy(
    new PolicyStatement({ sid: 'ListFailed', actions: ['s3:ListBucket'], resources: [failed.bucketArn] }),
  );
  const stream = new DynamoEventSource(table, {
    startingPosition: StartingPosition.TRIM_HORIZON,
    batchSize: 1000,
    parallelizationFactor: parallelism,
    // Also bounds how long a head that its append could not sign stays unsigned.
    maxBatchingWindow: Duration.seconds(1),
    filters: FILTERS,
    reportBatchItemFailures: true,
    bisectBatchOnError: true,
    // Giving up loses only a wake, which the schedule makes up for. So one failing trail does not block the others for long.
    retryAttempts: 5,
    maxRecordAge: Duration.hours(1),
    // CDK's own destination would let the function read and delete the objects there.
    onFailure: { bind: () => ({ destination: failed.bucketArn }) },
    // Counts the records sent there, which an alarm watches.
    metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
  });
  fn.addEventSource(stream);
  const halfway = halfwaySweep(scope, fn);
  new Rule(scope, 'Sweep', {
    description: 'Visits every trail: archives what waits, and finds what no wake-up came for',
    schedule: Schedule.rate(Duration.minutes(1)),
    // The function's own limits say how often a failed sweep is retried: never.
    targets: [
      new FunctionTarget(fn, { retryAttempts: 0, maxEventAge: Duration.minutes(1) }),
      new SqsQueue(halfway, { retryAttempts: 0, maxEventAge: Duration.minutes(1) }),
    ],
  });
  return stream.eventSourceMappingId;
}

/**
 * A second sweep between two scheduled ones. A schedule runs once a minute at most, so a record could wait for a minute plus
 * its turn, but records are promised to be in the archive within a minute. So a delayed message triggers a sweep halfway.
 * Losing it does no harm: the next sweep does the same.
 */
function halfwaySweep(scope: Construct, fn: LambdaFunction): Queue {
  const queue = new Queue(scope, 'HalfwaySweep', {
    deliveryDelay: Duration.seconds(30),
    retentionPeriod: Duration.minutes(1),
    // At least as long as the function may run (Lambda developer guide, "Configuring a queue to use with Lambda").
    visibilityTimeout: fn.timeout ?? Duration.minutes(15),
    enforceSSL: true,
  });
  fn.addEventSource(new SqsEventSource(queue, { batchSize: 1 }));
  acknowledgeWakes(queue);
  return queue;
}

/** Verifies new records every hour, against the ledger and the archive. */
export function wakeVerifier(scope: Construct, fn: IFunction): void {
  new Rule(scope, 'Verification', {
    description: 'Verifies every trail from its last verified checkpoint on',
    schedule: Schedule.rate(Duration.hours(1)),
    targets: [new FunctionTarget(fn, { retryAttempts: 1, maxEventAge: Duration.hours(1) })],
  });
}
