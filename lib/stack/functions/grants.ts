import { Grant, type IGrantable, ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { jsonLength } from '../resources/deployed-size.ts';
import type { LogApi } from '../resources/http-api.ts';
import { acknowledgePatterns } from '../resources/nag.ts';
import { auditRoutes, checkPatterns, type Permission, routesFor } from '../resources/routes.ts';

/**
 * Grants a permission's routes.
 *
 * @throws RangeError for a pattern that matches no trail name
 */
export function grantRoutes(
  { arnOf }: Pick<LogApi, 'arnOf'>,
  grantee: IGrantable,
  permission: Permission | 'audit',
  trails: readonly string[],
): Grant {
  const routes = permission === 'audit' ? auditRoutes(trails) : routesFor(permission, trails);
  return Grant.addToPrincipal({
    grantee,
    actions: ['execute-api:Invoke'],
    resourceArns: routes.map(({ method, path }) => arnOf(method, path)),
  });
}

/**
 * Grants reading the archive of trails, with every version of every object, and the public keys. A grant for all trails
 * includes listing the whole bucket, as a verification of all trails requires.
 *
 * @throws RangeError for a pattern that matches no trail name
 */
export function grantArchiveReads(
  { archive, key }: { readonly archive: IBucket; readonly key: IKey | undefined },
  grantee: IGrantable,
  trails: readonly string[],
): Grant {
  checkPatterns('read in the archive', trails);
  const folders = trails.includes('*') ? ['*'] : [...trails, 'keys'].map((folder) => `${folder}/*`);
  const objects = Grant.addToPrincipal({
    grantee,
    actions: ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectRetention', 's3:GetObjectLegalHold'],
    resourceArns: folders.map((folder) => archive.arnForObjects(folder)),
  });
  const listing = Grant.addToPrincipal({
    grantee,
    actions: ['s3:ListBucket', 's3:ListBucketVersions'],
    resourceArns: [archive.bucketArn],
    ...(folders.includes('*') ? {} : { conditions: { StringLike: { 's3:prefix': folders } } }),
  });
  const configuration = Grant.addToPrincipal({
    grantee,
    actions: ['s3:GetBucketLocation', 's3:GetBucketObjectLockConfiguration', 's3:GetBucketVersioning'],
    resourceArns: [archive.bucketArn],
  });
  const all = objects.combine(listing).combine(configuration);
  if (key === undefined) return all;
  const decryption = Grant.addToPrincipal({
    grantee,
    actions: ['kms:Decrypt'],
    resourceArns: [key.keyArn],
    conditions: { StringLike: { 'kms:ViaService': 's3.*.amazonaws.com' } },
  });
  return all.combine(decryption);
}

/** Parts of a log to which {@link TrailPolicies} grant access. */
export interface PolicyGrants {
  grantAppend(grantee: IGrantable, trails: readonly string[]): Grant;
  grantAudit(grantee: IGrantable, trails: readonly string[]): Grant;
  grantArchiveRead(grantee: IGrantable, trails: readonly string[]): Grant;
}

/** IAM's limit of a managed policy, in characters without white space (IAM user guide, "IAM and AWS STS quotas"). */
const POLICY_LIMIT = 6144;
const DESCRIPTION_LIMIT = 1000;

/** Managed policies for some trails, to attach to users and roles outside of your stacks. */
export class TrailPolicies extends Construct {
  /** Allows appending, and nothing else. */
  readonly writer: ManagedPolicy;
  /** Allows all read access through the API: queries, records, summaries, checkpoints, proofs, keys, exports. */
  readonly auditor: ManagedPolicy;
  /** Allows reading all versions of the archive in S3, without the API. */
  readonly archiveAuditor: ManagedPolicy;

  /** @throws RangeError for more patterns than fit into a policy, and for one that matches no trail name */
  constructor(scope: Construct, id: string, log: PolicyGrants, trails: readonly string[]) {
    super(scope, id);
    this.writer = this.#policy('Writer', 'append to', trails, (policy) => log.grantAppend(policy, trails));
    this.auditor = this.#policy('Auditor', 'read, verify and export', trails, (policy) =>
      log.grantAudit(policy, trails),
    );
    this.archiveAuditor = this.#policy('ArchiveAuditor', 'read the archive of', trails, (policy) =>
      log.grantArchiveRead(policy, trails),
    );
  }

  #policy(id: string, may: string, trails: readonly string[], grant: (policy: ManagedPolicy) => Grant): ManagedPolicy {
    const description = `Sealtrail: ${may} trails ${trails.join(', ')}`;
    const isShort = description.length <= DESCRIPTION_LIMIT;
    const policy = new ManagedPolicy(this, id, {
      description: isShort ? description : `Sealtrail: ${may} ${trails.length} patterns of trails`,
    });
    grant(policy);
    const length = jsonLength(this, policy.document);
    if (length > POLICY_LIMIT) {
      throw new RangeError(
        `the managed policy ${id} for ${trails.length} patterns of trails has up to ${length} characters, and IAM takes ${POLICY_LIMIT}: ` +
          'make several with fewer patterns each (policies of the construct), or use wider patterns',
      );
    }
    acknowledgePatterns(policy);
    return policy;
  }
}
