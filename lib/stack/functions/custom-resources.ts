import { CustomResource, Duration, Tags } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { SignatureAlgorithm } from '../../store/ports.ts';
import { REMOVABLE } from '../../store/s3/empty.ts';
import { type WorkerContext, worker, workerRole } from './functions.ts';

/** Limits of the functions behind custom resources, which CloudFormation runs when the stack changes. */
const SMALL = { timeout: Duration.minutes(1), memorySize: 256 };

/** A public key of a log, known at deployment. */
export interface PublicKey {
  /** A line for the key files of `sealtrail verify`, which trusts the key for every trail: `spki:` and base64. */
  readonly keyLine: string;
  /** SHA-256 of the key's SubjectPublicKeyInfo in hex. */
  readonly fingerprint: string;
  /** The key as a C2SP vkey, under its name in the trail `_system`. Each trail has another name. */
  readonly systemVkey: string;
}

/** Inputs for the public keys. */
export interface PublicKeysProps {
  /** A role that may get the public keys, and nothing else. */
  readonly role: Role;
  readonly keys: readonly Key[];
  readonly algorithm: SignatureAlgorithm;
  readonly logName: string;
  /** The constructs that sign with these keys: updated only after the keys are known to be the log's. */
  readonly signers: readonly Construct[];
}

/** The public keys of a log. Refuses an update that would replace one of them. */
export function publicKeysOf(scope: Construct, context: WorkerContext, props: PublicKeysProps): readonly PublicKey[] {
  const fn = worker(scope, 'PublicKey', context, {
    ...SMALL,
    bundle: 'public-key',
    description: 'Sealtrail: tells the stack its public key',
    role: props.role,
  });
  return props.keys.map((key) => {
    const resource = new CustomResource(scope, `${key.node.id}Public`, {
      serviceToken: fn.functionArn,
      resourceType: 'Custom::SealtrailPublicKey',
      properties: {
        SigningKey: key.keyArn,
        SigningAlgorithm: props.algorithm,
        LogName: props.logName,
      },
    });
    for (const signer of props.signers) signer.node.addDependency(resource);
    return {
      keyLine: resource.getAttString('KeyLine'),
      fingerprint: resource.getAttString('Fingerprint'),
      systemVkey: resource.getAttString('Vkey'),
    };
  });
}

/**
 * Empties buckets when the stack is deleted, so that they can be deleted too. For the stage `dev`: its function may delete
 * objects that are locked in governance mode.
 */
export class BucketEmptier extends Construct {
  readonly role: Role;

  /** @param writers constructs to delete before the buckets are emptied, so that nothing writes to them any more */
  constructor(
    scope: Construct,
    id: string,
    context: WorkerContext,
    props: { readonly buckets: Readonly<Record<string, IBucket>>; readonly writers: readonly Construct[] },
  ) {
    super(scope, id);
    const buckets = Object.values(props.buckets);
    this.role = workerRole(this, 'Empty');
    const allow = (sid: string, actions: string[], resources: string[]): void => {
      this.role.addToPolicy(new PolicyStatement({ sid, actions, resources }));
    };
    const arns = buckets.map(({ bucketArn }) => bucketArn);
    allow('SeeVersions', ['s3:GetBucketTagging', 's3:ListBucketVersions'], arns);
    const actions = ['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:BypassGovernanceRetention'];
    allow(
      'DeleteVersions',
      actions,
      buckets.map((bucket) => bucket.arnForObjects('*')),
    );
    const fn = worker(this, 'Empty', context, {
      timeout: Duration.minutes(15),
      memorySize: 512,
      bundle: 'empty',
      description: 'Sealtrail: empties the buckets of a stack that is deleted',
      role: this.role,
    });
    for (const [name, bucket] of Object.entries(props.buckets)) {
      Tags.of(bucket).add(REMOVABLE, 'true');
      const resource = new CustomResource(this, name, {
        serviceToken: fn.functionArn,
        resourceType: 'Custom::SealtrailEmptyBucket',
        properties: { Bucket: bucket.bucketName },
      });
      // CloudFormation deletes in reverse order: writers first, then the objects, then the bucket.
      if (bucket.policy !== undefined) resource.node.addDependency(bucket.policy);
      resource.node.addDependency(this.role);
      for (const writer of props.writers) writer.node.addDependency(resource);
    }
  }
}
