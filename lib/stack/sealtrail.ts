import { Names } from 'aws-cdk-lib';
import type { RestApi, DomainName as RestDomainName, Stage as RestStage } from 'aws-cdk-lib/aws-apigateway';
import type { DomainName, HttpApi, HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { type Grant, type IGrantable, type IPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import type { IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { assertUsableService } from '../followers/timestamps/timestamper.ts';
import { assertUsable } from '../followers/witnesses/usable-policy.ts';
import { parsePolicy } from '../log/policy.ts';
import { privacyConfigSchema } from '../privacy/config/privacy-config.ts';
import { parseAuthorities } from '../tsp/authorities.ts';
import { BucketEmptier, type PublicKey, publicKeysOf } from './functions/custom-resources.ts';
import { ASYNC_LIMITS, deadLetters } from './functions/dead-letters.ts';
import { exportsBucket, wakeExporter } from './functions/exporting.ts';
import { wakeFollower, wakeVerifier } from './functions/following.ts';
import { bundledFunctions, type Roles, type WorkerContext, workerRole, workers } from './functions/functions.ts';
import { grantArchiveReads, grantRoutes, TrailPolicies } from './functions/grants.ts';
import { Guard, releaseTable } from './functions/guard.ts';
import { indexBucket } from './functions/indexing.ts';
import { allowAskingItself, allowOrders } from './functions/permissions.ts';
import { allowWork, logRoles } from './functions/roles.ts';
import { fitted } from './functions/variables.ts';
import { checkLogName } from './log-name.ts';
import { type Alarms, alarms } from './monitoring/alarms.ts';
import { dashboard } from './monitoring/dashboard.ts';
import type { Observed } from './monitoring/metrics.ts';
import { alarmTopic } from './monitoring/topic.ts';
import type { SealtrailProps } from './props.ts';
import { backUpTable, copyArchive, recordWrites } from './resources/copies.ts';
import { openFront } from './resources/front.ts';
import type { LogApi, Throttle } from './resources/http-api.ts';
import { acknowledgeEmptying, acknowledgeFindings, acknowledgeUnprotected } from './resources/nag.ts';
import { STAGES } from './resources/stage.ts';
import { archiveBucket, failedBatches, guardArchive, guardTable, ledgerTable } from './resources/storage.ts';
import { checkedDelay, checkedRounds, retentionOf } from './retention.ts';
import { signingKeys } from './signing-key.ts';

const DEFAULT_THROTTLE: Throttle = { rate: 1000, burst: 2000 };

const arnsOf = (keys: readonly Key[]): string => keys.map(({ keyArn }) => keyArn).join(',');

/**
 * A tamper-evident audit log: an HTTP API with IAM authorisation, a table, a locked archive, a signing key, and the functions
 * that keep them in step. All access must be granted.
 *
 * @example
 * const log = new Sealtrail(this, 'AuditLog', { logName: 'audit.example.com', stage: 'prod' });
 * log.grantAppend(shopFunction, ['orders', 'payments-*']);
 * log.grantRead(analystRole, ['*']);
 */
export class Sealtrail extends Construct {
  /** A REST API with the prop `restApi`. */
  readonly api: HttpApi | RestApi;
  readonly table: ITable;
  readonly archive: IBucket;
  /** The keys that sign checkpoints, the oldest first; usually one. */
  readonly signingKeys: readonly Key[];
  readonly alarmTopic: ITopic;
  /** Each alarm, and the one over all of them. Add actions to them, such as a pager. */
  readonly alarms: Alarms;
  /** The dashboard, to which graphs can be added. */
  readonly dashboard: Dashboard;
  /** The functions by name; each has a `logGroup` and a `role`. */
  readonly functions: Readonly<Record<keyof Roles, LambdaFunction>>;
  /** The stage of the API, for example for a domain shared by several logs. */
  readonly stage: HttpStage | RestStage;
  /** The custom domain, to point a record at, if any. */
  readonly domain: DomainName | RestDomainName | undefined;
  /** The access log of the API. */
  readonly accessLogs: ILogGroup;
  /** The public keys of the signing keys, in the same order, known at deployment. */
  readonly publicKeys: readonly PublicKey[];
  /** The URL of the API, for `SEALTRAIL_ENDPOINT`. */
  readonly endpoint: string;
  readonly #encryptionKey: IKey | undefined;
  readonly #front: LogApi;

  /** @throws RangeError for an invalid log name, or if the functions are not bundled */
  constructor(scope: Construct, id: string, props: SealtrailProps) {
    super(scope, id);
    const { logName, signingAlgorithm = 'ed25519', encryptionKey: key, witnessPolicy, timestamps } = props;
    const { stageName, stage, rotation, lock, archiveDelay, retention, isRemovable, recordsReads } = settingsOf(props);
    const witnessEvery = checkedRounds(props.witnessEvery);

    const table = ledgerTable(this, stage, key);
    this.table = table as ITable; // CDK is not written for exactOptionalPropertyTypes: its own classes miss its own interfaces
    this.archive = archiveBucket(this, stage, lock);
    const failed = failedBatches(this, stage, key);
    const exports = exportsBucket(this, stage, key);
    const index = indexBucket(this, stage, key);
    const roles = logRoles(this);
    this.#encryptionKey = key;
    const publicKeyRole = workerRole(this, 'PublicKey');
    const keys = signingKeys(this, {
      rotation,
      algorithm: signingAlgorithm,
      signers: [roles.append, roles.follow],
      readers: [roles.read, roles.export, roles.verify, publicKeyRole],
      breakGlass: props.breakGlass ?? [],
      goesWithStack: stageName === 'dev',
    });
    this.signingKeys = keys.signing;
    guardTable(table, Object.values(roles));
    guardArchive(this.archive, roles.follow, isRemovable);
    allowWork(roles, {
      table: this.table,
      archive: this.archive,
      exports,
      index,
      key,
      recordsReads,
      isRemovable,
      statesHeads: witnessPolicy !== undefined,
    });

    const service = Names.uniqueResourceName(this, { maxLength: 64 });
    const deployment: WorkerContext = {
      folder: props.functionsFolder ?? bundledFunctions(),
      logRetention: stage.logDays,
      removal: stage.removal,
      environment: { POWERTOOLS_SERVICE_NAME: service },
      layers: [],
    };
    const context: WorkerContext = {
      ...deployment,
      ...fitted(this, {
        ...deployment.environment,
        SEALTRAIL_TABLE: this.table.tableName,
        SEALTRAIL_BUCKET: this.archive.bucketName,
        SEALTRAIL_EXPORTS: exports.bucketName,
        SEALTRAIL_INDEX: index.bucketName,
        SEALTRAIL_SIGNING_KEYS: arnsOf(keys.signing),
        SEALTRAIL_RETIRED_KEYS: arnsOf(keys.retired),
        SEALTRAIL_SIGNING_ALGORITHM: signingAlgorithm,
        SEALTRAIL_LOG_NAME: logName,
        SEALTRAIL_RETENTION: JSON.stringify(retention),
        SEALTRAIL_RECORD_READS: String(recordsReads),
        ...(witnessPolicy !== undefined && { SEALTRAIL_WITNESS_POLICY: witnessPolicy }),
        ...(witnessEvery !== undefined && { SEALTRAIL_WITNESS_EVERY_MS: String(witnessEvery.toMilliseconds()) }),
        ...timestampVariables(timestamps),
        ...(archiveDelay !== undefined && { SEALTRAIL_ARCHIVE_DELAY_MS: String(archiveDelay.toMilliseconds()) }),
        SEALTRAIL_PRIVACY: JSON.stringify(privacyConfigSchema.parse(props.privacy ?? {})),
      }),
    };
    const functions = workers(this, context, roles, props.functions ?? {});
    this.functions = functions;
    allowOrders(roles.seal, this.table, functions.follow);
    allowAskingItself(this, roles.verify, functions.verify);
    functions.seal.addEnvironment('SEALTRAIL_FOLLOWER', functions.follow.functionName);
    const parallelism = props.streamParallelism ?? 1;
    const followerMapping = wakeFollower(this, functions.follow, { table: this.table, failed, parallelism });
    wakeVerifier(this, functions.verify);
    wakeExporter(this, functions.export, exports);
    const signing = { keys: keys.signing, algorithm: signingAlgorithm, logName, signers: Object.values(functions) };
    this.publicKeys = publicKeysOf(this, deployment, { ...signing, role: publicKeyRole });
    const buckets = { Archive: this.archive, FailedBatches: failed, Exports: exports, Index: index };
    const writers = [functions.follow, functions.export];
    if (isRemovable)
      acknowledgeEmptying(new BucketEmptier(this, 'Emptying', deployment, { buckets, writers }).role, buckets);

    const { logRetention, removal } = context;
    const throttle = props.throttle ?? DEFAULT_THROTTLE;
    const groups = { ...functions, admin: functions.seal };
    const detailedMetrics = props.detailedMetrics ?? false;
    const api = { functions: groups, throttle, detailedMetrics, service, logRetention, removal };
    const front = openFront(this, api, props);
    this.#front = front;
    this.api = front.api;
    this.stage = front.stage;
    this.accessLogs = front.accessLogs;
    this.domain = front.domain;
    this.endpoint = this.domain === undefined ? front.endpoint : `https://${props.domain?.domainName}`;

    this.alarmTopic = alarmTopic(this, props.alarmTopic);
    const observed: Observed = {
      service,
      stage: this.stage,
      table: this.table,
      functions: {
        Append: functions.append,
        Read: functions.read,
        Export: functions.export,
        Seal: functions.seal,
        Follow: functions.follow,
        Verify: functions.verify,
      },
      follower: functions.follow,
      followerMapping,
      archiveDelayMs: archiveDelay?.toMilliseconds() ?? 0,
      isWitnessed: witnessPolicy !== undefined,
      isTimestamped: timestamps !== undefined,
      deadLetters: {
        Follow: deadLetters(this, functions.follow, ASYNC_LIMITS.follow),
        Export: deadLetters(this, functions.export, ASYNC_LIMITS.export),
        Verify: deadLetters(this, functions.verify, ASYNC_LIMITS.verify),
      },
    };
    this.alarms = alarms(this, this.alarmTopic, observed);
    this.dashboard = dashboard(this, this.alarms.each, observed);
    if (stage.protected) releaseTable(this, deployment, this.table);
    else acknowledgeUnprotected(this.table);
    acknowledgeFindings({
      archive: this.archive,
      failed,
      exports,
      index,
      indexUsers: [roles.follow, roles.read, roles.export],
      exporter: roles.export,
      archiveReaders: [roles.read, roles.export, roles.follow, roles.verify],
      follower: roles.follow,
    });
    if (props.archiveCopy !== undefined) copyArchive(this, this.archive, props.archiveCopy, key);
    if (props.backup !== undefined) backUpTable(this, this.table, props.backup, stage.removal);
    if (props.recordWrites === true) recordWrites(this, this.table, this.archive);
    const settings = { logName, stage: stageName, algorithm: signingAlgorithm, rotation };
    new Guard(this, 'Guard', deployment, settings).guards(this);
  }

  /**
   * Grants appending to trails, and getting the public keys that verify the receipts.
   *
   * @param trails names, in which `*` matches any characters. In IAM that includes the system trails, but no caller can
   *   append to those.
   * @throws RangeError for a pattern that matches no trail name; so do the other grants
   */
  grantAppend(grantee: IGrantable, trails: readonly string[]): Grant {
    return grantRoutes(this.#front, grantee, 'append', trails);
  }

  /**
   * Grants an OpenTelemetry Collector posting logs and traces to trails. They become records (docs/opentelemetry.md).
   *
   * @param trails names, in which `*` matches any characters
   */
  grantOtlp(grantee: IGrantable, trails: readonly string[]): Grant {
    return grantRoutes(this.#front, grantee, 'otlp', trails);
  }

  /**
   * Grants queries of trails, and reading records, summaries, proofs, checkpoints and the findings of the last verification.
   * The list of trails shows all of them, and their sizes.
   */
  grantRead(grantee: IGrantable, trails: readonly string[]): Grant {
    return grantRoutes(this.#front, grantee, 'read', trails);
  }

  /**
   * Grants reading checkpoints, proofs and public keys, and requesting verifications and their reports, but no records. In IAM
   * a `*` matches `/` too: with one in a trail's name, records of events with the id `checkpoint` or `consistency` can be
   * read.
   */
  grantVerify(grantee: IGrantable, trails: readonly string[]): Grant {
    return grantRoutes(this.#front, grantee, 'verify', trails);
  }

  /** Grants exporting trails, and downloading the exports. */
  grantExport(grantee: IGrantable, trails: readonly string[]): Grant {
    return grantRoutes(this.#front, grantee, 'export', trails);
  }

  /** Grants the same as `grantRead`, `grantVerify` and `grantExport`, in fewer lines, since policies are limited in length. */
  grantAudit(grantee: IGrantable, trails: readonly string[]): Grant {
    return grantRoutes(this.#front, grantee, 'audit', trails);
  }

  /** Grants sealing trails. */
  grantSeal(grantee: IGrantable, trails: readonly string[]): Grant {
    return grantRoutes(this.#front, grantee, 'admin', trails);
  }

  /** Grants setting, releasing and reading the legal hold of trails. */
  grantLegalHold(grantee: IGrantable, trails: readonly string[]): Grant {
    return grantRoutes(this.#front, grantee, 'hold', trails);
  }

  /**
   * Grants reading the archive of trails in S3, with every version of every object: all that an auditor needs, without the API.
   * A principal of another account also needs a statement in the policy of the bucket `log.archive`.
   *
   * A grant for some trails requires naming them (`sealtrail verify --trail`); one for `*` includes listing the whole bucket.
   */
  grantArchiveRead(grantee: IGrantable, trails: readonly string[]): Grant {
    return grantArchiveReads({ archive: this.archive, key: this.#encryptionKey }, grantee, trails);
  }

  /**
   * Makes a role for producers that cannot be granted access directly, such as those of another account: an HTTP API has no
   * resource policy, so its callers must belong to this account. Producers assume the role to append.
   *
   * @example
   * log.producerRole('Shop', { assumedBy: new AccountPrincipal('111122223333'), trails: ['orders'] });
   */
  producerRole(
    id: string,
    { assumedBy, trails }: { readonly assumedBy: IPrincipal; readonly trails: readonly string[] },
  ): Role {
    const role = new Role(this, `${id}Producers`, { assumedBy, description: 'Sealtrail: appends to trails' });
    this.grantAppend(role, trails);
    return role;
  }

  /**
   * Makes managed policies for a writer, an auditor and an archive auditor of trails, to attach to users and roles outside of
   * any stack.
   *
   * @param id the id of these three policies, unique within the log
   *
   * @example
   * const { writer } = log.policies('Payments', ['payments-*']);
   * writer.attachToRole(Role.fromRoleName(this, 'Shop', 'shop'));
   */
  policies(id: string, trails: readonly string[]): TrailPolicies {
    return new TrailPolicies(this, `${id}Policies`, this, trails);
  }
}

/** @throws RangeError for a URL or certificates that cannot be used */
function timestampVariables(timestamps: SealtrailProps['timestamps']): Record<string, string> {
  if (timestamps === undefined) return {};
  const { url, authorities } = timestamps;
  assertUsableService({ url });
  if (authorities === undefined) return { SEALTRAIL_TSA_URL: url };
  parseAuthorities(authorities);
  return { SEALTRAIL_TSA_URL: url, SEALTRAIL_TSA_AUTHORITIES: authorities };
}

/** The settings of a log, with the defaults of its stage. @throws RangeError for one that is invalid */
function settingsOf(props: SealtrailProps) {
  const { logName, stage: stageName = 'dev', keyRotation: rotation = { made: 1, retired: 0 }, witnessPolicy } = props;
  const stage = STAGES[stageName];
  checkLogName(logName);
  const archiveDelay = checkedDelay(props.archiveDelay);
  if (witnessPolicy !== undefined) assertUsable(parsePolicy(witnessPolicy), logName);
  const retention = retentionOf(props, props.trailRetention ?? [], stage);
  const locks = [retention.default, ...(retention.trails ?? [])].map((one) => one?.lock);
  const { lock = stage.lock, archiveFor: archive = stage.archive, encryptionKey: key } = props;
  return {
    ...{ stageName, stage, rotation, archiveDelay, retention },
    lock: { lock, archive, key },
    isRemovable: stageName === 'dev' && !locks.includes('compliance'),
    recordsReads: props.recordReads ?? true,
  };
}
