import { Stack, Validations } from 'aws-cdk-lib';
import type { Method, RestApi } from 'aws-cdk-lib/aws-apigateway';
import type { HttpRoute } from 'aws-cdk-lib/aws-apigatewayv2';
import type { BackupPlan } from 'aws-cdk-lib/aws-backup';
import type { Trail } from 'aws-cdk-lib/aws-cloudtrail';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IRole, ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';

/**
 * Acknowledges findings of cdk-nag's AwsSolutions pack, with reasons. Each finding is named, so that a new one is not covered
 * by accident.
 */

const PACK = 'AwsSolutions::AwsSolutions';

/** The resources with findings. */
export interface Acknowledged {
  readonly archive: IBucket;
  readonly failed: IBucket;
  readonly exports: IBucket;
  readonly index: IBucket;
  readonly indexUsers: readonly IRole[];
  readonly exporter: IRole;
  readonly archiveReaders: readonly IRole[];
  readonly follower: IRole;
}

export function acknowledgeFindings({
  archive,
  failed,
  exports,
  index,
  indexUsers,
  exporter,
  archiveReaders,
  follower,
}: Acknowledged): void {
  for (const bucket of [archive, failed, exports, index]) {
    const reason =
      'Server access logs come late and may be missing: data events in CloudTrail are the record of who touched it, and ' +
      'they belong to the account, not to this stack.';
    Validations.of(bucket).acknowledge({ id: `${PACK}-S1`, reason });
  }
  for (const role of archiveReaders) {
    const reason = 'Objects of the archive have names that only the log makes: the function works on all trails.';
    Validations.of(role).acknowledge({ id: `${PACK}-IAM5[Resource::${arnOf(archive)}/*]`, reason });
  }
  for (const role of indexUsers) {
    const reason = 'Files of the index have names that only the log makes: the function works on all trails.';
    Validations.of(role).acknowledge({ id: `${PACK}-IAM5[Resource::${arnOf(index)}/*]`, reason });
  }
  Validations.of(exporter).acknowledge({
    id: `${PACK}-IAM5[Resource::${arnOf(exports)}/*]`,
    reason: 'Exports have random names that only the log makes: the function works on all trails.',
  });
  Validations.of(follower).acknowledge(
    {
      id: `${PACK}-IAM5[Resource::${arnOf(failed)}/*]`,
      reason: 'Lambda chooses the names under which it leaves failed batches.',
    },
    {
      id: `${PACK}-IAM5[Resource::*]`,
      reason: 'dynamodb:ListStreams takes no resource; reading a stream is allowed on this table alone.',
    },
  );
}

/** Acknowledges that a route needs no authentication. */
export function acknowledgeOpen(route: HttpRoute | Method): void {
  const reason = 'It answers everybody alike and says nothing of the log; it has a throttle of its own.';
  Validations.of(route).acknowledge({ id: `${PACK}-APIG4`, reason });
}

/**
 * Acknowledges what the rules miss in a REST API.
 *
 * @param open its methods that need no authentication
 */
export function acknowledgeRestApi(api: RestApi, open: readonly Method[]): void {
  const byIam = 'Requests are signed with SigV4 and authorised by IAM: there is no user pool.';
  const validated =
    'The functions validate every request by the declared route, and answer with the field that is wrong.';
  const logged = 'There is an access log of every request. Execution logs would hold what events say.';
  const pushing =
    'The role that API Gateway writes its logs with, for the whole account: AWS keeps that policy for it.';
  Validations.of(api).acknowledge(
    { id: `${PACK}-COG4`, reason: byIam },
    { id: `${PACK}-APIG2`, reason: validated },
    { id: `${PACK}-APIG6`, reason: logged },
    { id: `${PACK}-IAM4[Policy::${awsPolicy('service-role/AmazonAPIGatewayPushToCloudWatchLogs')}]`, reason: pushing },
  );
  for (const method of open) acknowledgeOpen(method);
}

/** Acknowledges the policy of AWS Backup's role. */
export function acknowledgeBackup(plan: BackupPlan): void {
  const reason = 'What AWS Backup needs to back up a table, which AWS keeps up to date.';
  Validations.of(plan).acknowledge({
    id: `${PACK}-IAM4[Policy::${awsPolicy('service-role/AWSBackupServiceRolePolicyForBackup')}]`,
    reason,
  });
}

/** Acknowledges that the bucket of CloudTrail's records has no log of its own. */
export function acknowledgeRecords(trail: Trail): void {
  const reason =
    'It holds what CloudTrail records: who reads these is in the management events and data events of the account.';
  Validations.of(trail).acknowledge({ id: `${PACK}-S1`, reason });
}

/** @param table the memory of a witness */
export function acknowledgeForgetting(table: ITable): void {
  const reason = 'A table that is restored to an earlier time makes a witness forget what it has cosigned.';
  Validations.of(table).acknowledge({ id: `${PACK}-DDB3`, reason });
}

const awsPolicy = (name: string): string => `arn:<AWS::Partition>:iam::aws:policy/${name}`;

/** Acknowledges that a queue of wake-up messages needs no dead-letter queue. */
export function acknowledgeWakes(queue: IQueue): void {
  const reason = 'A message says nothing but that it is time to look: what it was to start, the next schedule starts.';
  Validations.of(queue).acknowledge({ id: `${PACK}-SQS3`, reason });
}

/** Acknowledges that a dead-letter queue needs no dead-letter queue of its own. */
export function acknowledgeDeadLetters(queue: IQueue): void {
  const reason = 'It is where failed events end; nothing reads it by itself, so nothing in it fails once more.';
  Validations.of(queue).acknowledge({ id: `${PACK}-SQS3`, reason });
}

/** @param role copies the archive */
export function acknowledgeCopying(role: IRole, archive: IBucket, copyArn: string): void {
  const reason = 'Objects of the archive have names that only the log makes: all of them are copied.';
  for (const arn of [arnOf(archive), copyArn]) {
    Validations.of(role).acknowledge({ id: `${PACK}-IAM5[Resource::${arn}/*]`, reason });
  }
}

/** @param table of the stage dev */
export function acknowledgeUnprotected(table: ITable): void {
  const reason = 'Nothing in a stack of the stage dev is to be kept, nor to be paid for.';
  Validations.of(table).acknowledge({ id: `${PACK}-DDB3`, reason });
}

/** @param role may delete whatever is in the buckets */
export function acknowledgeEmptying(role: IRole, buckets: Readonly<Record<string, IBucket>>): void {
  const reason = 'All that is in the buckets goes with the stack, which is of the stage dev.';
  for (const bucket of Object.values(buckets)) {
    Validations.of(role).acknowledge({ id: `${PACK}-IAM5[Resource::${arnOf(bucket)}/*]`, reason });
  }
}

/**
 * Acknowledges the wildcards of routes and objects in a complete policy. Since each finding must be named, the names are
 * derived from the policy.
 */
export function acknowledgePatterns(policy: ManagedPolicy): void {
  const reason =
    'The parameters of routes and the names of objects cannot be listed, and the pattern for the trails is what was asked for.';
  // The form of a policy document, in which a list of one is written without brackets.
  const { Statement }: { readonly Statement: readonly { readonly Resource: unknown }[] } = Stack.of(policy).resolve(
    policy.document,
  );
  const names = new Set(Statement.flatMap(({ Resource }) => [Resource].flat()).map(asFound));
  for (const name of names) {
    if (name.includes('*')) Validations.of(policy).acknowledge({ id: `${PACK}-IAM5[Resource::${name}]`, reason });
  }
}

/** A resource as findings show it: values known only at deployment are in angle brackets. */
function asFound(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  // The three intrinsic functions of CloudFormation that resources use.
  const made = resource as { Ref?: string; 'Fn::GetAtt'?: [string, string]; 'Fn::Join'?: [string, unknown[]] };
  if (made.Ref !== undefined) return `<${made.Ref}>`;
  if (made['Fn::GetAtt'] !== undefined) return `<${made['Fn::GetAtt'].join('.')}>`;
  const [separator, parts] = made['Fn::Join'] ?? ['', []];
  return parts.map(asFound).join(separator);
}

/** An ARN as findings show it. */
function arnOf(bucket: IBucket): string {
  return asFound(Stack.of(bucket).resolve(bucket.bucketArn));
}
