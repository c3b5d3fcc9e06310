import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type AppProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { FUNCTIONS } from '../../functions/bundle/bundle.ts';
import { SealtrailStack, type SealtrailStackProps } from '../../lib/stack/stack.ts';

/** What stands in for the bundles: the template does not depend on what they hold. */
export function placeholderFunctions(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-functions-'));
  for (const name of FUNCTIONS) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'index.mjs'), `export const handler = async () => '${name}';\n`);
  }
  return folder;
}

const folder = placeholderFunctions();

/**
 * Nothing but the template. CDK's own check of it takes three quarters of a synthesis: `app.test.ts` makes it, and
 * `npm run test:templates` of every variant.
 */
export const PLAIN: AppProps = {
  analyticsReporting: false,
  builtinCloudFormationValidation: false,
  stackTraces: false,
  treeMetadata: false,
};

export function makeStack(props: Partial<SealtrailStackProps> = {}): SealtrailStack {
  const app = new App(PLAIN);
  return new SealtrailStack(app, 'Sealtrail', {
    logName: 'audit.example.com',
    functionsFolder: folder,
    env: { account: '111122223333', region: 'eu-central-1' },
    ...props,
  });
}

/** The template of a stack, as CloudFormation gets it. */
export const synthesise = (props: Partial<SealtrailStackProps> = {}): Template => Template.fromStack(makeStack(props));

/** A statement of a policy in a template, as far as tests look at it. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface PolicyResource {
  readonly Properties: {
    readonly PolicyDocument: { readonly Statement: readonly Statement[] };
    readonly Roles?: readonly { readonly Ref: string }[];
  };
}

/** Every statement that a role is given, by the logical id of the role. */
export function statementsByRole(template: Template): ReadonlyMap<string, readonly Statement[]> {
  const found = new Map<string, Statement[]>();
  // The shape of this type of resource, per the CloudFormation reference.
  const policies = template.findResources('AWS::IAM::Policy') as Record<string, PolicyResource>;
  for (const { Properties } of Object.values(policies)) {
    for (const { Ref } of Properties.Roles ?? []) {
      found.set(Ref, [...(found.get(Ref) ?? []), ...Properties.PolicyDocument.Statement]);
    }
  }
  return found;
}

/** The actions of a statement as a list. */
export const actionsOf = ({ Action }: Statement): readonly string[] => (typeof Action === 'string' ? [Action] : Action);
