import { CfnElement, Stack, Validations } from 'aws-cdk-lib';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';

/**
 * Why what cdk-nag's AwsSolutions pack finds is as it should be. Each finding is named, so that a new one is not taken
 * for one of these.
 */

const PACK = 'AwsSolutions::AwsSolutions';

/** What the findings are about. */
export interface Explained {
  readonly archive: IBucket;
  readonly failed: IBucket;
  readonly archiveReaders: readonly IRole[];
  readonly follower: IRole;
}

export function explainFindings({ archive, failed, archiveReaders, follower }: Explained): void {
  for (const bucket of [archive, failed]) {
    const reason =
      'Server access logs come late and may be missing: data events in CloudTrail are the record of who touched it, and ' +
      'they belong to the account, not to this stack.';
    Validations.of(bucket).acknowledge({ id: `${PACK}-S1`, reason });
  }
  for (const role of archiveReaders) {
    const reason = 'Objects of the archive have names that only the log makes: the function works on all trails.';
    Validations.of(role).acknowledge({ id: `${PACK}-IAM5[Resource::${arnOf(archive)}/*]`, reason });
  }
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

/** An ARN as findings show it. */
function arnOf(bucket: IBucket): string {
  const resource = bucket.node.defaultChild;
  if (!CfnElement.isCfnElement(resource)) throw new RangeError(`${bucket.node.path} is not made by this stack`);
  return `<${Stack.of(bucket).getLogicalId(resource)}.Arn>`;
}
