import { App, Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../../../lib/stack/resources/stage.ts';
import { SealtrailStack } from '../../../lib/stack/stack.ts';
import { PLAIN, placeholderFunctions } from '../synthesised.ts';

const functionsFolder = placeholderFunctions();

/** Synthesises an app under the rules of cdk-nag: synthesis fails on a finding that no one has explained. */
function underNag(stage: Stage): { readonly app: App; readonly stack: SealtrailStack } {
  const app = new App(PLAIN);
  const env = { account: '111122223333', region: 'eu-central-1' };
  const stack = new SealtrailStack(app, 'Audit', { logName: 'audit.example.com', stage, functionsFolder, env });
  stack.log.policies('Payments', ['payments-*', 'refunds']);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { app, stack };
}

describe('the rules of cdk-nag', () => {
  it.each(['dev', 'prod'] as const)('find nothing in %s that is not explained', (stage) => {
    const { app } = underNag(stage);
    expect(app.synth().stacks.map(({ stackName }) => stackName)).toEqual(['Audit']);
  });

  it('do look: a bucket without TLS beside the log is found, by the same rules that let the log through', () => {
    const { app, stack } = underNag('dev');
    new Bucket(stack, 'Open');
    expect(() => app.synth()).toThrow(/Audit\/Open\/Resource[\s\S]*AwsSolutions-S10/);
  });
});
