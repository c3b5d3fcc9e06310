import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identityOf } from '../../lib/log/identity.ts';

/** Who a submitter is (docs/spec.md): of an assumed role the role, of any other the whole text. */

const ROLE = 'arn:aws:sts::123456789012:assumed-role/shop';

describe('a session of an assumed role is identified by the role', () => {
  it.each([
    // A name that the SDK for JavaScript makes up: a service account of EKS, and a profile with role_arn.
    ['web identity', `${ROLE}/aws-sdk-js-session-1796000000000`, ROLE],
    ['a profile with role_arn', `${ROLE}/aws-sdk-js-1796000000000`, ROLE],
    ['the SDK for Python', `${ROLE}/botocore-session-1796000000`, ROLE],
    ['the SDK for Java', `${ROLE}/aws-sdk-java-1796000000000`, ROLE],
    ['EKS Pod Identity', `${ROLE}/eks-prod-shop-5c7f9d-0f1e2d3c-4b5a-6978`, ROLE],
    ['an ECS task', `${ROLE}/0123456789abcdef0123456789abcdef`, ROLE],
    ['an EC2 instance', `${ROLE}/i-0123456789abcdef0`, ROLE],
    ['a Lambda function', `${ROLE}/orders-intake`, ROLE],
    ['a Cognito identity pool', `${ROLE}/CognitoIdentityCredentials`, ROLE],
    [
      'a person in IAM Identity Center',
      'arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Auditor_0123456789abcdef/ann@example.com',
      'arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Auditor_0123456789abcdef',
    ],
    [
      'a service-linked role',
      'arn:aws:sts::123456789012:assumed-role/AWSServiceRoleForConfig/configRulesAndProxy',
      'arn:aws:sts::123456789012:assumed-role/AWSServiceRoleForConfig',
    ],
    [
      'a role of every character that names may have',
      'arn:aws:sts::123456789012:assumed-role/a_B-1+=,.@z/s',
      'arn:aws:sts::123456789012:assumed-role/a_B-1+=,.@z',
    ],
    ['China', 'arn:aws-cn:sts::123456789012:assumed-role/shop/s', 'arn:aws-cn:sts::123456789012:assumed-role/shop'],
    [
      'GovCloud',
      'arn:aws-us-gov:sts::123456789012:assumed-role/shop/s',
      'arn:aws-us-gov:sts::123456789012:assumed-role/shop',
    ],
    [
      'an isolated region',
      'arn:aws-iso-b:sts::123456789012:assumed-role/shop/s',
      'arn:aws-iso-b:sts::123456789012:assumed-role/shop',
    ],
    [
      'the sovereign cloud',
      'arn:aws-eusc:sts::123456789012:assumed-role/r/s',
      'arn:aws-eusc:sts::123456789012:assumed-role/r',
    ],
    ['a session of every character that names may have', `${ROLE}/a_B-1+=,.@z`, ROLE],
    ['a session with what AWS does not allow', `${ROLE}/a/b "c"\\\n☃`, ROLE],
  ])('%s', (_, submitter, identity) => {
    expect(identityOf(submitter)).toBe(identity);
  });
});

describe('any other submitter is identified by its whole text', () => {
  it.each([
    ['a principal of the embedded server', 'writer'],
    ['the log itself', 'sealtrail:producers'],
    ['a user', 'arn:aws:iam::123456789012:user/shop'],
    ['a user with a path', 'arn:aws:iam::123456789012:user/division/team/shop'],
    ['the root user', 'arn:aws:iam::123456789012:root'],
    ['a federated user, whose name the broker gives', 'arn:aws:sts::123456789012:federated-user/ann'],
    ['a role as aws:PrincipalArn has it', 'arn:aws:iam::123456789012:role/apps/shop'],
    ['a role without a session', ROLE],
    ['an empty session', `${ROLE}/`],
    ['nothing', ''],
    // Look-alikes.
    ['a user whose path looks like a session', 'arn:aws:iam::123456789012:user/assumed-role/shop/s'],
    ['a federated user named like one', 'arn:aws:sts::123456789012:federated-user/assumed-role/shop/s'],
    ['a name that ends in one', `x${ROLE}/s`],
    ['a line before it', `\n${ROLE}/s`],
    ['an account too short', 'arn:aws:sts::12345678901:assumed-role/shop/s'],
    ['an account in other digits', 'arn:aws:sts::١٢٣٤٥٦٧٨٩٠١٢:assumed-role/shop/s'],
    ['a region, which STS has none of', 'arn:aws:sts:eu-central-1:123456789012:assumed-role/shop/s'],
    ['another partition', 'arn:azure:sts::123456789012:assumed-role/shop/s'],
    ['another case', 'arn:aws:sts::123456789012:Assumed-Role/shop/s'],
    ['a role without a name', 'arn:aws:sts::123456789012:assumed-role//s'],
    ['a role of what roles cannot be named', 'arn:aws:sts::123456789012:assumed-role/sh op/s'],
    ['a role longer than roles are', `arn:aws:sts::123456789012:assumed-role/${'r'.repeat(65)}/s`],
  ])('%s', (_, submitter) => {
    expect(identityOf(submitter)).toBe(submitter);
  });
});

describe('the rule', () => {
  const word = fc.stringMatching(/^[\w+=,.@-]{1,20}$/);
  const session = fc.tuple(
    fc.constantFrom('aws', 'aws-cn'),
    fc.stringMatching(/^[0-9]{12}$/),
    word,
    fc.string({ minLength: 1 }),
  );
  const arn = ([partition, account, role, name]: [string, string, string, string]): string =>
    `arn:${partition}:sts::${account}:assumed-role/${role}/${name}`;

  it('merges the sessions of one role of one account, and no others', () => {
    fc.assert(
      fc.property(session, session, (one, other) => {
        const isSameRole = one.slice(0, 3).join() === other.slice(0, 3).join();
        expect(identityOf(arn(one)) === identityOf(arn(other))).toBe(isSameRole);
        expect(identityOf(arn([one[0], one[1], one[2], other[3]]))).toBe(identityOf(arn(one)));
      }),
    );
  });

  it('leaves what is an identity as it is, and reads a submitter in JSON as it reads the text', () => {
    fc.assert(
      fc.property(fc.oneof(session.map(arn), fc.string()), (submitter) => {
        const identity = identityOf(submitter);
        expect(identityOf(identity)).toBe(identity);
        expect(identityOf(JSON.stringify(submitter).slice(1, -1))).toBe(JSON.stringify(identity).slice(1, -1));
      }),
    );
  });
});
