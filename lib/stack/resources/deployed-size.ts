import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Lengths of what only deployment knows, at their most: limits of AWS are checked when a stack is synthesised, since a deployment
 * that runs into one has done half of its work.
 */
const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws-us-gov',
  'AWS::Region': 'ap-southeast-1',
  'AWS::AccountId': '111122223333',
};
/** An ARN of a bucket with a name of 63 characters, or of a key: longer than the name of a table or the id of an API. */
const UNKNOWN = 'x'.repeat(90);
/** The id of an API. */
const API_ID = 'x'.repeat(10);

/** A value of a template with placeholders for what only deployment knows. */
function deployed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(deployed);
  if (value === null || typeof value !== 'object') return value;
  // CloudFormation's intrinsic functions: an object with a single key, which no other object of a template has.
  const made = value as {
    readonly Ref?: string;
    readonly 'Fn::GetAtt'?: unknown;
    readonly 'Fn::Join'?: [string, unknown[]];
  };
  if (made.Ref !== undefined) return PSEUDO[made.Ref] ?? (/Api\w{8}$/.test(made.Ref) ? API_ID : UNKNOWN);
  if (made['Fn::GetAtt'] !== undefined) return UNKNOWN;
  if (made['Fn::Join'] !== undefined) return made['Fn::Join'][1].map(deployed).join(made['Fn::Join'][0]);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, deployed(one)]));
}

/** How long a text may be once it is deployed. */
export const textLength = (scope: IConstruct, text: string): number =>
  String(deployed(Stack.of(scope).resolve(text))).length;

/** How long an object may be as JSON without white space, which is how IAM counts a policy. */
export const jsonLength = (scope: IConstruct, value: unknown): number =>
  JSON.stringify(deployed(Stack.of(scope).resolve(value))).length;
