import { Duration, Stack } from 'aws-cdk-lib';
import { Role } from 'aws-cdk-lib/aws-iam';
import { describe, expect, it } from 'vitest';
import { ACCOUNT, Policies } from './policy-evaluator.ts';
import { synthesise } from './synthesised.ts';

/**
 * Who may do what to the table, the archive and the key, by all policies together. No emulator evaluates the policies of tables, nor
 * leading keys and attributes; a stand-in for IAM does, as AWS documents it.
 */

const BREAK_GLASS = `arn:aws:iam::${ACCOUNT}:role/break-glass`;
const ADMINISTRATOR = `arn:aws:iam::${ACCOUNT}:role/administrator`;
const EVERYTHING = [{ Effect: 'Allow' as const, Action: '*', Resource: '*' }];
const template = synthesise({
  stage: 'prod',
  backup: Duration.days(90),
  archiveCopy: { bucketArn: 'arn:aws:s3:::audit-copy', account: '444455556666' },
  breakGlass: [Role.fromRoleArn(new Stack(), 'BreakGlass', BREAK_GLASS)],
});
const policies = new Policies(template);
const role = (name: string) => policies.arnOf('AWS::IAM::Role', `Sealtrail${name}Role`);
const table = policies.arnOf('AWS::DynamoDB::Table', 'SealtrailTable');
const archive = policies.arnOf('AWS::S3::Bucket', 'SealtrailArchive');
const key = policies.arnOf('AWS::KMS::Key', 'SealtrailSigningKey');

const WRITES = [
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'PartiQLInsert',
  'PartiQLUpdate',
  'PartiQLDelete',
];
const onItem = (action: string, partition: string, attributes: readonly string[] = []) => ({
  action: `dynamodb:${action}`,
  resource: table,
  context: { 'dynamodb:LeadingKeys': [partition], 'dynamodb:Attributes': attributes },
});
const onObject = (action: string, name: string, context: Readonly<Record<string, string>> = {}) => ({
  action: `s3:${action}`,
  resource: `${archive}/${name}`,
  context: { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3', ...context },
});

describe('the table', () => {
  it.each(WRITES)('refuses %s of an administrator, whatever IAM allows', (action) => {
    for (const partition of ['head/orders', 'block/orders', 'follower/orders', 'anything']) {
      expect(policies.allows({ principal: ADMINISTRATOR, ...onItem(action, partition) }, EVERYTHING)).toBe(false);
    }
  });

  it('is read, backed up and restored by those whom IAM allows', () => {
    for (const action of [
      'GetItem',
      'Query',
      'StartAwsBackupJob',
      'CreateBackup',
      'RestoreTableToPointInTime',
      'UpdateTable',
    ]) {
      const request = { principal: ADMINISTRATOR, ...onItem(action, 'head/orders') };
      expect(policies.allows(request, EVERYTHING)).toBe(true);
      expect(policies.allows(request)).toBe(false);
    }
  });

  it('lets each function do its own work', () => {
    const allowed: readonly [string, string, string][] = [
      ...[
        'head/orders',
        'block/orders',
        'block-part/orders/0',
        'checkpoint/orders',
        'idempotency/orders/x',
        'trails',
      ].map((partition): [string, string, string] => ['Append', 'PutItem', partition]),
      ['Append', 'DeleteItem', 'waiting/orders/1'],
      ['Follow', 'PutItem', 'follower/orders'],
      ['Follow', 'PutItem', 'checkpoint/orders'],
      ['Follow', 'PutItem', 'work/follow/1'],
      ['Follow', 'DeleteItem', 'work/follow/1'],
      ['Follow', 'PutItem', 'head/_system'],
      ['Verify', 'PutItem', 'follower/orders'],
      ['Verify', 'PutItem', 'work/verify/1'],
      ['Read', 'PutItem', 'head/_access'],
      ['Export', 'PutItem', 'export/orders'],
      ['Seal', 'PutItem', 'follower/orders'],
    ];
    for (const [name, action, partition] of allowed) {
      expect([
        name,
        action,
        partition,
        policies.allows({ principal: role(name), ...onItem(action, partition) }),
      ]).toEqual([name, action, partition, true]);
    }
  });

  it.each(['Append', 'Read', 'Export', 'Seal', 'Follow', 'Verify'])(
    'lets %s remove no head, block or checkpoint, and write no other trail than its work is on',
    (name) => {
      const may = (action: string, partition: string): boolean =>
        policies.allows({ principal: role(name), ...onItem(action, partition) });
      for (const kind of ['head', 'block', 'block-part', 'checkpoint'])
        expect(may('DeleteItem', `${kind}/orders`)).toBe(false);
      expect(may('PutItem', 'head/orders')).toBe(name === 'Append');
      expect(may('PutItem', 'block/orders')).toBe(name === 'Append');
      expect(may('UpdateItem', 'head/orders')).toBe(false);
    },
  );

  it('lets follow say when a block expires, and change nothing else of it', () => {
    const update = (...attributes: string[]): boolean =>
      policies.allows({ principal: role('Follow'), ...onItem('UpdateItem', 'block/orders', attributes) });
    expect(update('partition', 'expiresAt')).toBe(true);
    expect(update('partition', 'expiresAt', 'body')).toBe(false);
  });
});

describe('the archive', () => {
  const isNew = { 's3:if-none-match': '*', 's3:ObjectCreationOperation': 'true' };
  const isChange = { 's3:ObjectCreationOperation': 'true' };

  it('takes new objects from follow alone, and replaces none but the newest checkpoint', () => {
    const put = (principal: string, name: string, context: Readonly<Record<string, string>>): boolean =>
      policies.allows(
        { principal, ...onObject('PutObject', name, context) },
        principal === ADMINISTRATOR ? EVERYTHING : [],
      );
    expect(put(role('Follow'), 'orders/tile/0/000', isNew)).toBe(true);
    expect(put(role('Follow'), 'orders/tile/0/000', isChange)).toBe(false);
    expect(put(role('Follow'), 'orders/checkpoint', isChange)).toBe(true);
    for (const principal of [ADMINISTRATOR, ...['Append', 'Read', 'Export', 'Seal', 'Verify'].map(role)]) {
      expect(put(principal, 'orders/tile/0/000', isNew)).toBe(false);
    }
  });

  it('hides nothing, lets no lock be passed by, and no hold be set, released or shortened by others', () => {
    const actions = ['DeleteObject', 'BypassGovernanceRetention', 'PutObjectRetention', 'PutObjectLegalHold'];
    for (const action of actions) {
      expect(policies.allows({ principal: ADMINISTRATOR, ...onObject(action, 'orders/tile/0/000') }, EVERYTHING)).toBe(
        false,
      );
    }
    expect(policies.allows({ principal: role('Follow'), ...onObject('PutObjectLegalHold', 'orders/x') })).toBe(true);
    expect(policies.allows({ principal: role('Follow'), ...onObject('DeleteObject', 'orders/x') })).toBe(false);
  });

  it('is read over TLS by those whom IAM allows, and copied by the role that copies it', () => {
    const read = onObject('GetObjectVersion', 'orders/tile/0/000');
    expect(policies.allows({ principal: ADMINISTRATOR, ...read }, EVERYTHING)).toBe(true);
    expect(policies.allows({ principal: ADMINISTRATOR, ...read })).toBe(false);
    const plain = { ...read, context: { 'aws:SecureTransport': 'false', 's3:TlsVersion': '1.3' } };
    expect(policies.allows({ principal: ADMINISTRATOR, ...plain }, EVERYTHING)).toBe(false);
    const copier = policies.arnOf('AWS::IAM::Role', 'SealtrailArchiveCopyRole');
    const copied = onObject('GetObjectVersionForReplication', 'orders/tile/0/000');
    expect(policies.allows({ principal: copier, ...copied })).toBe(true);
    const copy = { action: 's3:ReplicateObject', resource: 'arn:aws:s3:::audit-copy/orders/tile/0/000' };
    expect(policies.allows({ principal: copier, ...copy })).toBe(true);
    expect(policies.allows({ principal: copier, ...onObject('PutObject', 'orders/x', isNew) })).toBe(false);
  });
});

describe('the signing key', () => {
  const may = (principal: string, action: string, context = {}): boolean =>
    policies.allows({ principal, action: `kms:${action}`, resource: key, context }, EVERYTHING);

  it('signs for append and follow, and for no administrator', () => {
    expect(['Append', 'Follow'].map((name) => may(role(name), 'Sign'))).toEqual([true, true]);
    expect([ADMINISTRATOR, role('Read'), role('Verify')].map((one) => may(one, 'Sign'))).toEqual([false, false, false]);
  });

  it('is disabled and deleted by who breaks the glass, and by no one else', () => {
    for (const action of ['DisableKey', 'ScheduleKeyDeletion']) {
      expect(may(BREAK_GLASS, action)).toBe(true);
      expect(may(ADMINISTRATOR, action)).toBe(false);
    }
    expect(may(ADMINISTRATOR, 'PutKeyPolicy')).toBe(true);
  });

  it('of the stage dev is deleted by CloudFormation as well, with the stack', () => {
    const dev = new Policies(synthesise());
    const request = {
      action: 'kms:ScheduleKeyDeletion',
      resource: dev.arnOf('AWS::KMS::Key', 'SealtrailSigningKey'),
      principal: ADMINISTRATOR,
    };
    expect(dev.allows(request, EVERYTHING)).toBe(false);
    const called = { ...request, context: { 'aws:CalledVia': ['cloudformation.amazonaws.com'] } };
    expect(dev.allows(called, EVERYTHING)).toBe(true);
  });
});

describe('the stand-in for IAM', () => {
  it('does look: what no one allows is refused, and what it does not know it does not pass over', () => {
    const request = { principal: ADMINISTRATOR, action: 's3:GetObject', resource: 'arn:aws:s3:::x/y' };
    expect(policies.allows(request)).toBe(false);
    const odd = [
      {
        ...EVERYTHING[0],
        Effect: 'Allow' as const,
        Action: '*',
        Condition: { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } },
      },
    ];
    expect(() => policies.allows(request, odd)).toThrow('does not know IpAddress');
  });
});
