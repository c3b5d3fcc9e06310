import * as z from 'zod';
import { type RetentionConfig, retentionConfigSchema } from '../lib/followers/expiry/retention.ts';
import { type PrivacyConfig, privacyConfigSchema } from '../lib/privacy/policy.ts';

/** What the stack tells a function, through its environment. Names of variables are in {@link environmentOf}. */
export interface Environment {
  readonly table: string;
  readonly bucket: string;
  /** The bucket that exports are handed out from. */
  readonly exports: string;
  /** ARNs of the keys that sign checkpoints, each of them every one; at least one. */
  readonly signingKeys: readonly string[];
  /** ARNs of the keys that signed once. */
  readonly retiredKeys: readonly string[];
  /** Of all keys. */
  readonly signingAlgorithm: 'ed25519' | 'ecdsa-p256';
  readonly logName: string;
  /** How long records stay where, and how they are locked. */
  readonly retention: RetentionConfig;
  readonly privacy: PrivacyConfig;
  /** Whether the trail `_access` keeps who read what. */
  readonly recordsReads: boolean;
}

const list = z.string().transform((text) => text.split(',').filter((one) => one !== ''));

const json = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown; // of what shape is checked next
  } catch {
    context.addIssue('is not JSON');
    return z.NEVER;
  }
});

const schema = z.object({
  SEALTRAIL_TABLE: z.string().min(1),
  SEALTRAIL_BUCKET: z.string().min(1),
  SEALTRAIL_EXPORTS: z.string().min(1),
  SEALTRAIL_SIGNING_KEYS: list.pipe(z.array(z.string()).min(1)),
  SEALTRAIL_RETIRED_KEYS: list.default([]),
  SEALTRAIL_SIGNING_ALGORITHM: z.enum(['ed25519', 'ecdsa-p256']),
  SEALTRAIL_LOG_NAME: z.string().min(1),
  SEALTRAIL_RETENTION: json.pipe(retentionConfigSchema),
  SEALTRAIL_RECORD_READS: z.enum(['true', 'false']).default('true'),
  SEALTRAIL_PRIVACY: json.pipe(privacyConfigSchema).default({}),
});

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment that the stack sets.
 *
 * @throws RangeError naming the variable: the stack and the functions do not fit together
 */
export function environmentOf(variables: Variables): Environment {
  const data = read(schema, variables);
  return {
    table: data.SEALTRAIL_TABLE,
    bucket: data.SEALTRAIL_BUCKET,
    exports: data.SEALTRAIL_EXPORTS,
    signingKeys: data.SEALTRAIL_SIGNING_KEYS,
    retiredKeys: data.SEALTRAIL_RETIRED_KEYS,
    signingAlgorithm: data.SEALTRAIL_SIGNING_ALGORITHM,
    logName: data.SEALTRAIL_LOG_NAME,
    retention: data.SEALTRAIL_RETENTION,
    privacy: data.SEALTRAIL_PRIVACY,
    recordsReads: data.SEALTRAIL_RECORD_READS === 'true',
  };
}

const orders = z.object({ SEALTRAIL_FOLLOWER: z.string().min(1) });

/**
 * The name of the function that follows, which is told only to the one that gives it orders.
 *
 * @throws as {@link environmentOf}
 */
export const followerOf = (variables: Variables): string => read(orders, variables).SEALTRAIL_FOLLOWER;

function read<T>(what: z.ZodType<T>, variables: Variables): T {
  const parsed = what.safeParse(variables);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new RangeError(`the environment variable ${issue?.path.join('.')} is not right: ${issue?.message}`);
}
