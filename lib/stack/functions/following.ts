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
import { explainWakes } from '../resources/nag.ts';

/**
 * Commits wake the follower: each writes the head. What followers themselves write must not wake them again. Items that hold
 * records are written once, so the tamper monitor judges every change or removal of one.
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

/** What wakes the follower, and what becomes of that. */
export interface FollowerWakes {
  readonly table: ITable;
  /** Gets the batches of the stream that kept failing. */
  readonly failed: IBucket;
  /** Runs at once for each shard of the stream. */
  readonly parallelism: number;
}

/**
 * Wakes the follower: by every commit, and by the clock.
 *
 * @returns the UUID of the stream's mapping
 * @throws RangeError for a parallelism that Lambda does not take
 */
export function wakeFollower(
  scope: Construct,
  fn: LambdaFunction,
  { table, failed, parallelism }: FollowerWakes,
): string {
  if (!Number.isSafeInteger(parallelism) || parallelism < 1 || parallelism > 10) {
    throw new RangeError(`streamParallelism must be a whole number from 1 to 10, not ${parallelism}`);
  }
  // Lambda developer guide, "Retain discarded records": what it takes to leave a batch in a bucket.
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
    // As long as this a head that its append could not sign stays without a signature, at most.
    maxBatchingWindow: Duration.seconds(1),
    filters: FILTERS,
    reportBatchItemFailures: true,
    bisectBatchOnError: true,
    // A wake may be lost: the schedule does its work. So one trail that fails does not hold up the others for long.
    retryAttempts: 5,
    maxRecordAge: Duration.hours(1),
    // CDK's own destination would let the function read and delete what is there.
    onFailure: { bind: () => ({ destination: failed.bucketArn }) },
    // How many records went there: an alarm watches that.
    metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
  });
  fn.addEventSource(stream);
  const halfway = halfwaySweep(scope, fn);
  new Rule(scope, 'Sweep', {
    description: 'Visits every trail: archives what waits, and finds what no wake-up came for',
    schedule: Schedule.rate(Duration.minutes(1)),
    // How often a sweep that failed is repeated, which is never, the function's own limits say.
    targets: [
      new FunctionTarget(fn, { retryAttempts: 0, maxEventAge: Duration.minutes(1) }),
      new SqsQueue(halfway, { retryAttempts: 0, maxEventAge: Duration.minutes(1) }),
    ],
  });
  return stream.eventSourceMappingId;
}

/**
 * A schedule comes once a minute at most. With that alone a record would wait for up to a minute and then for its turn
 * before it is in the archive, which is promised within a minute. So the clock strikes halfway too, by a message that is
 * held back. Nothing is lost with it: the next sweep does the same.
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
  explainWakes(queue);
  return queue;
}

/** Each hour what is new is verified, against the ledger and the archive. */
export function wakeVerifier(scope: Construct, fn: IFunction): void {
  new Rule(scope, 'Verification', {
    description: 'Verifies every trail from its last verified checkpoint on',
    schedule: Schedule.rate(Duration.hours(1)),
    targets: [new FunctionTarget(fn, { retryAttempts: 1, maxEventAge: Duration.hours(1) })],
  });
}
