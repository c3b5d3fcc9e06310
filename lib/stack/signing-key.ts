import { type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, type IPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { SignatureAlgorithm } from '../store/ports.ts';

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
  readonly algorithm: SignatureAlgorithm;
  /** The functions that sign checkpoints. */
  readonly signers: readonly IPrincipal[];
  /** The functions that only need the public key. */
  readonly readers: readonly IPrincipal[];
  /** Who may disable the key or schedule its deletion. */
  readonly breakGlass: readonly IPrincipal[];
  /** Whether the account's administrators may do that too, so that the stack can be removed. */
  readonly mayBeDeleted: boolean;
  readonly removal: RemovalPolicy;
}

/**
 * The key that signs checkpoints. Its policy leaves signing to no IAM policy: an administrator who wants to sign has to
 * change the key's policy first, and CloudTrail shows that.
 */
export function signingKey(scope: Construct, props: SigningKeyProps): Key {
  const statements = [
    new PolicyStatement({
      sid: 'Administration',
      principals: [new AccountRootPrincipal()],
      actions: props.mayBeDeleted ? [...ADMINISTRATION, ...DESTRUCTION] : ADMINISTRATION,
      resources: ['*'],
    }),
    new PolicyStatement({
      sid: 'Signing',
      principals: [...props.signers],
      actions: ['kms:Sign', 'kms:GetPublicKey'],
      resources: ['*'],
    }),
    new PolicyStatement({
      sid: 'PublicKey',
      principals: [...props.readers],
      actions: ['kms:GetPublicKey'],
      resources: ['*'],
    }),
  ];
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
  return new Key(scope, 'SigningKey', {
    description: `Signs the checkpoints of the audit log in ${Stack.of(scope).stackName}`,
    keySpec: SPECS[props.algorithm],
    keyUsage: KeyUsage.SIGN_VERIFY,
    policy: new PolicyDocument({ statements }),
    removalPolicy: props.removal,
  });
}
