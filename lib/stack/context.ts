import { Aws } from 'aws-cdk-lib';
import { ArnPrincipal } from 'aws-cdk-lib/aws-iam';
import { stageOf } from './resources/stage.ts';
import type { SealtrailStackProps } from './stack.ts';

/** The names that `cdk deploy -c NAME=VALUE` may set. docs/deploying.md explains each. */
export const CONTEXT_NAMES = [
  'stage',
  'logName',
  'stackName',
  'trails',
  'signingAlgorithm',
  'signingKeys',
  'retiredKeys',
  'breakGlass',
] as const;

/** Matches names with letters only: CDK's own names, including lookups and flags, contain other characters. */
const OWN_NAME = /^[A-Za-z]+$/;
const PRINCIPAL = /^arn:[\w-]+:iam::\d{12}:(role|user)\/\S+$/;

/**
 * Reads the stack to deploy from CDK's context.
 *
 * @param context all context values, by name
 * @returns the id of the stack, and its props
 * @throws RangeError for an unknown name, since a typo in `stage=prod` must not deploy something else, and for an invalid
 *   value
 */
export function stackFromContext(context: Readonly<Record<string, unknown>>): {
  readonly id: string;
  readonly props: SealtrailStackProps;
} {
  const known: readonly string[] = CONTEXT_NAMES;
  const unknown = Object.keys(context).find((name) => OWN_NAME.test(name) && !known.includes(name));
  if (unknown !== undefined) throw new RangeError(`the context value ${unknown} is unknown: use ${known.join(', ')}`);
  const trails = textOf(context, 'trails');
  const breakGlass = textOf(context, 'breakGlass');
  if (breakGlass !== undefined && !PRINCIPAL.test(breakGlass)) {
    throw new RangeError(`the context value breakGlass must be the ARN of a role or user, not ${breakGlass}`);
  }
  const signingAlgorithm = textOf(context, 'signingAlgorithm') ?? 'ed25519';
  if (signingAlgorithm !== 'ed25519' && signingAlgorithm !== 'ecdsa-p256') {
    throw new RangeError('the context value signingAlgorithm must be ed25519 or ecdsa-p256');
  }
  const props = {
    stage: stageOf(context.stage),
    logName: textOf(context, 'logName') ?? `sealtrail.${Aws.ACCOUNT_ID}.${Aws.REGION}`,
    signingAlgorithm,
    keyRotation: { made: countOf(context, 'signingKeys', 1), retired: countOf(context, 'retiredKeys', 0) },
    ...(trails === undefined ? {} : { trails: trails.split(',') }),
    ...(breakGlass === undefined ? {} : { breakGlass: [new ArnPrincipal(breakGlass)] }),
  } as const;
  return { id: textOf(context, 'stackName') ?? 'Sealtrail', props };
}

type Name = (typeof CONTEXT_NAMES)[number];

function textOf(context: Readonly<Record<string, unknown>>, name: Name): string | undefined {
  const value = context[name];
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw new RangeError(`the context value ${name} must be text: use -c ${name}=...`);
}

function countOf(context: Readonly<Record<string, unknown>>, name: Name, otherwise: number): number {
  const value = Number(textOf(context, name) ?? otherwise);
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`the context value ${name} must be a whole number`);
}
