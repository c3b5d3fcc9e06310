import type { Duration } from 'aws-cdk-lib';
import type { IPrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { PrivacyConfig } from '../privacy/config/privacy-config.ts';
import type { SignatureAlgorithm } from '../store/ports.ts';
import type { FunctionsLimits } from './functions/functions.ts';
import type { ArchiveCopy } from './resources/copies.ts';
import type { LogDomain, Throttle } from './resources/http-api.ts';
import type { LogRestApi } from './resources/rest-api.ts';
import type { Stage } from './resources/stage.ts';
import type { RetentionProps, TrailRetentionProps } from './retention.ts';

/**
 * The state of the rotation of signing keys. Neither number can go down: the stack refuses an update that would drop a key or
 * let a retired one sign again.
 */
export interface KeyRotation {
  /** Number of keys made. All but the retired ones sign every checkpoint. */
  readonly made: number;
  /** Number of keys retired, oldest first. */
  readonly retired: number;
}

/** Properties of an audit log. Only its name is required. */
export interface SealtrailProps extends RetentionProps {
  /**
   * The first part of every checkpoint's origin, such as `audit.example.com`, without spaces and `+`. It is signed into every
   * checkpoint and can never be changed.
   */
  readonly logName: string;
  /**
   * The stage, which sets the defaults below.
   *
   * @default 'dev': everything can be undone, and little is kept
   */
  readonly stage?: Stage;
  /**
   * Exceptions from `hotFor`, `archiveFor`, `lock` and `keptFor` by trail. For each property, the last entry that matches the trail and
   * has the property applies.
   *
   * @default none
   * @example [{ trail: 'debug-*', hotFor: Duration.days(7), archiveFor: Duration.days(30), lock: 'governance' }]
   */
  readonly trailRetention?: readonly TrailRetentionProps[];
  /**
   * The algorithm that signs checkpoints. Witnesses accept only Ed25519; P-256 is for regions in which KMS lacks it.
   *
   * @default 'ed25519'
   */
  readonly signingAlgorithm?: SignatureAlgorithm;
  /**
   * The rotation of signing keys, one deployment per step. With `{ made: 2, retired: 0 }` a second key signs alongside the
   * first. Once all verifiers trust it, deploy `{ made: 2, retired: 1 }`: it then signs alone, and KMS refuses all signatures
   * with the first one.
   *
   * @default { made: 1, retired: 0 }
   */
  readonly keyRotation?: KeyRotation;
  /**
   * Redaction and masking of events before they are sealed.
   *
   * @default redacts secrets, and masks e-mail and IP addresses
   */
  readonly privacy?: PrivacyConfig;
  /**
   * True if reads are recorded in the trail `_access`: every query, summary, proof, export and verification through the API.
   * Each costs an append.
   *
   * @default true
   */
  readonly recordReads?: boolean;
  /**
   * Limits on requests to the API.
   *
   * @default 1,000 a second on average, 2,000 at once
   * @throws RangeError below 1, and above the limits of an account: 10,000 a second, 5,000 at once
   */
  readonly throttle?: Throttle;
  /**
   * Limits of the functions, where they differ from the defaults.
   *
   * @default half a minute and 1,024 MB for the API, more for following and verifying; no reserved concurrency
   * @example { append: { memorySize: 2048, reservedConcurrency: 200 } }
   */
  readonly functions?: FunctionsLimits;
  /**
   * Concurrent runs of the follower per shard of the table's stream, 1 to 10. More runs keep up with more busy trails, but use
   * more of the account's concurrency.
   *
   * @default 1
   */
  readonly streamParallelism?: number;
  /**
   * How long records may wait for more before they are archived; one minute to six hours, in whole seconds. A longer delay
   * means fewer and larger objects: a quiet trail pays for two each time. Until then the records are in the table,
   * acknowledged and signed.
   *
   * @default as soon as possible: locked within a minute
   */
  readonly archiveDelay?: Duration;
  /**
   * Witnesses that cosign the log's heads, and how many of them are enough: the text of a C2SP tlog-policy with their URLs, at
   * most some 8 KB. The function `Follow` asks them over the Internet. docs/witnesses.md explains it.
   *
   * @default none: the log's owner could roll it back unseen
   */
  readonly witnessPolicy?: string;
  /**
   * How often heads are stated and witnesses asked, if something is new; half a minute to five minutes. A record is under
   * cosignatures a minute or so after that; each round costs about as much as an append to a quiet trail.
   *
   * @default 5 minutes
   */
  readonly witnessEvery?: Duration;
  /**
   * A service that time-stamps each seal (RFC 3161): its URL and, if the log is to demand that one of them issued the service's
   * certificate, authorities in PEM. The function `Follow` asks it over the Internet, about once a day and trail.
   * docs/witnesses.md explains it.
   *
   * @default none
   */
  readonly timestamps?: { readonly url: string; readonly authorities?: string };
  /**
   * True if API Gateway counts requests, errors and latency per route, which costs up to 30 dollars a month. No alarm or graph
   * of the stack needs it.
   *
   * @default false
   */
  readonly detailedMetrics?: boolean;
  /**
   * The topic for alarms.
   *
   * @default a new topic without subscribers
   */
  readonly alarmTopic?: ITopic;
  /**
   * A custom domain for the API, which becomes its endpoint.
   *
   * @default the domain from API Gateway
   */
  readonly domain?: LogDomain;
  /**
   * A REST API in place of the HTTP API: private, reached by VPC endpoints alone, or with a web ACL of AWS WAF. Changing this on a
   * deployed log changes its endpoint.
   *
   * @default an HTTP API
   */
  readonly restApi?: LogRestApi;
  /**
   * A bucket to which S3 copies the archive, in an account with other administrators. docs/operations.md says what that bucket
   * needs, and how to verify the copy.
   *
   * @default no copy
   */
  readonly archiveCopy?: ArchiveCopy;
  /**
   * How long to keep daily backups of the table in a vault of AWS Backup.
   *
   * @default none: in prod the table can be restored to any second of the last 35 days
   */
  readonly backup?: Duration;
  /**
   * True if CloudTrail records every write to the table and the archive, which identifies tamperers. Uses a separate trail and
   * bucket, and costs 0.10 dollars per 100,000 writes.
   *
   * @default false: the account may already have a trail for this
   */
  readonly recordWrites?: boolean;
  /**
   * Principals that may disable the signing key or schedule its deletion.
   *
   * @default none; in dev CloudFormation schedules its deletion when the stack is removed
   */
  readonly breakGlass?: readonly IPrincipal[];
  /**
   * A key of yours that encrypts the table, the archive and the bucket for failed batches. Its policy has to leave its use
   * to IAM. Disabling it stops the log, and deleting it destroys the log, locked archive included:
   * guard it as you would guard the records, and see docs/deploying.md.
   *
   * @default keys that AWS owns, which cannot be disabled or deleted
   */
  readonly encryptionKey?: IKey;
  /**
   * The folder with the bundled functions.
   *
   * @default those in the package; in the repository, the output of `npm run bundle`
   */
  readonly functionsFolder?: string;
}
