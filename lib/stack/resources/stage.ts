import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Lock } from '../../followers/expiry/retention.ts';

/** `dev` for trying it out, where everything can be undone; `prod` for records that must be kept. */
export type Stage = 'dev' | 'prod';

export type { Lock } from '../../followers/expiry/retention.ts';

/** The defaults of a stage. */
export interface StageDefaults {
  readonly lock: Lock;
  readonly archive: Duration;
  /** How long blocks stay in the table. */
  readonly hot: Duration;
  /** The fate of the table, buckets and logs when the stack is removed. */
  readonly removal: RemovalPolicy;
  /** True if the table is protected from deletion and can be restored to any second of the last 35 days. */
  readonly protected: boolean;
  /** How long logs are kept. */
  readonly logDays: number;
}

export const STAGES: Readonly<Record<Stage, StageDefaults>> = {
  dev: {
    lock: 'governance',
    archive: Duration.days(1),
    hot: Duration.days(7),
    removal: RemovalPolicy.DESTROY,
    protected: false,
    logDays: 7,
  },
  prod: {
    lock: 'compliance',
    archive: Duration.days(7 * 365 + 2), // two leap years at most
    hot: Duration.days(90),
    // Except after a failed first deployment, whose resources are empty.
    removal: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    protected: true,
    logDays: 365,
  },
};

/**
 * Reads a stage from CDK context (`-c stage=prod`).
 *
 * @throws RangeError for anything but the name of a stage
 */
export function stageOf(value: unknown): Stage {
  if (value === undefined) return 'dev';
  if (value === 'dev' || value === 'prod') return value;
  throw new RangeError(`the context value stage is ${JSON.stringify(value)}: use -c stage=dev or -c stage=prod`);
}
