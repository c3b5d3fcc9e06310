import type { Duration } from 'aws-cdk-lib';
import type { IPrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { PrivacyConfig } from '../privacy/config/privacy-config.ts';
import type { SignatureAlgorithm } from '../store/ports.ts';
import type { FunctionsLimits } from './functions/functions.ts';
import type { ArchiveCopy } from './resources/copies.ts';
import type { LogDomain, Throttle } from './resources/http-api.ts';
import type { Stage } from './resources/stage.ts';
import type { RetentionProps, TrailRetentionProps } from './retention.ts';

/**
 * How far the rotation of signing keys has come. Neither number can go down: the stack refuses an update that would leave a
 * key behind or let a retired one sign again.
 */
export interface KeyRotation {
  /** Keys that were made, the oldest first; all but the retired ones sign every checkpoint. */
  readonly made: number;
  /** How many of them, the oldest first, sign no more. */
  readonly retired: number;
}

/** What an audit log is made with. Only its name has to be given. */
export interface SealtrailProps extends RetentionProps {
  /**
   * The first part of every checkpoint's origin, such as `audit.example.com`. It is signed into every checkpoint and can
   * never be changed. Without spaces and `+`.
   */
  readonly logName: string;
  /**
   * What the defaults below are for.
   *
   * @default 'dev': everything can be taken back, and little is kept
   */
  readonly stage?: Stage;
  /**
   * What differs by trail from `hotFor`, `archiveFor` and `lock`: of each, the last entry that matches a trail and has it
   * counts.
   *
   * @default nothing
   * @example [{ trail: 'debug-*', hotFor: Duration.days(7), archiveFor: Duration.days(30), lock: 'governance' }]
   */
  readonly trailRetention?: readonly TrailRetentionProps[];
  /**
   * What checkpoints are signed with. Witnesses take Ed25519 alone; P-256 is for regions in which KMS does not have it.
   *
   * @default 'ed25519'
   */
  readonly signingAlgorithm?: SignatureAlgorithm;
  /**
   * The rotation of signing keys, one deployment for each step: with `{ made: 2, retired: 0 }` a second key signs
   * alongside the first; once those who verify trust it, with `{ made: 2, retired: 1 }` it signs alone, and KMS lets nobody
   * sign with the first one.
   *
   * @default { made: 1, retired: 0 }
   */
  readonly keyRotation?: KeyRotation;
  /**
   * What is redacted and masked in events before they are sealed.
   *
   * @default secrets are redacted, e-mail and IP addresses masked
   */
  readonly privacy?: PrivacyConfig;
  /**
   * Whether the trail `_access` keeps who read what: every query, summary, proof, export and verification through the
   * API. Each costs an append.
   *
   * @default true
   */
  readonly recordReads?: boolean;
  /**
   * How many requests the API lets through.
   *
   * @default 1,000 a second on average, 2,000 at once
   * @throws RangeError for less than 1, and for more than an account lets through: 10,000 a second, 5,000 at once
   */
  readonly throttle?: Throttle;
  /**
   * What functions may take, where they need more or less than by default.
   *
   * @default half a minute and 1,024 MB for the API, more for what follows and verifies; no concurrency reserved
   * @example { append: { memorySize: 2048, reservedConcurrency: 200 } }
   */
  readonly functions?: FunctionsLimits;
  /**
   * Runs of the follower at once for each shard of the table's stream, 1 to 10. More of them follow many busy trails sooner, and
   * take more of the account's concurrency.
   *
   * @default 1
   */
  readonly streamParallelism?: number;
  /**
   * How long records may wait for more before they are archived; one minute to six hours, in whole seconds. The longer, the fewer and
   * larger objects: a quiet trail pays for two of them each time. Until then they are in the table, acknowledged and signed.
   *
   * @default as soon as may be: under lock within a minute
   */
  readonly archiveDelay?: Duration;
  /**
   * Whether API Gateway counts requests, errors and latency of each route by itself, which costs up to 30 dollars a month. No alarm
   * and no graph of the stack needs it.
   *
   * @default false
   */
  readonly detailedMetrics?: boolean;
  /**
   * Where alarms go.
   *
   * @default a topic of its own, without subscribers
   */
  readonly alarmTopic?: ITopic;
  /**
   * A name of yours for the API, which is its endpoint then.
   *
   * @default the name that API Gateway gives
   */
  readonly domain?: LogDomain;
  /**
   * A bucket that S3 copies the archive to, in an account that other people administer. docs/operations.md has what that bucket
   * needs, and how to verify the copy.
   *
   * @default no copy
   */
  readonly archiveCopy?: ArchiveCopy;
  /**
   * How long daily backups of the table are kept in a vault of AWS Backup.
   *
   * @default none: in prod the table can be restored to any second of the last 35 days
   */
  readonly backup?: Duration;
  /**
   * Whether CloudTrail records every write to the table and the archive, which says who tampered. A trail and a bucket of its own;
   * 0.10 dollars for 100,000 writes.
   *
   * @default false: the account may have a trail for this already
   */
  readonly recordWrites?: boolean;
  /**
   * Who may disable the signing key or schedule its deletion.
   *
   * @default nobody; in dev CloudFormation schedules it when the stack is removed
   */
  readonly breakGlass?: readonly IPrincipal[];
  /**
   * A key of yours that encrypts the table, the archive and the bucket for failed batches. Its policy has to leave its use
   * to IAM. Whoever disables it stops the log, and whoever deletes it has destroyed the log, locked archive included:
   * guard it as you would guard the records, and see docs/deploying.md.
   *
   * @default keys that AWS owns, which nobody can disable or delete
   */
  readonly encryptionKey?: IKey;
  /**
   * A folder with the bundled functions.
   *
   * @default those that come with the package; in the repository, what `npm run bundle` made
   */
  readonly functionsFolder?: string;
}
