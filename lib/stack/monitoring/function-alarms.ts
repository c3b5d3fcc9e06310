import { Duration } from 'aws-cdk-lib';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { AlarmSpec } from './alarm-spec.ts';
import type { Observed } from './metrics.ts';

const FIVE_MINUTES = { period: Duration.minutes(5) };

/** Thresholds of a function's alarms, which depend on its purpose. */
interface Tolerance {
  /** Periods of five minutes with an error: a function that runs seldom gets only one. */
  readonly errors: { readonly periods: number; readonly atLeast: number };
  /** The fraction of its timeout that a run may take. */
  readonly share: number;
  /** Events allowed in its dead-letter queue. */
  readonly deadLetters: number;
}

const USUAL: Tolerance = { errors: { periods: 3, atLeast: 2 }, share: 0.9, deadLetters: 1 };
const AT_ONCE = { periods: 1, atLeast: 1 };

const TOLERANCES: Readonly<Record<string, Partial<Tolerance>>> = {
  // Ends in order half a minute before its timeout.
  Export: { errors: AT_ONCE, share: 0.98 },
  Verify: { errors: AT_ONCE },
  // The next sweep makes up for a failed one. The queue holds those of the last hour, out of 120.
  Follow: { deadLetters: 10 },
};

/** Alarms for errors, runs near their timeout, throttling and dead letters of every function. */
export const functionAlarms = ({ functions, deadLetters }: Observed): readonly AlarmSpec[] => [
  ...Object.entries(functions).flatMap(([name, fn]) => runAlarms(name, fn, { ...USUAL, ...TOLERANCES[name] })),
  ...Object.entries(deadLetters).map(([name, queue]) => ({
    id: `${name}DeadLetterAlarm`,
    metric: queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', ...FIVE_MINUTES }),
    threshold: { ...USUAL, ...TOLERANCES[name] }.deadLetters,
    what: `Events that the function ${name} could not deal with lie in its queue of dead letters`,
  })),
];

function runAlarms(name: string, fn: LambdaFunction, { errors, share }: Tolerance): readonly AlarmSpec[] {
  const limitMs = fn.timeout?.toMilliseconds();
  if (limitMs === undefined) throw new RangeError(`the function ${name} has no timeout of its own`);
  return [
    {
      id: `${name}ErrorAlarm`,
      metric: fn.metricErrors(FIVE_MINUTES),
      ...errors,
      what: `The function ${name} fails, runs out of time or out of memory`,
    },
    {
      id: `${name}DurationAlarm`,
      metric: fn.metricDuration({ statistic: 'Maximum', ...FIVE_MINUTES }),
      threshold: Math.floor(share * limitMs),
      ...errors,
      what: `The function ${name} takes nearly all of the time that it has`,
    },
    {
      id: `${name}ThrottleAlarm`,
      metric: fn.metricThrottles(FIVE_MINUTES),
      periods: 2,
      what: `The function ${name} is throttled: the account has too little concurrency left`,
    },
  ];
}
