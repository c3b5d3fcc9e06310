import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Maximum lengths of values known only at deployment. They allow checking AWS limits at synthesis, since a deployment that
 * hits one has done half of its work.
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

/** A template value with placeholders of maximum length for values known only at deployment. */
function deployed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(deployed);
  if (value === null || typeof value !== 'object') return value;
  // CloudFormation's intrinsic functions are the only objects with such a single key.
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

/** The maximum length of a text once it is deployed. */
export const textLength = (scope: IConstruct, text: string): number =>
  String(deployed(Stack.of(scope).resolve(text))).length;

/** The maximum length of an object as JSON without white space, as IAM counts a policy. */
export const jsonLength = (scope: IConstruct, value: unknown): number =>
  JSON.stringify(deployed(Stack.of(scope).resolve(value))).length;
