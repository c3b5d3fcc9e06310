import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledgeDeadLetters } from '../resources/nag.ts';

/** Lambda's limits for events of asynchronous invocations, such as EventBridge's. */
export interface AsyncLimits {
  /** How often a failed event is retried: 0, 1 or 2. */
  readonly retries: number;
  /** How long an event may wait while the function is throttled or failing; a minute to six hours. */
  readonly maxAge: Duration;
  /** How long an unprocessed event is kept. */
  readonly kept: Duration;
}

/**
 * Sets both limits of asynchronous invocations, by default two retries and six hours, and puts events that exceed them into a
 * queue. The limits of an EventBridge rule only govern delivery to Lambda.
 *
 * @returns the queue. Its events name trails and exports, but never contain records
 */
export function deadLetters(scope: Construct, fn: LambdaFunction, { retries, maxAge, kept }: AsyncLimits): Queue {
  const queue = new Queue(scope, `${fn.node.id}DeadLetters`, { retentionPeriod: kept, enforceSSL: true });
  acknowledgeDeadLetters(queue);
  // CDK's own destination would also let the function look up the queue.
  fn.addToRolePolicy(
    new PolicyStatement({ sid: 'LeaveDeadLetters', actions: ['sqs:SendMessage'], resources: [queue.queueArn] }),
  );
  const onFailure = { bind: () => ({ destination: queue.queueArn }) };
  fn.configureAsyncInvoke({ retryAttempts: retries, maxEventAge: maxAge, onFailure });
  return queue;
}

/** The limits of each function that is invoked asynchronously. */
export const ASYNC_LIMITS = {
  /** The next sweep does the work of a failed one, and overtakes one that is more than a minute late. */
  follow: { retries: 0, maxAge: Duration.minutes(1), kept: Duration.hours(1) },
  /** Resumes where it stopped, so retries are worthwhile. Meanwhile the requester sees that it is pending. */
  export: { retries: 2, maxAge: Duration.hours(1), kept: Duration.days(14) },
  /** The next hour's run verifies the same and more. */
  verify: { retries: 0, maxAge: Duration.hours(1), kept: Duration.days(14) },
} as const satisfies Readonly<Record<string, AsyncLimits>>;
