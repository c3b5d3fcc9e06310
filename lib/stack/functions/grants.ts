import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Grant, type IGrantable, ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { routeArn } from '../resources/http-api.ts';
import { explainPatterns } from '../resources/nag.ts';
import { checkPatterns, type Permission, routesFor } from '../resources/routes.ts';

/**
 * Lets somebody call the routes of a permission.
 *
 * @throws RangeError for a pattern that no trail's name can match
 */
export function grantRoutes(
  api: HttpApi,
  grantee: IGrantable,
  permission: Permission,
  trails: readonly string[],
): Grant {
  return Grant.addToPrincipal({
    grantee,
    actions: ['execute-api:Invoke'],
    resourceArns: routesFor(permission, trails).map(({ method, path }) => routeArn(api, method, path)),
  });
}

/**
 * Lets somebody read the archive of trails, every version of every object, and the public keys. Who may read all trails
 * may list the whole bucket, as a verification of all trails does.
 *
 * @throws RangeError for a pattern that no trail's name can match
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

/** What {@link TrailPolicies} give access to. */
export interface PolicyGrants {
  grantAppend(grantee: IGrantable, trails: readonly string[]): Grant;
  grantRead(grantee: IGrantable, trails: readonly string[]): Grant;
  grantVerify(grantee: IGrantable, trails: readonly string[]): Grant;
  grantExport(grantee: IGrantable, trails: readonly string[]): Grant;
  grantArchiveRead(grantee: IGrantable, trails: readonly string[]): Grant;
}

/**
 * Managed policies for some trails, to attach to users and roles that no stack of yours makes. IAM's limit of 6,144
 * characters lets about a dozen patterns into one.
 */
export class TrailPolicies extends Construct {
  /** Appends, and nothing else. */
  readonly writer: ManagedPolicy;
  /** Everything of the API that changes no log: queries, records, summaries, checkpoints, proofs, keys, exports. */
  readonly auditor: ManagedPolicy;
  /** The archive in S3, all versions, without the API. */
  readonly archiveAuditor: ManagedPolicy;

  constructor(scope: Construct, id: string, log: PolicyGrants, trails: readonly string[]) {
    super(scope, id);
    const which = trails.join(', ');
    const policy = (name: string, description: string) => new ManagedPolicy(this, name, { description });
    this.writer = policy('Writer', `Sealtrail: append to trails ${which}`);
    log.grantAppend(this.writer, trails);
    this.auditor = policy('Auditor', `Sealtrail: read, verify and export trails ${which}`);
    log.grantRead(this.auditor, trails);
    log.grantVerify(this.auditor, trails);
    log.grantExport(this.auditor, trails);
    this.archiveAuditor = policy('ArchiveAuditor', `Sealtrail: read the archive of trails ${which}`);
    log.grantArchiveRead(this.archiveAuditor, trails);
    for (const policy of [this.writer, this.auditor, this.archiveAuditor]) explainPatterns(policy);
  }
}
