import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DetachUserPolicyCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { DisableKeyCommand, ScheduleKeyDeletionCommand, SignCommand } from '@aws-sdk/client-kms';
import type { SignedHttp } from '../../lib/client/http/http.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { kmsClient } from '../../lib/store/aws-clients.ts';
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
    // A policy that someone has cannot go with its stack.
    await client.send(new DetachUserPolicyCommand({ UserName, PolicyArn }));
    await client.send(new DeleteUserCommand({ UserName }));
    client.destroy();
  }
}

/** Calls that a policy allows or does not. */
const CALLS = {
  append: { method: 'POST', path: '/v1/trails/late/events', body: '{"type":"data.update","actor":{"id":"bob"}}' },
  query: { method: 'GET', path: '/v1/trails/late/events' },
  trails: { method: 'GET', path: '/v1/trails' },
  keys: { method: 'GET', path: '/v1/keys' },
  verify: { method: 'POST', path: '/v1/trails/late/verifications', body: '{"mode":"full"}' },
  hold: { method: 'POST', path: '/v1/trails/late/legal-hold', body: '{"held":true,"reason":"none"}' },
} as const;
export type Call = keyof typeof CALLS;

/** Makes a call, and says whether it was answered or forbidden. @throws SealtrailError for any other failure */
export async function isAnswered(http: SignedHttp, call: Call): Promise<boolean> {
  try {
    await http.send(CALLS[call]);
    return true;
  } catch (error) {
    // IAM takes some seconds to know a new access key.
    if (error instanceof SealtrailError && ['forbidden', 'unauthenticated'].includes(error.code)) return false;
    throw error;
  }
}

/** What KMS refuses someone with who signs with a key, disables it and schedules its deletion; or `done`. */
export async function refusalsOf(KeyId: string, credentials: Credentials): Promise<readonly string[]> {
  const client = kmsClient({ ...EVERYTHING, credentials });
  const message = { Message: new Uint8Array(1), MessageType: 'RAW', SigningAlgorithm: 'ED25519_SHA_512' } as const;
  const calls = [
    () => client.send(new SignCommand({ KeyId, ...message })),
    () => client.send(new DisableKeyCommand({ KeyId })),
    () => client.send(new ScheduleKeyDeletionCommand({ KeyId })),
  ];
  const refused = (error: unknown): string => (error instanceof Error ? error.name : String(error));
  const answers = await Promise.all(calls.map((call) => call().then(() => 'done', refused)));
  client.destroy();
  return answers;
}
