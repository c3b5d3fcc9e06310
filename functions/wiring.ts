import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { openExports } from '../lib/app/exports.ts';
import type { ArchivedLog, LogHooks, LogStores } from '../lib/app/log.ts';
import { openQueries } from '../lib/app/queries.ts';
import type { Exports } from '../lib/export/exports.ts';
import { type RetentionConfig, retentionConfigSchema } from '../lib/followers/expiry/retention.ts';
import { firstIssue } from '../lib/json/parse-or-throw.ts';
import { type PrivacyConfig, privacyConfigSchema } from '../lib/privacy/config/privacy-config.ts';
import { dynamoClient, kmsClient, s3Client } from '../lib/store/aws-clients.ts';
import { DynamoTable } from '../lib/store/dynamodb/table.ts';
import { KmsSigner } from '../lib/store/kms/signer.ts';
import type { Downloads, Files, Objects, Table } from '../lib/store/ports.ts';
import { S3Files } from '../lib/store/s3/files.ts';
import { S3Objects } from '../lib/store/s3/objects.ts';
import { count, countRetry, describe, logger } from './telemetry.ts';

/** Turns the environment that the stack sets into the stores and hooks of a function's log. */

/** A function's environment, as the stack sets it. {@link environmentOf} has the names of the variables. */
export interface Environment {
  readonly table: string;
  readonly bucket: string;
  /** The bucket of exports. */
  readonly exports: string;
  /** The bucket of the query index. */
  readonly index: string;
  /** ARNs of the keys that sign every checkpoint; at least one. */
  readonly signingKeys: readonly string[];
  /** ARNs of the keys that signed in the past. */
  readonly retiredKeys: readonly string[];
  /** The algorithm of all keys. */
  readonly signingAlgorithm: 'ed25519' | 'ecdsa-p256';
  readonly logName: string;
  /** How long records stay in the table and the archive, and how they are locked. */
  readonly retention: RetentionConfig;
  readonly privacy: PrivacyConfig;
  /** True if reads are recorded in the trail `_access`. */
  readonly recordsReads: boolean;
  /** The URL of a time-stamping service; undefined: none is asked. */
  readonly tsaUrl?: string;
  /** Certificates that must have issued that of the service, in PEM. */
  readonly tsaAuthorities?: string;
  /** How long records may wait for more before they are archived, in milliseconds; undefined: as soon as possible. */
  readonly archiveDelayMs?: number;
  /** A C2SP tlog-policy of witnesses to ask; undefined: none are. */
  readonly witnessPolicy?: string;
  /** The least time between two rounds of witnesses, in milliseconds; undefined: the default. */
  readonly witnessEveryMs?: number;
}

const list = z.string().transform((text) => text.split(',').filter((one) => one !== ''));

const json = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown; // its shape is checked next
  } catch {
    context.addIssue('is not JSON');
    return z.NEVER;
  }
});

const schema = z.object({
  SEALTRAIL_TABLE: z.string().min(1),
  SEALTRAIL_BUCKET: z.string().min(1),
  SEALTRAIL_EXPORTS: z.string().min(1),
  SEALTRAIL_INDEX: z.string().min(1),
  SEALTRAIL_SIGNING_KEYS: list.pipe(z.array(z.string()).min(1)),
  SEALTRAIL_RETIRED_KEYS: list.default([]),
  SEALTRAIL_SIGNING_ALGORITHM: z.enum(['ed25519', 'ecdsa-p256']),
  SEALTRAIL_LOG_NAME: z.string().min(1),
  SEALTRAIL_RETENTION: json.pipe(retentionConfigSchema),
  SEALTRAIL_RECORD_READS: z.enum(['true', 'false']).default('true'),
  SEALTRAIL_PRIVACY: json.pipe(privacyConfigSchema).default({}),
  SEALTRAIL_WITNESS_POLICY: z.string().optional(),
  SEALTRAIL_WITNESS_EVERY_MS: z.coerce.number().int().positive().optional(),
  SEALTRAIL_TSA_URL: z.string().optional(),
  SEALTRAIL_TSA_AUTHORITIES: z.string().optional(),
  SEALTRAIL_ARCHIVE_DELAY_MS: z.coerce.number().int().positive().optional(),
});

type Variables = Readonly<Record<string, string | undefined>>;

/** Adds the variables of the file that the stack uses if Lambda's environment of 4 KB is too small. */
function withFile(variables: Variables): Variables {
  const file = variables.SEALTRAIL_VARIABLES;
  if (file === undefined) return variables;
  return { ...variables, ...read(json.pipe(z.record(z.string(), z.string())), readFileSync(file, 'utf8'), file) };
}

/**
 * Parses the environment that the stack sets.
 *
 * @throws RangeError naming the variable, if the stack and the functions do not fit together
 */
export function environmentOf(variables: Variables): Environment {
  const data = read(schema, withFile(variables));
  return {
    table: data.SEALTRAIL_TABLE,
    bucket: data.SEALTRAIL_BUCKET,
    exports: data.SEALTRAIL_EXPORTS,
    index: data.SEALTRAIL_INDEX,
    signingKeys: data.SEALTRAIL_SIGNING_KEYS,
    retiredKeys: data.SEALTRAIL_RETIRED_KEYS,
    signingAlgorithm: data.SEALTRAIL_SIGNING_ALGORITHM,
    logName: data.SEALTRAIL_LOG_NAME,
    retention: data.SEALTRAIL_RETENTION,
    privacy: data.SEALTRAIL_PRIVACY,
    recordsReads: data.SEALTRAIL_RECORD_READS === 'true',
    ...(data.SEALTRAIL_WITNESS_POLICY !== undefined && { witnessPolicy: data.SEALTRAIL_WITNESS_POLICY }),
    ...(data.SEALTRAIL_WITNESS_EVERY_MS !== undefined && { witnessEveryMs: data.SEALTRAIL_WITNESS_EVERY_MS }),
    ...(data.SEALTRAIL_TSA_URL !== undefined && { tsaUrl: data.SEALTRAIL_TSA_URL }),
    ...(data.SEALTRAIL_TSA_AUTHORITIES !== undefined && { tsaAuthorities: data.SEALTRAIL_TSA_AUTHORITIES }),
    ...(data.SEALTRAIL_ARCHIVE_DELAY_MS !== undefined && { archiveDelayMs: data.SEALTRAIL_ARCHIVE_DELAY_MS }),
  };
}

const follower = z.object({ SEALTRAIL_FOLLOWER: z.string().min(1) });

/**
 * The name of the function `follow`, which only the invoking function has.
 *
 * @throws as {@link environmentOf}
 */
export const followerOf = (variables: Variables): string => read(follower, variables).SEALTRAIL_FOLLOWER;

const self = z.object({ AWS_LAMBDA_FUNCTION_NAME: z.string().min(1) });

/** The name of the running function, as set by Lambda. @throws as {@link environmentOf} */
export const ownName = (variables: Variables): string => read(self, variables).AWS_LAMBDA_FUNCTION_NAME;

function read<T>(what: z.ZodType<T>, input: unknown, from = 'the environment variable'): T {
  const parsed = what.safeParse(input);
  if (parsed.success) return parsed.data;
  const { path, message } = firstIssue(parsed.error);
  throw new RangeError(`${`${from} ${path.join('.')}`.trim()} is invalid: ${message}`);
}

/** The ledger's table. Its client finds region, credentials and endpoint like any AWS SDK. */
export const ledgerTable = ({ table }: Pick<Environment, 'table'>): Table =>
  new DynamoTable({ client: dynamoClient(), tableName: table, onRetry: countRetry });

/** The table and the keys, for a function that may not touch the archive. */
export function ledgerStores(environment: Environment): LogStores {
  const { signingKeys, retiredKeys, signingAlgorithm } = environment;
  const client = kmsClient();
  const signerOf = (keyId: string) => new KmsSigner({ client, keyId, algorithm: signingAlgorithm });
  return { table: ledgerTable(environment), signers: signingKeys.map(signerOf), retired: retiredKeys.map(signerOf) };
}

/** The archive's bucket. */
export const archiveObjects = ({ bucket }: Pick<Environment, 'bucket'>): Objects =>
  new S3Objects({ client: s3Client(), bucket });

/** The bucket of the query index. */
export const indexFiles = ({ index }: Pick<Environment, 'index'>): Files =>
  new S3Files({ client: s3Client(), bucket: index });

/** The table, the keys, and the buckets of the archive and the index. */
export const archivedStores = (
  environment: Environment,
): LogStores & { readonly objects: Objects; readonly files: Files } => ({
  ...ledgerStores(environment),
  objects: archiveObjects(environment),
  files: indexFiles(environment),
});

/** Hooks that count a log's activity. */
export const COUNTED: LogHooks = {
  onCommit: (_trail, _size, { events, bytes }) => {
    count('Events', events);
    count('Bytes', bytes);
  },
  onSigned: (_, waitedMs) => count('SealLag', waitedMs),
  onRetry: (_, retry) => countRetry(retry),
  onClockBehind: (error, trail) => {
    count('ClockBehind');
    logger.error("a trail's time is ahead of the clock", { trail, ...describe(error) });
  },
  onUnsealed: (trail, reason) => {
    count('Unsealed');
    logger.warn('an append could not sign: the signing follower will', { trail, ...describe(reason) });
  },
};

/** The prefix of requests for exports in their bucket, which the rule that wakes the function matches. No trail can
 * have this name. */
const REQUESTS = '.requests/';

/** A bucket for exports and their requests. */
interface ExportBucket extends Downloads {
  put(key: string, body: string): Promise<void>;
}

/**
 * Opens the exports of a log on AWS. A request is an object in their bucket, whose appearance starts the function apart from
 * the API call. This needs no client of another service, and AWS retries the start.
 *
 * @throws the Table's errors
 */
export async function exportsIn(log: ArchivedLog, downloads: ExportBucket): Promise<Exports> {
  return openExports(log, {
    downloads,
    queries: await openQueries(log),
    start: (trail, id) => downloads.put(`${REQUESTS}${trail}/${id}`, ''),
    onError: (error, trail, id) => {
      count('ExportFailures');
      logger.error('an export failed', { trail, export: id, ...describe(error) });
    },
  });
}

/** EventBridge's event for a new object (Amazon S3 user guide, "EventBridge event message structure"). */
export interface RequestedExport {
  readonly object: { readonly key: string };
}

/** The export of a request's object. @throws RangeError for any other object */
export function requestedExport({ object }: RequestedExport): { readonly trail: string; readonly id: string } {
  const [, trail, id] = /^\.requests\/([a-z0-9_-]+)\/([0-9a-f]{32})$/.exec(object.key) ?? [];
  if (trail === undefined || id === undefined) throw new RangeError(`no request for an export: ${object.key}`);
  return { trail, id };
}
