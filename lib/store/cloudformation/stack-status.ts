import {
  CloudFormationClient,
  type CloudFormationClientConfig,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { SealtrailError } from '../../log/error.ts';
import { limits } from '../aws-clients.ts';

/** Answers in well under a second; it is throttled by account, so more tries than usual. */
const CLOUDFORMATION = limits(1_000, 5_000);

/** A CloudFormation client for {@link stackStatus}. Only functions need it, whose bundles have it. */
export const cloudFormationClient = (config: CloudFormationClientConfig = {}): CloudFormationClient =>
  new CloudFormationClient({ maxAttempts: 6, requestHandler: CLOUDFORMATION, ...config });

/**
 * What CloudFormation is doing with a stack: one of its `StackStatus` words.
 *
 * @param StackName its ARN
 * @throws `unavailable` for a stack that is not described; and the SDK's errors
 */
export async function stackStatus(client: CloudFormationClient, StackName: string): Promise<string> {
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
  const status = Stacks[0]?.StackStatus;
  if (status === undefined) throw new SealtrailError('unavailable', `CloudFormation does not describe ${StackName}`);
  return status;
}
