import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';

/** One alarm: what it watches, and from where on it goes off. */
export interface AlarmSpec {
  readonly id: string;
  readonly metric: IMetric;
  /** From here on. @default 1 */
  readonly threshold?: number;
  readonly what: string;
  /** Periods that are looked at. @default 1 */
  readonly periods?: number;
  /** How many of them have to reach the threshold. @default all */
  readonly atLeast?: number;
  /** Whether silence is as bad as a high value. @default false */
  readonly needsData?: boolean;
}
