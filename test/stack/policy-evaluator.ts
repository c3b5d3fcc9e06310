import type { Template } from 'aws-cdk-lib/assertions';

/**
 * A stand-in for IAM: decides requests by the policies of a template as AWS documents it (IAM user guide, "Policy evaluation logic").
 * Within an account an explicit deny of any policy wins; otherwise the identity's policies or the resource's must allow. It knows the
 * operators and elements that the stack uses, and no others: it throws on the rest rather than pass over it.
 */

export const ACCOUNT = '111122223333';

const ROOT = `arn:aws:iam::${ACCOUNT}:root`;

type Value = string | readonly string[];

/** Who asks for what. */
export interface PolicyRequest {
  /** The ARN of a role or user. */
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  /** Condition keys of the request, apart from `aws:PrincipalArn`. */
  readonly context?: Readonly<Record<string, Value>>;
}

interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: Value;
  readonly Principal?: '*' | Readonly<Record<string, unknown>>;
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

type Document = { readonly Statement: readonly Statement[] };

/** The policies of a deployed template. */
export class Policies {
  readonly #resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties: Record<string, unknown> }>
  >;

  constructor(template: Template) {
    this.#resources = template.toJSON().Resources;
  }

  /** The ARN of a resource of the template, by the beginning of its logical id. */
  arnOf(type: string, prefix: string): string {
    const found = Object.entries(this.#resources).filter(([id, { Type }]) => Type === type && id.startsWith(prefix));
    const [first] = found;
    if (first === undefined || found.length > 1) throw new RangeError(`${found.length} resources ${type} ${prefix}`);
    return this.#arn(first[0]);
  }

  /** Whether a request is allowed, by the policies of a role of the template, and those that others have given its principal. */
  allows(request: PolicyRequest, more: readonly Statement[] = []): boolean {
    const identity = [...this.#ofRole(request.principal), ...more];
    const resource = this.#ofResource(request.resource);
    const decides = (one: Statement): boolean => this.#applies(one, request);
    if ([...identity, ...resource].some((one) => one.Effect === 'Deny' && decides(one))) return false;
    const allowing = (statements: readonly Statement[]): readonly Statement[] =>
      statements.filter((one) => one.Effect === 'Allow' && decides(one));
    const byResource = allowing(resource);
    const isDelegated = byResource.some((one) => this.#isDelegation(one));
    if (byResource.some((one) => !this.#isDelegation(one))) return true;
    // A key's policy must leave it to those of the identities (KMS developer guide, "Key policies").
    return allowing(identity).length > 0 && (isDelegated || !request.action.startsWith('kms:'));
  }

  /** Whether a statement names the account: what that is allowed is left to the policies of its identities. */
  #isDelegation({ Principal }: Statement): boolean {
    if (Principal === undefined || Principal === '*') return false;
    return this.#texts(Principal.AWS ?? []).some((one) => one === ROOT);
  }

  #ofRole(arn: string): readonly Statement[] {
    return Object.values(this.#resources).flatMap(({ Type, Properties = {} }) => {
      const roles = (Properties.Roles ?? []) as readonly unknown[];
      if (Type !== 'AWS::IAM::Policy' || !roles.some((role) => arn.endsWith(`/${this.#text(role)}`))) return [];
      return (Properties.PolicyDocument as Document).Statement;
    });
  }

  #ofResource(arn: string): readonly Statement[] {
    return Object.entries(this.#resources).flatMap(([id, { Type, Properties = {} }]) => {
      const isOf = (other: string): boolean => arn === other || arn.startsWith(`${other}/`);
      if (Type === 'AWS::DynamoDB::Table' && isOf(this.#arn(id)) && Properties.ResourcePolicy !== undefined)
        return (Properties.ResourcePolicy as { PolicyDocument: Document }).PolicyDocument.Statement;
      if (Type === 'AWS::S3::BucketPolicy' && isOf(`arn:aws:s3:::${this.#text(Properties.Bucket)}`))
        return (Properties.PolicyDocument as Document).Statement;
      if (Type === 'AWS::KMS::Key' && isOf(this.#arn(id))) return (Properties.KeyPolicy as Document).Statement;
      return [];
    });
  }

  #applies({ Action, Principal, Resource, NotResource, Condition = {} }: Statement, request: PolicyRequest): boolean {
    if (!texts(Action).some((pattern) => isLike(request.action, pattern))) return false;
    if (Principal !== undefined && !this.#isPrincipal(Principal, request.principal)) return false;
    const isOf = (patterns: unknown): boolean =>
      this.#texts(patterns).some((pattern) => isLike(request.resource, pattern));
    if (Resource !== undefined && !isOf(Resource)) return false;
    if (NotResource !== undefined && isOf(NotResource)) return false;
    return Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, wanted]) => this.#isMet(operator, key, this.#texts(wanted), request)),
    );
  }

  #isPrincipal(principal: NonNullable<Statement['Principal']>, arn: string): boolean {
    if (principal === '*') return true;
    return this.#texts(principal.AWS ?? []).some((one) => one === '*' || one === arn || one === ROOT);
  }

  #isMet(
    operator: string,
    key: string,
    wanted: readonly string[],
    { principal, context = {} }: PolicyRequest,
  ): boolean {
    const found = key === 'aws:PrincipalArn' ? principal : context[key];
    const values = found === undefined ? [] : texts(found);
    const isAny = (test: (value: string, pattern: string) => boolean): boolean =>
      values.some((value) => wanted.some((pattern) => test(value, pattern)));
    switch (operator) {
      case 'Null':
        return (values.length === 0) === (wanted[0] === 'true');
      case 'Bool':
      case 'StringEquals':
        return isAny((value, pattern) => value === pattern);
      case 'StringLike':
      case 'ArnLike':
      case 'ArnEquals':
        return isAny(isLike);
      // A negated operator is met where the key is missing.
      case 'StringNotEquals':
        return !isAny((value, pattern) => value === pattern);
      case 'ArnNotEquals':
      case 'StringNotLike':
      case 'ArnNotLike':
        return !isAny(isLike);
      case 'NumericLessThan':
        return values.some((value) => Number(value) < Number(wanted[0]));
      // And these where there is no value.
      case 'ForAllValues:StringLike':
        return values.every((value) => wanted.some((pattern) => isLike(value, pattern)));
      case 'ForAllValues:StringEquals':
        return values.every((value) => wanted.includes(value));
      case 'ForAnyValue:StringEquals':
        return isAny((value, pattern) => value === pattern);
      default:
        throw new RangeError(`the stand-in for IAM does not know ${operator}`);
    }
  }

  #texts(value: unknown): readonly string[] {
    return Array.isArray(value) ? value.map((one) => this.#text(one)) : [this.#text(value)];
  }

  /** A value of the template as it is once deployed. */
  #text(value: unknown): string {
    if (typeof value === 'string') return value;
    if (typeof value === 'boolean' || typeof value === 'number') return String(value);
    const made = value as {
      Ref?: string;
      'Fn::GetAtt'?: [string, string];
      'Fn::Join'?: [string, unknown[]];
      'Fn::Sub'?: string;
    };
    if (made.Ref !== undefined) return PSEUDO[made.Ref] ?? made.Ref;
    if (made['Fn::GetAtt'] !== undefined) return this.#arn(made['Fn::GetAtt'][0]);
    if (made['Fn::Join'] !== undefined)
      return made['Fn::Join'][1].map((one) => this.#text(one)).join(made['Fn::Join'][0]);
    if (made['Fn::Sub'] !== undefined)
      return made['Fn::Sub'].replace(/\$\{([\w:]+)\}/g, (_, name) => PSEUDO[name] ?? name);
    throw new RangeError(`the stand-in for IAM does not know ${JSON.stringify(value)}`);
  }

  #arn(id: string): string {
    switch (this.#resources[id]?.Type) {
      case 'AWS::IAM::Role':
        return `arn:aws:iam::${ACCOUNT}:role/${id}`;
      case 'AWS::DynamoDB::Table':
        return `arn:aws:dynamodb:eu-central-1:${ACCOUNT}:table/${id}`;
      case 'AWS::S3::Bucket':
        return `arn:aws:s3:::${id}`;
      case 'AWS::KMS::Key':
        return `arn:aws:kms:eu-central-1:${ACCOUNT}:key/${id}`;
      default:
        return `arn:aws:other:eu-central-1:${ACCOUNT}:${id}`;
    }
  }
}

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::AccountId': ACCOUNT,
  'AWS::Partition': 'aws',
  'AWS::Region': 'eu-central-1',
  'AWS::URLSuffix': 'amazonaws.com',
};

const texts = (value: Value): readonly string[] => (typeof value === 'string' ? [value] : value);

function isLike(value: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'is').test(value);
}
