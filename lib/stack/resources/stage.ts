import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Lock } from '../../followers/expiry/retention.ts';

/** `dev` to try it out, with nothing that cannot be undone; `prod` for records that somebody will ask for. */
export type Stage = 'dev' | 'prod';

export type { Lock } from '../../followers/expiry/retention.ts';

/** What a stage decides unless props say otherwise. */
export interface StageDefaults {
  readonly lock: Lock;
  readonly archive: Duration;
  /** How long blocks stay in the table. */
  readonly hot: Duration;
  /** What becomes of table, buckets and logs when the stack goes. */
  readonly removal: RemovalPolicy;
  /** Against deletion of the table by mistake, and for its restoration to any second of the last 35 days. */
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
    // But with a first deployment that fails: what it made holds nothing.
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
