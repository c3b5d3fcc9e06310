import { App, CliCredentialsStackSynthesizer, type IReusableStackSynthesizer, NestedStack, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { ArnPrincipal } from 'aws-cdk-lib/aws-iam';
import { describe, expect, it } from 'vitest';
import { Sealtrail } from '../../lib/stack/sealtrail.ts';
import { actionsOf, PLAIN, placeholderFunctions, type Statement, statementsByRole, synthesise } from './synthesised.ts';

/** The promise: no one signs but the functions that seal, and no one destroys what they sign with. */

const APPEND = 'SealtrailAppendRoleA1F5BF09';
const FOLLOW = 'SealtrailFollowRoleBA45DD2C';
const env = { account: '111122223333', region: 'eu-central-1' };

describe('the signing key', () => {
  const policyIn = (template: Template): readonly Statement[] => {
    const [key] = Object.values(template.findResources('AWS::KMS::Key'));
    return key?.Properties.KeyPolicy.Statement;
  };
  const statements = (props: Parameters<typeof synthesise>[0]) => policyIn(synthesise(props));
  /** What allows an action; in IAM a star stands for any characters. */
  const allowing = (action: string, policy: readonly Statement[]): readonly Statement[] =>
    policy
      .filter((one) => one.Effect === 'Allow')
      .filter((one) => actionsOf(one).some((a) => new RegExp(`^${a.replaceAll('*', '.*')}$`).test(action)));
  const whoMay = (action: string, policy: readonly Statement[]) => allowing(action, policy).map(({ Sid }) => Sid);
  const prod = statements({ stage: 'prod' });

  it('signs for append and follow, and by no other policy', () => {
    expect(whoMay('kms:Sign', prod)).toEqual(['Signing']);
    const arns = [APPEND, FOLLOW].map((role) => ({ 'Fn::GetAtt': [role, 'Arn'] }));
    expect(prod.find(({ Sid }) => Sid === 'Signing')?.Principal).toEqual({ AWS: arns });
    const ofRoles = [...statementsByRole(synthesise({ stage: 'prod' })).values()].flat();
    expect(ofRoles.flatMap(actionsOf).filter((action) => /^(kms:|\*)/.test(action))).toEqual([]);
  });

  it('signs no more once it is retired, and its successor does: the functions are told which is which', () => {
    const rotated = synthesise({ stage: 'prod', keyRotation: { made: 2, retired: 1 } });
    const keys = rotated.findResources('AWS::KMS::Key');
    const [first, second] = [
      'SealtrailSigningKeyD860C453',
      Object.keys(keys).find((id) => /SigningKey2/.test(id)) ?? '',
    ];
    const policyOf = (id: string): readonly Statement[] => keys[id]?.Properties.KeyPolicy.Statement;
    expect(whoMay('kms:Sign', policyOf(first))).toEqual([]);
    expect(whoMay('kms:GetPublicKey', policyOf(first))).toEqual(['Administration', 'PublicKey']);
    expect(whoMay('kms:Sign', policyOf(second))).toEqual(['Signing']);
    const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
    const told = { SEALTRAIL_SIGNING_KEYS: arnOf(second), SEALTRAIL_RETIRED_KEYS: arnOf(first) };
    const properties = { Environment: { Variables: Match.objectLike(told) } };
    rotated.resourcePropertiesCountIs('AWS::Lambda::Function', properties, 6);
  });

  it.each([
    [1, 1],
    [2, 3],
    [0, 0],
    [1.5, 0],
    [2, -1],
  ])('is never the last one to be retired: of %d keys %d', (made, retired) => {
    expect(() => synthesise({ keyRotation: { made, retired } })).toThrow('at least one has to sign');
  });

  it('is deleted or disabled by no one in production, unless someone is named', () => {
    expect(whoMay('kms:ScheduleKeyDeletion', prod)).toEqual([]);
    expect(whoMay('kms:DisableKey', prod)).toEqual([]);
    // Who may make a grant may let someone sign by it.
    expect(whoMay('kms:CreateGrant', prod)).toEqual([]);
    const principal = new ArnPrincipal('arn:aws:iam::111122223333:role/BreakGlass');
    const withGlass = statements({ stage: 'prod', breakGlass: [principal] });
    expect(whoMay('kms:ScheduleKeyDeletion', withGlass)).toEqual(['BreakGlass']);
    expect(withGlass.find(({ Sid }) => Sid === 'BreakGlass')?.Principal).toEqual({ AWS: principal.arn });
  });

  describe('in dev', () => {
    const ROOT = { AWS: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:iam::${env.account}:root`]] } };
    const ON_BEHALF = { 'ForAnyValue:StringEquals': { 'aws:CalledVia': 'cloudformation.amazonaws.com' } };
    const deleters = (policy: readonly Statement[]) =>
      allowing('kms:ScheduleKeyDeletion', policy).map(({ Principal, Condition }) => ({ Principal, Condition }));

    it('is deleted by CloudFormation together with its stack, and by no call of anybody’s own', () => {
      const role = `:iam::${env.account}:role/cdk-hnb659fds-cfn-exec-role-${env.account}-${env.region}`;
      const arn = { 'Fn::Sub': `arn:\${AWS::Partition}${role}` };
      expect(deleters(statements({}))).toEqual([
        { Principal: ROOT, Condition: { ArnEquals: { 'aws:PrincipalArn': arn } } },
        { Principal: ROOT, Condition: ON_BEHALF },
      ]);
      expect(whoMay('kms:DisableKey', statements({}))).toEqual([]);
    });

    it('is deleted on behalf of anyone who deploys with credentials of their own, where that is how it is done', () => {
      const cli: unknown = new CliCredentialsStackSynthesizer();
      // CDK is not written for exactOptionalPropertyTypes: its own classes miss its own interfaces.
      const app = new App({ ...PLAIN, defaultStackSynthesizer: cli as IReusableStackSynthesizer });
      const stack = new Stack(app, 'Audit', { env });
      new Sealtrail(stack, 'Sealtrail', { logName: 'audit.example.com', functionsFolder: placeholderFunctions() });
      expect(deleters(policyIn(Template.fromStack(stack)))).toEqual([{ Principal: ROOT, Condition: ON_BEHALF }]);
    });

    it('goes with the stack that its own is nested in', () => {
      const nested = new NestedStack(new Stack(new App(PLAIN), 'Outer', { env }), 'Audit');
      new Sealtrail(nested, 'Sealtrail', { logName: 'audit.example.com', functionsFolder: placeholderFunctions() });
      expect(deleters(policyIn(Template.fromStack(nested)))).toEqual(deleters(statements({})));
    });

    it('is disabled, or deleted by a call of their own, by anyone who is named', () => {
      const named = new ArnPrincipal(`arn:aws:iam::${env.account}:role/BreakGlass`);
      const policy = statements({ breakGlass: [named] });
      expect(deleters(policy)).toHaveLength(3);
      expect(deleters(policy)).toContainEqual({ Principal: { AWS: named.arn }, Condition: undefined });
      expect(whoMay('kms:DisableKey', policy)).toEqual(['BreakGlass']);
    });
  });

  it.each([
    ['ed25519', 'ECC_NIST_EDWARDS25519'],
    ['ecdsa-p256', 'ECC_NIST_P256'],
  ] as const)('is, for %s, of the spec %s', (signingAlgorithm, KeySpec) => {
    const made = synthesise({ signingAlgorithm });
    made.hasResourceProperties('AWS::KMS::Key', { KeySpec, KeyUsage: 'SIGN_VERIFY' });
  });
});
