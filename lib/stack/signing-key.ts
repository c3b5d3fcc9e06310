import { DefaultStackSynthesizer, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, type IPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { SignatureAlgorithm } from '../store/ports.ts';
import type { KeyRotation } from './props.ts';

/** What an administrator of the account may do: everything but to sign, to switch the key off or to delete it. */
const ADMINISTRATION = [
  'kms:Describe*',
  'kms:Get*',
  'kms:List*',
  'kms:EnableKey',
  'kms:CancelKeyDeletion',
  'kms:UpdateKeyDescription',
  'kms:CreateAlias',
  'kms:UpdateAlias',
  'kms:DeleteAlias',
  'kms:TagResource',
  'kms:UntagResource',
  // Without this nobody could ever change the policy, and KMS refuses such a key. Watch for it in CloudTrail.
  'kms:PutKeyPolicy',
];
const DESTRUCTION = ['kms:ScheduleKeyDeletion', 'kms:DisableKey'];

const SPECS: Readonly<Record<SignatureAlgorithm, KeySpec>> = {
  ed25519: KeySpec.ECC_NIST_EDWARDS25519,
  'ecdsa-p256': KeySpec.ECC_NIST_P256,
};

/** Who may do what with the key. */
export interface SigningKeyProps {
  /** Counted from 1, in the order in which keys were made. */
  readonly number: number;
  readonly algorithm: SignatureAlgorithm;
  /** The functions that sign checkpoints. */
  readonly signers: readonly IPrincipal[];
  /** The functions that only need the public key. */
  readonly readers: readonly IPrincipal[];
  /** Who may disable the key or schedule its deletion. */
  readonly breakGlass: readonly IPrincipal[];
  /** Whether it is deleted with its stack, by CloudFormation. */
  readonly goesWithStack: boolean;
}

/**
 * The key that signs checkpoints. Its policy leaves signing to no IAM policy: an administrator who wants to sign has to
 * change the key's policy first, and CloudTrail shows that.
 */
function signingKey(scope: Construct, props: SigningKeyProps): Key {
  const statements = [
    new PolicyStatement({
      sid: 'Administration',
      principals: [new AccountRootPrincipal()],
      actions: ADMINISTRATION,
      resources: ['*'],
    }),
    new PolicyStatement({
      sid: 'PublicKey',
      principals: [...props.readers],
      actions: ['kms:GetPublicKey'],
      resources: ['*'],
    }),
  ];
  if (props.signers.length > 0) {
    statements.push(
      new PolicyStatement({
        sid: 'Signing',
        principals: [...props.signers],
        actions: ['kms:Sign', 'kms:GetPublicKey'],
        resources: ['*'],
      }),
    );
  }
  if (props.breakGlass.length > 0) {
    statements.push(
      new PolicyStatement({
        sid: 'BreakGlass',
        principals: [...props.breakGlass],
        actions: DESTRUCTION,
        resources: ['*'],
      }),
    );
  }
  if (props.goesWithStack) statements.push(...removedWithStack(scope));
  // The first one's id is from when there was no other.
  return new Key(scope, props.number === 1 ? 'SigningKey' : `SigningKey${props.number}`, {
    description: `Signs the checkpoints of the audit log in ${Stack.of(scope).stackName}`,
    keySpec: SPECS[props.algorithm],
    keyUsage: KeyUsage.SIGN_VERIFY,
    policy: new PolicyDocument({ statements }),
    // One that stays does so even when its first deployment fails: nothing may delete it, CloudFormation included.
    removalPolicy: props.goesWithStack ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
  });
}

/**
 * To schedule the key's deletion when its stack is removed, and by no call of one's own. That it is CloudFormation who asks
 * shows in one of two ways, and conditions of one statement would all have to hold:
 *
 * - by its execution role, which by its trust policy nobody else can assume. `aws:PrincipalArn` is the ARN of the role and
 *   not of its session; unlike a principal, a condition may name a role that is not there.
 * - by `aws:CalledVia`, where it uses the credentials of whoever deploys. IAM's guide says that the key is missing where it has a
 *   role of its own, CloudFormation's that it is there ("FAS requests and permission evaluation").
 *
 * IAM user guide, "AWS global condition context keys".
 */
function removedWithStack(scope: Construct): readonly PolicyStatement[] {
  const role = executionRole(Stack.of(scope));
  const byRole = role === undefined ? [] : [{ ArnEquals: { 'aws:PrincipalArn': role } }];
  const onBehalf = { 'ForAnyValue:StringEquals': { 'aws:CalledVia': 'cloudformation.amazonaws.com' } };
  return [...byRole, onBehalf].map(
    (conditions) =>
      new PolicyStatement({
        principals: [new AccountRootPrincipal()],
        actions: ['kms:ScheduleKeyDeletion'],
        resources: ['*'],
        conditions,
      }),
  );
}

/** The ARN of the role that CloudFormation deploys a stack with; undefined where it has none. */
function executionRole(stack: Stack): string | undefined {
  // A nested stack is deployed by whoever deploys the one around it.
  if (stack.nestedStackParent !== undefined) return executionRole(stack.nestedStackParent);
  const { synthesizer } = stack;
  // With placeholders for what only deployment knows.
  return synthesizer instanceof DefaultStackSynthesizer
    ? Fn.sub(synthesizer.cloudFormationExecutionRoleArn)
    : undefined;
}

/** What is the same for all keys of a log. */
interface SigningKeysProps extends Omit<SigningKeyProps, 'number'> {
  readonly rotation: KeyRotation;
}

/** The keys of a log, oldest first: those that sign, and those that once did. */
export function signingKeys(
  scope: Construct,
  { rotation, ...props }: SigningKeysProps,
): { readonly signing: readonly Key[]; readonly retired: readonly Key[] } {
  const { made, retired } = rotation;
  if (!Number.isSafeInteger(made) || !Number.isSafeInteger(retired) || retired < 0 || made <= retired) {
    throw new RangeError(`${retired} of ${made} signing keys cannot be retired: at least one has to sign`);
  }
  const keys = Array.from({ length: made }, (_, at) => {
    const signs = at >= retired;
    const who = signs ? props : { ...props, signers: [], readers: [...props.signers, ...props.readers] };
    return signingKey(scope, { ...who, number: at + 1 });
  });
  return { signing: keys.slice(retired), retired: keys.slice(0, retired) };
}
