import { DefaultStackSynthesizer, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, type IPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { SignatureAlgorithm } from '../store/ports.ts';
import type { KeyRotation } from './props.ts';

/** Actions of an administrator of the account: all but signing, disabling and deleting the key. */
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
  // Required: without it the policy could never be changed, and KMS refuses such a key. Watch for it in CloudTrail.
  'kms:PutKeyPolicy',
];
const DESTRUCTION = ['kms:ScheduleKeyDeletion', 'kms:DisableKey'];

const SPECS: Readonly<Record<SignatureAlgorithm, KeySpec>> = {
  ed25519: KeySpec.ECC_NIST_EDWARDS25519,
  'ecdsa-p256': KeySpec.ECC_NIST_P256,
};

/** Principals of the signing key. */
export interface SigningKeyProps {
  /** 1-based, in order of creation. */
  readonly number: number;
  readonly algorithm: SignatureAlgorithm;
  /** The functions that sign checkpoints. */
  readonly signers: readonly IPrincipal[];
  /** The functions that only need the public key. */
  readonly readers: readonly IPrincipal[];
  /** Principals that may disable the key or schedule its deletion. */
  readonly breakGlass: readonly IPrincipal[];
  /** True if CloudFormation deletes it with its stack. */
  readonly goesWithStack: boolean;
}

/**
 * A key that signs checkpoints. Its policy does not delegate signing to IAM: an administrator would first have to change the
 * key's policy, which CloudTrail shows.
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
  // The first key keeps its id from before there were others.
  return new Key(scope, props.number === 1 ? 'SigningKey' : `SigningKey${props.number}`, {
    description: `Signs the checkpoints of the audit log in ${Stack.of(scope).stackName}`,
    keySpec: SPECS[props.algorithm],
    keyUsage: KeyUsage.SIGN_VERIFY,
    policy: new PolicyDocument({ statements }),
    // Retained even after a failed first deployment: nothing may delete it, including CloudFormation.
    removalPolicy: props.goesWithStack ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
  });
}

/**
 * Allows scheduling the key's deletion when its stack is removed, but not by a direct call. A call by CloudFormation is
 * recognised in one of two ways, in two statements since all conditions of one statement must hold:
 *
 * - by its execution role, which by its trust policy no other principal can assume. `aws:PrincipalArn` is the ARN of the role,
 *   not of its session; unlike a principal, a condition may name a role that does not exist.
 * - by `aws:CalledVia`, if it uses the deployer's credentials. IAM's guide says that this key is missing if CloudFormation has
 *   a role of its own, CloudFormation's guide says that it is present ("FAS requests and permission evaluation").
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

/** The ARN of the role with which CloudFormation deploys a stack, if any. */
function executionRole(stack: Stack): string | undefined {
  // A nested stack is deployed with its parent's role.
  if (stack.nestedStackParent !== undefined) return executionRole(stack.nestedStackParent);
  const { synthesizer } = stack;
  // Contains placeholders for values known only at deployment.
  return synthesizer instanceof DefaultStackSynthesizer
    ? Fn.sub(synthesizer.cloudFormationExecutionRoleArn)
    : undefined;
}

/** Properties shared by all keys of a log. */
interface SigningKeysProps extends Omit<SigningKeyProps, 'number'> {
  readonly rotation: KeyRotation;
}

/** The keys of a log, oldest first: active and retired ones. */
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
