import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DetachUserPolicyCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import type { SignedHttp } from '../../lib/client/http.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { EVERYTHING } from './emulated.ts';

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Does something with the credentials of a user who has one managed policy and nothing else, and removes the user. */
export async function asUserWith(
  PolicyArn: string,
  UserName: string,
  work: (credentials: Credentials) => Promise<void>,
): Promise<void> {
  const client = new IAMClient(EVERYTHING);
  await client.send(new CreateUserCommand({ UserName }));
  let AccessKeyId: string | undefined;
  try {
    await client.send(new AttachUserPolicyCommand({ UserName, PolicyArn }));
    const { AccessKey } = await client.send(new CreateAccessKeyCommand({ UserName }));
    AccessKeyId = AccessKey?.AccessKeyId;
    await work({ accessKeyId: AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' });
  } finally {
    if (AccessKeyId !== undefined) await client.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
    // A policy that somebody has cannot go with its stack.
    await client.send(new DetachUserPolicyCommand({ UserName, PolicyArn }));
    await client.send(new DeleteUserCommand({ UserName }));
    client.destroy();
  }
}

/**
 * Makes a call, and says whether it was answered or forbidden.
 *
 * @param call method and path
 * @throws SealtrailError for any other failure
 */
export async function isAnswered(http: SignedHttp, call: string, body?: object): Promise<boolean> {
  const [method, path = ''] = call.split(' ');
  try {
    await http.send({
      method: method === 'POST' ? 'POST' : 'GET',
      path,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return true;
  } catch (error) {
    // IAM takes some seconds to know a new access key.
    if (error instanceof SealtrailError && ['forbidden', 'unauthenticated'].includes(error.code)) return false;
    throw error;
  }
}
