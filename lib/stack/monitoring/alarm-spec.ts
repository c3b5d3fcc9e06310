import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';

/** One alarm: its metric and its threshold. */
export interface AlarmSpec {
  readonly id: string;
  readonly metric: IMetric;
  /** Goes off at this value. @default 1 */
  readonly threshold?: number;
  readonly what: string;
  /** Number of periods to evaluate. @default 1 */
  readonly periods?: number;
  /** How many of them must reach the threshold. @default all */
  readonly atLeast?: number;
  /** True if missing data counts as a high value. @default false */
  readonly needsData?: boolean;
}
