import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { explainDeadLetters } from '../resources/nag.ts';

/** What Lambda does with an event of an asynchronous invocation, such as EventBridge's. */
export interface AsyncLimits {
  /** How often an event that failed is tried again: 0, 1 or 2. */
  readonly retries: number;
  /** How long an event may wait, where the function is throttled or failed before; a minute to six hours. */
  readonly maxAge: Duration;
  /** How long an event is kept that could not be dealt with. */
  readonly kept: Duration;
}

/**
 * Sets both limits of asynchronous invocations, which are twice and six hours where nothing says otherwise, and leaves what they
 * end in a queue. The limits of an EventBridge rule govern the way to Lambda alone.
 *
 * @returns the queue: it holds events, which name trails and exports and never what is in a record
 */
export function deadLetters(scope: Construct, fn: LambdaFunction, { retries, maxAge, kept }: AsyncLimits): Queue {
  const queue = new Queue(scope, `${fn.node.id}DeadLetters`, { retentionPeriod: kept, enforceSSL: true });
  explainDeadLetters(queue);
  // CDK's own destination would let the function look the queue up, too.
  fn.addToRolePolicy(
    new PolicyStatement({ sid: 'LeaveDeadLetters', actions: ['sqs:SendMessage'], resources: [queue.queueArn] }),
  );
  const onFailure = { bind: () => ({ destination: queue.queueArn }) };
  fn.configureAsyncInvoke({ retryAttempts: retries, maxEventAge: maxAge, onFailure });
  return queue;
}

/** What each function that is invoked asynchronously gets. */
export const ASYNC_LIMITS = {
  /** The next sweep does what this one did not; one that is late by more than a minute has been overtaken. */
  follow: { retries: 0, maxAge: Duration.minutes(1), kept: Duration.hours(1) },
  /** Goes on where it stopped, so a repetition is worth its while. Who asked sees meanwhile that it is pending. */
  export: { retries: 2, maxAge: Duration.hours(1), kept: Duration.days(14) },
  /** The next hour's verifies the same and more. */
  verify: { retries: 0, maxAge: Duration.hours(1), kept: Duration.days(14) },
} as const satisfies Readonly<Record<string, AsyncLimits>>;
