import { App, Aws } from 'aws-cdk-lib';
import { ArnPrincipal } from 'aws-cdk-lib/aws-iam';
import { SealtrailStack } from '../lib/stack/stack.ts';
import { stageOf } from '../lib/stack/stage.ts';

/**
 * The app that `cdk deploy` runs: `-c stage=prod`, `-c logName=audit.example.com`, and what else docs/operations.md lists.
 */

const app = new App();
const context = (name: string): string | undefined => {
  const value: unknown = app.node.tryGetContext(name);
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw new RangeError(`the context value ${name} must be text: use -c ${name}=...`);
};
const signingAlgorithm = context('signingAlgorithm') ?? 'ed25519';
if (signingAlgorithm !== 'ed25519' && signingAlgorithm !== 'ecdsa-p256') {
  throw new RangeError('the context value signingAlgorithm must be ed25519 or ecdsa-p256');
}
const count = (name: string, otherwise: number): number => {
  const value = Number(context(name) ?? otherwise);
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`the context value ${name} must be a whole number`);
};
const trails = context('trails');
const breakGlass = context('breakGlass');
new SealtrailStack(app, context('stackName') ?? 'Sealtrail', {
  stage: stageOf(context('stage')),
  logName: context('logName') ?? `sealtrail.${Aws.ACCOUNT_ID}.${Aws.REGION}`,
  signingAlgorithm,
  keyRotation: { made: count('signingKeys', 1), retired: count('retiredKeys', 0) },
  ...(trails === undefined ? {} : { trails: trails.split(',') }),
  ...(breakGlass === undefined ? {} : { breakGlass: [new ArnPrincipal(breakGlass)] }),
});
