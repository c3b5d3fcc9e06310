import {
  CloudFormationClient,
  type CloudFormationClientConfig,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { SealtrailError } from '../../log/error.ts';
import { limits } from '../aws-clients.ts';

/** Responds in well under a second, but is throttled per account: hence more attempts than usual. */
const CLOUDFORMATION = limits(1_000, 5_000);

/** A CloudFormation client for {@link stackStatus}. Only functions use it; it is part of their bundles. */
export const cloudFormationClient = (config: CloudFormationClientConfig = {}): CloudFormationClient =>
  new CloudFormationClient({ maxAttempts: 6, requestHandler: CLOUDFORMATION, ...config });

/**
 * The current `StackStatus` of a stack.
 *
 * @param StackName its ARN
 * @throws `unavailable` if CloudFormation does not describe the stack; the SDK's errors
 */
export async function stackStatus(client: CloudFormationClient, StackName: string): Promise<string> {
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
  const status = Stacks[0]?.StackStatus;
  if (status === undefined) throw new SealtrailError('unavailable', `CloudFormation does not describe ${StackName}`);
  return status;
}
