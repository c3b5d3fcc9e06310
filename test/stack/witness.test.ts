import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { SealtrailWitness } from '../../lib/stack/witness.ts';
import { placeholderFunctions } from './synthesised.ts';

const LOGS = 'logs/v0\nvkey sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8\n';
const functionsFolder = placeholderFunctions();
const make = (name: string, logs: string): Stack => {
  const stack = new Stack(new App(), 'Witness');
  new SealtrailWitness(stack, 'Witness', { name, logs, functionsFolder });
  return stack;
};

describe('a witness in an account of its own', () => {
  const template = Template.fromStack(make('witness.example/w1', LOGS));

  it('is a function behind a URL, with its memory and a key that signs', () => {
    template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'NONE' });
    template.hasResourceProperties('AWS::KMS::Key', { KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'SIGN_VERIFY' });
    template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      Properties: { DeletionProtectionEnabled: true },
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ WITNESS_NAME: 'witness.example/w1', WITNESS_LOGS: LOGS }) },
    });
  });

  it('may put and get items, sign, and write its log: nothing else', () => {
    const policies = Object.values(template.findResources('AWS::IAM::Policy'));
    const actions = policies.flatMap(({ Properties }) =>
      Properties.PolicyDocument.Statement.flatMap(({ Action }: { Action: string | string[] }) => Action),
    );
    expect(new Set(actions)).toEqual(
      new Set([
        ...['dynamodb:GetItem', 'dynamodb:PutItem', 'kms:Sign', 'kms:GetPublicKey'],
        ...['logs:CreateLogStream', 'logs:PutLogEvents'],
      ]),
    );
  });

  it('is refused with a name or a list of logs that is not right', () => {
    expect(() => make('no name', LOGS)).toThrow('a witness cannot be named "no name"');
    expect(() => make('w', 'vkey x')).toThrow('line 1 of the list of logs');
    expect(() => make('w', `${LOGS}${'# more\n'.repeat(500)}`)).toThrow('more than 3000 bytes');
  });
});
