import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { CONTEXT_NAMES, stackFromContext } from '../../lib/stack/context.ts';
import { SealtrailStack } from '../../lib/stack/stack.ts';
import { placeholderFunctions, synthesise } from './synthesised.ts';

/** What `cdk deploy` makes of the context it is given, with the flags of cdk.json. That it deploys, `npm run test:aws` shows. */

const ROOT = join(import.meta.dirname, '../..');
const FLAGS = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')).context;
const functionsFolder = placeholderFunctions();

/** A flag in CDK's report of them. */
interface Flag {
  readonly userValue?: unknown;
  readonly recommendedValue?: unknown;
  readonly unconfiguredBehavesLike?: { readonly v2?: unknown };
}

/** As `bin/app.ts` does it. */
function deployed(context: Readonly<Record<string, unknown>>, flags: Readonly<Record<string, unknown>> = FLAGS) {
  const app = new App({ context: { ...flags, ...context } });
  const { id, props } = stackFromContext(app.node.getAllContext());
  const stack = new SealtrailStack(app, id, { ...props, functionsFolder });
  return { id: stack.stackName, template: Template.fromStack(stack) };
}

/** The logical ids of all resources that hold something. */
const idsOf = (template: Template) =>
  ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::KMS::Key', 'AWS::ApiGatewayV2::Api'].flatMap((type) =>
    Object.keys(template.findResources(type)),
  );

describe('the app', () => {
  it('makes a log of the stage dev where nothing is said, named after its account and region', () => {
    const { id, template } = deployed({});
    expect(id).toBe('Sealtrail');
    template.hasResourceProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: false });
    const [resource] = Object.values(template.findResources('Custom::SealtrailPublicKey'));
    const name = ['sealtrail.', { Ref: 'AWS::AccountId' }, '.', { Ref: 'AWS::Region' }];
    expect(resource?.Properties.LogName).toEqual({ 'Fn::Join': ['', name] });
  });

  it('makes one of the stage prod by one value, in the same places', () => {
    const { template } = deployed({ stage: 'prod', logName: 'audit.example.com' });
    template.hasResourceProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: true });
    expect(idsOf(template)).toEqual(idsOf(deployed({}).template));
    expect(idsOf(template)).toEqual(idsOf(synthesise({ stage: 'prod' })));
  });

  it('takes every other value to its place', () => {
    const breakGlass = 'arn:aws:iam::111122223333:role/BreakGlass';
    const keys = { signingAlgorithm: 'ecdsa-p256', signingKeys: '3', retiredKeys: '1', breakGlass };
    const { id, template } = deployed({ stage: 'prod', stackName: 'Audit', trails: 'orders,payments-*', ...keys });
    expect(id).toBe('Audit');
    template.resourcePropertiesCountIs('AWS::KMS::Key', { KeySpec: 'ECC_NIST_P256' }, 3);
    expect(Object.keys(template.findResources('Custom::SealtrailPublicKey'))).toHaveLength(2);
    const policies = JSON.stringify(template.findResources('AWS::KMS::Key'));
    expect(policies.split(`"Principal":{"AWS":"${breakGlass}"}`)).toHaveLength(4);
    const described = Object.values(template.findResources('AWS::IAM::ManagedPolicy')).map(
      ({ Properties }) => Properties.Description,
    );
    expect(described[0]).toBe('Sealtrail: append to trails orders, payments-*');
  });

  it('takes what docs/deploying.md lists', () => {
    const page = readFileSync(join(ROOT, 'docs/deploying.md'), 'utf8');
    const table = page.match(/^\| `-c` \|.*\n\|[-|]+\n((?:\|.*\n)+)/m)?.[1] ?? '';
    const listed = [...table.matchAll(/^\|([^|]+)\|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)]);
    expect(listed.map(([, name]) => name).sort()).toEqual([...CONTEXT_NAMES].sort());
  });

  it('sets every flag that CDK recommends, so that a synthesis has nothing to warn of, and no log is another for it', () => {
    const app = new App({ context: FLAGS });
    const report = app.synth().manifest.artifacts?.['aws-cdk-lib/feature-flag-report']?.properties;
    // What CDK's command line reads for its warning, by flag.
    const { flags } = report as { readonly flags: Readonly<Record<string, Flag>> };
    const left = Object.entries(flags).filter(
      ([, { userValue, recommendedValue, unconfiguredBehavesLike }]) =>
        userValue === undefined && !isDeepStrictEqual(recommendedValue, unconfiguredBehavesLike?.v2 ?? false),
    );
    expect(left.map(([name]) => name)).toEqual([]);
    // CDK passes over what it does not know. The one that is no flag has its command line send nothing to anybody.
    expect(Object.keys(FLAGS).filter((name) => !Object.hasOwn(flags, name))).toEqual(['cli-telemetry']);
    expect(FLAGS['cli-telemetry']).toBe(false);
    // One flag writes policies shorter. So a log that was deployed without the others stays what it is.
    const shorter = { '@aws-cdk/aws-iam:minimizePolicies': true };
    expect(deployed({}).template.toJSON()).toEqual(deployed({}, shorter).template.toJSON());
  });

  it.each([
    [{ Stage: 'prod' }, /^the context value Stage is unknown: use stage, logName, /],
    [{ stage: 'production' }, 'the context value stage is "production": use -c stage=dev or -c stage=prod'],
    [{ signingAlgorithm: 'rsa' }, 'the context value signingAlgorithm must be ed25519 or ecdsa-p256'],
    [{ logName: '' }, 'the context value logName must be text: use -c logName=...'],
    [{ logName: 'audit example' }, 'use 1 to 128 characters without white space, control characters and +'],
    [{ signingKeys: 'two' }, 'the context value signingKeys must be a whole number'],
    [{ breakGlass: 'BreakGlass' }, 'the context value breakGlass must be the ARN of a role or user, not BreakGlass'],
    [{ trails: 'Orders' }, 'must be a trail name'],
  ])('refuses %j before anything is deployed, and says what to use instead', (context, message) => {
    expect(() => deployed(context)).toThrow(message);
  });
});
