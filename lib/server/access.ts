import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { type Grant, grantSchema, Principal } from '../api/core/principal.ts';
import { SealtrailError } from '../log/error.ts';

/** `access.json`: which access key is whose, and what they may do. It holds no secret. */
export const accessSchema = z.strictObject({
  principals: z.array(grantSchema.extend({ accessKeyId: z.string().regex(/^[\w.-]{1,128}$/) })).max(10_000),
});
export type Access = z.infer<typeof accessSchema>;

/** A secret access key under its profile's name, as in an AWS credentials file. */
export interface Profile {
  readonly profile: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The profiles of a new data folder. The system's own trails are for `auditor` and `admin` to see. */
const FIRST_GRANTS: readonly Grant[] = [
  { name: 'writer', actions: ['append'], trails: ['*'] },
  { name: 'auditor', actions: ['read', 'verify', 'export'], trails: ['*', '_*'] },
  { name: 'admin', actions: ['append', 'read', 'verify', 'export', 'admin'], trails: ['*', '_*'] },
];

/** Fresh random keys for a new data folder, one for each of its three principals. */
export function firstProfiles(): readonly Profile[] {
  return FIRST_GRANTS.map(({ name }) => ({
    profile: name,
    accessKeyId: newAccessKeyId(),
    secretAccessKey: randomBytes(30).toString('base64'),
  }));
}

/** The rights of the profiles of a new data folder. Profiles by other names get nothing. */
export function firstAccess(profiles: readonly Profile[]): Access {
  const principals = FIRST_GRANTS.flatMap((grant) => {
    const profile = profiles.find((one) => one.profile === grant.name);
    return profile === undefined ? [] : [{ ...grant, accessKeyId: profile.accessKeyId }];
  });
  return { principals };
}

/** 20 characters as AWS has them, with a prefix of our own so that no scanner takes them for keys to an account. */
function newAccessKeyId(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return `SLTR${[...randomBytes(16)].map((byte) => alphabet[byte % 32]).join('')}`;
}

/** A credentials file as the AWS SDKs and the AWS command line read it. */
export function formatCredentials(profiles: readonly Profile[]): string {
  return profiles
    .map(
      ({ profile, accessKeyId, secretAccessKey }) =>
        `[${profile}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    )
    .join('\n');
}

/**
 * Reads a credentials file.
 *
 * @throws `invalid_parameter` naming the line, never its content
 */
export function parseCredentials(text: string): Profile[] {
  const profiles = new Map<string, Map<string, string>>();
  let current: Map<string, string> | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const profile = /^\[\s*([^\]]+?)\s*\]$/.exec(line)?.[1];
    const [, name, value] = /^([a-z_]+)\s*=\s*(\S.*)$/.exec(line) ?? [];
    if (profile !== undefined) {
      current = profiles.get(profile) ?? new Map();
      profiles.set(profile, current);
    } else if (current !== undefined && name !== undefined && value !== undefined) current.set(name, value);
    else throw new SealtrailError('invalid_parameter', `line ${index + 1} of the credentials file is not readable`);
  }
  return [...profiles].map(([profile, values]) => {
    const accessKeyId = values.get('aws_access_key_id');
    const secretAccessKey = values.get('aws_secret_access_key');
    if (accessKeyId === undefined || secretAccessKey === undefined) {
      throw new SealtrailError(
        'invalid_parameter',
        `profile ${profile} of the credentials file has no key or no secret`,
      );
    }
    return { profile, accessKeyId, secretAccessKey };
  });
}

/** Who may come in: secrets by access key, and the principals behind them. */
export class Directory {
  readonly #secrets: ReadonlyMap<string, string>;
  readonly #principals: ReadonlyMap<string, Principal>;

  /** @throws `invalid_parameter` when a principal's access key has no secret, or two share one */
  constructor(access: Access, profiles: readonly Profile[]) {
    this.#secrets = new Map(profiles.map(({ accessKeyId, secretAccessKey }) => [accessKeyId, secretAccessKey]));
    const principals = new Map<string, Principal>();
    for (const { accessKeyId, ...grant } of access.principals) {
      if (!this.#secrets.has(accessKeyId)) {
        const message = `access.json names the key ${accessKeyId} of ${grant.name}, which the credentials file does not have`;
        throw new SealtrailError('invalid_parameter', message);
      }
      if (principals.has(accessKeyId)) {
        throw new SealtrailError('invalid_parameter', `access.json names the key ${accessKeyId} twice`);
      }
      principals.set(accessKeyId, new Principal(grant));
    }
    this.#principals = principals;
  }

  /** The secret of a known access key. */
  secretOf(accessKeyId: string): string | undefined {
    return this.#principals.has(accessKeyId) ? this.#secrets.get(accessKeyId) : undefined;
  }

  principalOf(accessKeyId: string): Principal | undefined {
    return this.#principals.get(accessKeyId);
  }
}
