import { Duration, Names } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable, type IPrincipal } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { type PrivacyConfig, privacyConfigSchema } from '../event/privacy.ts';
import type { SignatureAlgorithm } from '../store/ports.ts';
import { alarms } from './alarms.ts';
import { wakeFollower, wakeVerifier } from './following.ts';
import { bundledFunctions, type Worker, type WorkerContext, worker, workerRole } from './functions.ts';
import { logApi, routeArn, type Throttle } from './http-api.ts';
import { checkLogName } from './log-name.ts';
import { explainFindings } from './nag.ts';
import {
  allowAppends,
  allowArchiveReads,
  allowArchiving,
  allowIndexing,
  allowLedgerReads,
  allowSystemRecords,
  allowVerifying,
} from './permissions.ts';
import { type Permission, routesFor } from './routes.ts';
import { signingKey } from './signing-key.ts';
import { type Lock, STAGES, type Stage } from './stage.ts';
import { archiveBucket, failedBatches, guardArchive, ledgerTable } from './storage.ts';

export interface SealtrailProps {
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
   * How archived objects are locked. Compliance cannot be undone by anybody: the bucket stays, and is paid for, until the
   * last lock has run out.
   *
   * @default governance in dev, compliance in prod
   */
  readonly lock?: Lock;
  /**
   * How long each archived object is locked, from the moment it is written; whole days.
   *
   * @default one day in dev, seven years in prod
   */
  readonly archiveFor?: Duration;
  /**
   * What checkpoints are signed with. Witnesses take Ed25519 alone; P-256 is for regions in which KMS does not have it.
   *
   * @default 'ed25519'
   */
  readonly signingAlgorithm?: SignatureAlgorithm;
  /**
   * What is redacted and masked in events before they are sealed.
   *
   * @default secrets are redacted, e-mail and IP addresses masked
   */
  readonly privacy?: PrivacyConfig;
  /**
   * How many requests the API lets through.
   *
   * @default 1,000 a second on average, 2,000 at once
   */
  readonly throttle?: Throttle;
  /**
   * Where alarms go.
   *
   * @default a topic of its own, without subscribers
   */
  readonly alarmTopic?: ITopic;
  /**
   * Who may disable the signing key or schedule its deletion.
   *
   * @default in dev whoever may deploy the stack, in prod nobody
   */
  readonly breakGlass?: readonly IPrincipal[];
  /**
   * A folder with the bundled functions.
   *
   * @default those that come with the package; in the repository, what `npm run bundle` made
   */
  readonly functionsFolder?: string;
}

const DEFAULT_THROTTLE: Throttle = { rate: 1000, burst: 2000 };

/**
 * A tamper-evident audit log: an HTTP API behind IAM, a table, a locked archive, a signing key, and what keeps them in
 * step. Nobody may use it until it is granted.
 *
 * @example
 * const log = new Sealtrail(this, 'AuditLog', { logName: 'audit.example.com', stage: 'prod' });
 * log.grantAppend(shopFunction, ['orders', 'payments-*']);
 * log.grantRead(analystRole, ['*']);
 */
export class Sealtrail extends Construct {
  readonly api: HttpApi;
  readonly table: ITable;
  readonly archive: IBucket;
  readonly signingKey: Key;
  readonly alarmTopic: ITopic;
  /** Where the API is: what `SEALTRAIL_ENDPOINT` is set to. */
  readonly endpoint: string;

  /** @throws RangeError for a log name that cannot be signed, or when the functions are not bundled */
  constructor(scope: Construct, id: string, props: SealtrailProps) {
    super(scope, id);
    const { logName, stage: stageName = 'dev', signingAlgorithm = 'ed25519' } = props;
    const stage = STAGES[stageName];
    const lock = { lock: props.lock ?? stage.lock, archive: props.archiveFor ?? stage.archive };
    checkLogName(logName);
    if (lock.archive.toDays() < 1) throw new RangeError('archiveFor must be at least one day');

    this.table = ledgerTable(this, stage);
    this.archive = archiveBucket(this, stage, lock);
    const failed = failedBatches(this, stage);
    // Roles come first: the key and the archive name them in their policies.
    const roles = {
      append: workerRole(this, 'Append'),
      read: workerRole(this, 'Read'),
      seal: workerRole(this, 'Seal'),
      follow: workerRole(this, 'Follow'),
      verify: workerRole(this, 'Verify'),
    };
    this.signingKey = signingKey(this, {
      algorithm: signingAlgorithm,
      signers: [roles.append, roles.seal, roles.follow],
      readers: [roles.read, roles.verify],
      breakGlass: props.breakGlass ?? [],
      mayBeDeleted: stageName === 'dev',
      removal: stage.removal,
    });
    guardArchive(this.archive, [roles.follow, roles.seal], lock.lock === 'governance' && stageName === 'dev');
    for (const role of Object.values(roles)) allowLedgerReads(role, this.table);
    allowAppends(roles.append, this.table);
    allowArchiveReads(roles.read, this.archive);
    allowArchiving(roles.seal, this.table, this.archive);
    allowArchiving(roles.follow, this.table, this.archive);
    allowIndexing(roles.follow, this.table);
    allowSystemRecords(roles.follow, this.table);
    allowVerifying(roles.verify, this.table, this.archive);

    const service = Names.uniqueResourceName(this, { maxLength: 64 });
    const context: WorkerContext = {
      folder: props.functionsFolder ?? bundledFunctions(),
      logRetention: stage.logDays,
      removal: stage.removal,
      environment: {
        SEALTRAIL_TABLE: this.table.tableName,
        SEALTRAIL_BUCKET: this.archive.bucketName,
        SEALTRAIL_SIGNING_KEY: this.signingKey.keyArn,
        SEALTRAIL_SIGNING_ALGORITHM: signingAlgorithm,
        SEALTRAIL_LOG_NAME: logName,
        SEALTRAIL_LOCK: lock.lock,
        SEALTRAIL_ARCHIVE_DAYS: String(lock.archive.toDays()),
        SEALTRAIL_PRIVACY: JSON.stringify(privacyConfigSchema.parse(props.privacy ?? {})),
        POWERTOOLS_SERVICE_NAME: service,
      },
    };
    const workers = this.#workers(context, roles);
    wakeFollower(this, workers.follow.fn, this.table, failed);
    wakeVerifier(this, workers.verify.fn);

    const functions = { append: workers.append.fn, read: workers.read.fn, seal: workers.seal.fn };
    const { logRetention, removal } = context;
    const throttle = props.throttle ?? DEFAULT_THROTTLE;
    const { api, stage: apiStage } = logApi(this, { functions, throttle, logRetention, removal });
    this.api = api;
    this.endpoint = api.apiEndpoint;

    this.alarmTopic = props.alarmTopic ?? new Topic(this, 'Alarms', { enforceSSL: true });
    alarms(this, {
      topic: this.alarmTopic,
      service,
      stage: apiStage,
      functions: {
        Append: functions.append,
        Read: functions.read,
        Seal: functions.seal,
        Follow: workers.follow.fn,
        Verify: workers.verify.fn,
      },
      follower: workers.follow.fn,
    });
    explainFindings({
      archive: this.archive,
      failed,
      archiveReaders: [roles.read, roles.seal, roles.follow, roles.verify],
      follower: roles.follow,
    });
  }

  /**
   * Lets somebody append to trails. `*` stands for any characters; in IAM it stands for the system's own trails too, to
   * which nobody can append.
   */
  grantAppend(grantee: IGrantable, trails: readonly string[]): Grant {
    return this.#grantRoutes(grantee, 'append', trails);
  }

  /** Lets somebody query trails, and read records, summaries, proofs and checkpoints. The list of trails is for all. */
  grantRead(grantee: IGrantable, trails: readonly string[]): Grant {
    return this.#grantRoutes(grantee, 'read', trails);
  }

  /** Lets somebody fetch checkpoints, proofs and public keys, but no record. */
  grantVerify(grantee: IGrantable, trails: readonly string[]): Grant {
    return this.#grantRoutes(grantee, 'verify', trails);
  }

  /** Lets somebody ask for a seal. */
  grantSeal(grantee: IGrantable, trails: readonly string[]): Grant {
    return this.#grantRoutes(grantee, 'admin', trails);
  }

  /**
   * Lets somebody read the archive of trails in S3, every version of every object: all that an auditor needs, without
   * the API. Both the bucket's and the auditor's account must be the same, or the bucket's policy must say so too.
   */
  grantArchiveRead(grantee: IGrantable, trails: readonly string[]): Grant {
    routesFor('read', trails); // throws for what is no pattern
    const folders = [...trails, 'keys'];
    const objects = Grant.addToPrincipal({
      grantee,
      actions: ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectRetention', 's3:GetObjectLegalHold'],
      resourceArns: folders.map((folder) => this.archive.arnForObjects(`${folder}/*`)),
    });
    const listing = Grant.addToPrincipal({
      grantee,
      actions: ['s3:ListBucket', 's3:ListBucketVersions'],
      resourceArns: [this.archive.bucketArn],
      conditions: { StringLike: { 's3:prefix': folders.map((folder) => `${folder}/*`) } },
    });
    const configuration = Grant.addToPrincipal({
      grantee,
      actions: ['s3:GetBucketObjectLockConfiguration', 's3:GetBucketVersioning'],
      resourceArns: [this.archive.bucketArn],
    });
    return objects.combine(listing).combine(configuration);
  }

  #grantRoutes(grantee: IGrantable, permission: Permission, trails: readonly string[]): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['execute-api:Invoke'],
      resourceArns: routesFor(permission, trails).map(({ method, path }) => routeArn(this.api, method, path)),
    });
  }

  #workers(
    context: WorkerContext,
    roles: Readonly<Record<'append' | 'read' | 'seal' | 'follow' | 'verify', Worker['role']>>,
  ) {
    // API Gateway waits for 30 seconds.
    const api = { timeout: Duration.seconds(29), memorySize: 1024 };
    return {
      append: worker(this, 'Append', context, {
        ...api,
        bundle: 'append',
        description: 'Sealtrail: takes events in',
        role: roles.append,
      }),
      read: worker(this, 'Read', context, {
        ...api,
        bundle: 'read',
        description: 'Sealtrail: answers queries and proofs',
        role: roles.read,
      }),
      seal: worker(this, 'Seal', context, {
        ...api,
        bundle: 'seal',
        description: 'Sealtrail: seals a trail on request',
        role: roles.seal,
      }),
      follow: worker(this, 'Follow', context, {
        timeout: Duration.minutes(5),
        memorySize: 1024,
        bundle: 'follow',
        description: 'Sealtrail: seals, archives and indexes',
        role: roles.follow,
      }),
      verify: worker(this, 'Verify', context, {
        timeout: Duration.minutes(15),
        memorySize: 1769,
        bundle: 'verify',
        description: 'Sealtrail: verifies every trail and its archive',
        role: roles.verify,
      }),
    };
  }
}
