import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { describe, expect, it } from 'vitest';
import { STACK_ROUTES } from '../../../lib/stack/resources/routes.ts';
import { actionsOf, makeStack, type Statement, statementsByRole, synthesise } from '../synthesised.ts';

const APPEND = 'SealtrailAppendRoleA1F5BF09';
const READ = 'SealtrailReadRoleC24874E9';
const SEAL = 'SealtrailSealRole58704C1D';
const FOLLOW = 'SealtrailFollowRoleBA45DD2C';
const PUBLIC_KEY = 'SealtrailPublicKeyRoleDF40F6DC';
const TABLE = { 'Fn::GetAtt': ['SealtrailTable29474214', 'Arn'] };
const ARCHIVE_OBJECTS = { 'Fn::Join': ['', [{ 'Fn::GetAtt': ['SealtrailArchiveA37C4D87', 'Arn'] }, '/*']] };

const template = synthesise({ stage: 'prod' });
const INDEX = {
  'Fn::GetAtt': [
    Object.keys(template.findResources('AWS::S3::Bucket')).find((id) => id.startsWith('SealtrailIndex')),
    'Arn',
  ],
};
const INDEX_OBJECTS = { 'Fn::Join': ['', [INDEX, '/*']] };
const roles = statementsByRole(template);

const all = (role: string): readonly Statement[] => roles.get(role) ?? [];
const rolesThatMay = (test: (action: string, statement: Statement) => boolean): string[] =>
  [...roles]
    .filter(([, statements]) => statements.some((one) => actionsOf(one).some((action) => test(action, one))))
    .map(([role]) => role)
    .sort();
/** The logical id of a function. */
const idOf = (Description: string): string | undefined =>
  Object.keys(template.findResources('AWS::Lambda::Function', { Properties: { Description } }))[0];
const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const EXPORT = [...roles.keys()].find((id) => id.startsWith('SealtrailExportRole')) ?? '';
const GUARD = [...roles.keys()].find((id) => id.startsWith('SealtrailGuardGuardRole')) ?? '';
const RELEASE = [...roles.keys()].find((id) => id.startsWith('SealtrailReleaseRole')) ?? '';
const VERIFY = [...roles.keys()].find((id) => id.startsWith('SealtrailVerifyRole')) ?? '';

describe('each function may do what it is for', () => {
  it('and every one has a role of its own', () => {
    const own = [APPEND, EXPORT, FOLLOW, GUARD, PUBLIC_KEY, READ, RELEASE, SEAL, VERIFY];
    expect([...roles.keys()].sort()).toEqual(own.sort());
  });

  it('what tells the stack its public key touches nothing else', () => {
    expect(all(PUBLIC_KEY).flatMap(actionsOf)).toEqual(['logs:CreateLogStream', 'logs:PutLogEvents']);
  });

  it('what guards deployments sees the state of its stack, and what releases a table lifts its protection', () => {
    const logs = ['logs:CreateLogStream', 'logs:PutLogEvents'];
    expect(all(GUARD).flatMap(actionsOf)).toEqual(['cloudformation:DescribeStacks', ...logs]);
    expect(all(RELEASE).flatMap(actionsOf)).toEqual(['cloudformation:DescribeStacks', 'dynamodb:UpdateTable', ...logs]);
    const seen = [...all(GUARD), ...all(RELEASE)].filter((one) =>
      actionsOf(one).includes('cloudformation:DescribeStacks'),
    );
    expect(seen.map(({ Resource }) => Resource)).toEqual(Array(2).fill({ Ref: 'AWS::StackId' }));
    expect(all(RELEASE).find((one) => actionsOf(one).includes('dynamodb:UpdateTable'))?.Resource).toEqual(TABLE);
  });

  it('no permission is wider than its service, and none is to everything but the one that AWS cannot narrow', () => {
    const wide = [...roles.values()]
      .flat()
      .filter((one) => one.Resource === '*' || actionsOf(one).some((action) => action.includes('*')));
    expect(wide).toEqual([{ Action: 'dynamodb:ListStreams', Effect: 'Allow', Resource: '*' }]);
  });

  it('append deletes nothing but places in line, and does not touch the archive', () => {
    const actions = all(APPEND).flatMap(actionsOf);
    expect([...new Set(actions)].sort()).toEqual([
      'dynamodb:ConditionCheckItem',
      'dynamodb:DeleteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]);
  });

  it('read writes nothing but the secret that it makes for its cursors, and who read', () => {
    const writesOf = (statements: readonly Statement[]) =>
      statements
        .filter((one) => actionsOf(one).some((action) => /Put(Item|Object)|Delete|Update/.test(action)))
        .map(({ Sid, Condition }) => [Sid, Condition]);
    const inPartitions = (keys: readonly string[]) => ({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys },
    });
    const secret = ['PutCursorSecret', inPartitions(['deployment'])];
    const ACCESS = [
      ...['head/_access', 'block/_access', 'block-part/_access/*', 'idempotency/_access/*'],
      ...['waiting/_access/*', 'landing/_access/*', 'turn/_access', 'trails'],
    ];
    expect(writesOf(all(READ))).toEqual([
      secret,
      ['PutAccessRecords', inPartitions(ACCESS)],
      ['LeaveAccessLine', inPartitions(['waiting/_access/*'])],
    ]);
    const silent = statementsByRole(synthesise({ stage: 'prod', recordReads: false }));
    expect(writesOf(silent.get(READ) ?? [])).toEqual([secret]);
  });

  it('only follow writes the archive, and no one deletes from it', () => {
    const writers = rolesThatMay((action, one) => action.startsWith('s3:Put') && isSame(one.Resource, ARCHIVE_OBJECTS));
    expect(writers).toEqual([FOLLOW]);
    const mayRemove = rolesThatMay(
      (action, one) => action.startsWith('s3:') && /Delete|Bypass/.test(action) && !isSame(one.Resource, INDEX_OBJECTS),
    );
    expect(mayRemove).toEqual([]);
    expect(rolesThatMay((action) => action === 's3:PutObjectLegalHold')).toEqual([FOLLOW]);
  });

  it('seal, which takes the orders of administrators, touches no object and no key: it has follow do that, and nothing else', () => {
    const given = all(SEAL).map(({ Sid, ...one }) => [Sid, actionsOf(one).join(' ')]);
    expect(given).toEqual([
      ['ReadTable', 'dynamodb:GetItem dynamodb:Query'],
      ['PutCursorSecret', 'dynamodb:PutItem dynamodb:ConditionCheckItem'],
      ['WriteLogs', 'logs:CreateLogStream logs:PutLogEvents'],
      ['PutLegalHolds', 'dynamodb:PutItem dynamodb:ConditionCheckItem'],
      ['PutSystemRecords', 'dynamodb:PutItem dynamodb:ConditionCheckItem'],
      ['LeaveSystemLine', 'dynamodb:DeleteItem'],
      ['AskFollower', 'lambda:InvokeFunction'],
    ]);
    const follow = { 'Fn::GetAtt': [idOf('Sealtrail: seals, archives and indexes'), 'Arn'] };
    expect(all(SEAL).find(({ Sid }) => Sid === 'AskFollower')?.Resource).toEqual(follow);
    expect(rolesThatMay((action) => action.startsWith('lambda:')).sort()).toEqual([SEAL, VERIFY].sort());
  });

  it('verify, which the API asks for what takes longer than an answer may, has itself do that, and no other function', () => {
    const statements = all(VERIFY).filter((one) => actionsOf(one).some((action) => action.startsWith('lambda:')));
    const verify = { 'Fn::GetAtt': [idOf('Sealtrail: verifies every trail and its archive'), 'Arn'] };
    expect(statements).toMatchObject([{ Sid: 'AskItself', Action: 'lambda:InvokeFunction', Resource: verify }]);
  });

  it('verify may go on in runs of its own as often as it takes, which Lambda would take for a loop', () => {
    const going = Object.values(template.findResources('AWS::Lambda::Function')).filter(
      ({ Properties }) => Properties.RecursiveLoop === 'Allow',
    );
    expect(going.map(({ Properties }) => Properties.Description)).toEqual([expect.stringContaining('verifies')]);
  });

  it('only seal is told what to ask', () => {
    const told = Object.values(template.findResources('AWS::Lambda::Function')).flatMap(({ Properties }) => {
      const { SEALTRAIL_FOLLOWER: asked } = Properties.Environment.Variables;
      return asked === undefined ? [] : [[Properties.Description, asked]];
    });
    const follow = { Ref: idOf('Sealtrail: seals, archives and indexes') };
    expect(told).toEqual([['Sealtrail: takes orders to seal and to hold', follow]]);
  });

  it('export writes what it exports, what it remembers and states of it, reads the rest, and removes nothing but places in line', () => {
    const granted = all(EXPORT).flatMap((one) => actionsOf(one).map((action) => ({ action, ...one })));
    const mayWrite = granted.filter(({ action }) => !/:(Get|Query|List|ConditionCheck)/.test(action));
    expect(mayWrite.map(({ Sid, action }) => `${Sid} ${action}`)).toEqual([
      ...['PutCursorSecret dynamodb:PutItem', 'PutExports dynamodb:PutItem'],
      ...['WriteExports s3:PutObject', 'WriteExports s3:AbortMultipartUpload'],
      ...['PutSystemRecords dynamodb:PutItem', 'LeaveSystemLine dynamodb:DeleteItem'],
      ...['PutAccessRecords dynamodb:PutItem', 'LeaveAccessLine dynamodb:DeleteItem'],
      ...['WriteLogs logs:CreateLogStream', 'WriteLogs logs:PutLogEvents', 'LeaveDeadLetters sqs:SendMessage'],
    ]);
    const exported = granted.find(({ action }) => action === 's3:PutObject');
    expect(exported?.Resource).toEqual({
      'Fn::Join': ['', [{ 'Fn::GetAtt': ['SealtrailExportsA5D80B81', 'Arn'] }, '/*']],
    });
    const remembered = granted.find(({ Sid }) => Sid === 'PutExports');
    expect(remembered?.Condition).toEqual({ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['export/*'] } });
  });

  it('only follow writes the index and removes from it, and besides it only read and export read it', () => {
    const touching = (test: RegExp) =>
      rolesThatMay(
        (action, { Resource }) => test.test(action) && [INDEX, INDEX_OBJECTS].some((one) => isSame(one, Resource)),
      );
    expect(touching(/Put|Delete|Abort/)).toEqual([FOLLOW]);
    expect(touching(/./)).toEqual([EXPORT, FOLLOW, READ].sort());
  });

  it('only export touches what was exported', () => {
    const touching = rolesThatMay((_, { Resource }) => JSON.stringify(Resource ?? '').includes('SealtrailExports'));
    expect(touching).toEqual([EXPORT]);
  });

  it('only follow changes blocks, and nothing of them but when they expire', () => {
    expect(rolesThatMay((action) => action === 'dynamodb:UpdateItem')).toEqual([FOLLOW]);
    const [stamping] = all(FOLLOW).filter((one) => actionsOf(one).includes('dynamodb:UpdateItem'));
    expect(stamping?.Condition).toEqual({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['block/*', 'block-part/*'] },
      'ForAllValues:StringEquals': { 'dynamodb:Attributes': ['partition', 'sort', 'expiresAt'] },
    });
  });

  it('in dev one function may delete from the buckets, locks notwithstanding, and there is none in production', () => {
    const deleters = (one: typeof template) =>
      [...statementsByRole(one)].flatMap(([role, statements]) =>
        statements
          .filter(({ Sid }) => Sid !== 'WriteIndex')
          .flatMap(actionsOf)
          .some((action) => /^s3:(Delete|Bypass)/.test(action))
          ? [role]
          : [],
      );
    expect(deleters(synthesise())).toEqual([expect.stringMatching(/^SealtrailEmptyingEmptyRole/)]);
    expect(deleters(synthesise({ lock: 'compliance' }))).toEqual([]);
    expect(deleters(template)).toEqual([]);
  });

  it('nobody can delete a head, a block or a checkpoint, or change a head or a checkpoint in place', () => {
    const deletions = [...roles.values()]
      .flat()
      .filter((one) => actionsOf(one).some((a) => /^dynamodb:.*(Delete|BatchWrite|Update)/.test(a)))
      // Of the table and not of an item.
      .filter((one) => !isSame(actionsOf(one), ['dynamodb:UpdateTable']));
    const partitions = deletions.map(({ Resource, Condition }) => {
      expect(Resource).toEqual(TABLE);
      return Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'];
    });
    // Places in line, the archiver's own open tiles, the index of earlier versions, and the stamps.
    expect([...new Set(partitions.flat())].sort()).toEqual([
      ...['block-part/*', 'block/*', 'counts/*', 'follower/*', 'long-postings/*', 'postings/*'],
      ...['waiting/*', 'waiting/_access/*', 'waiting/_index/*', 'waiting/_system/*', 'work/*'],
    ]);
    const removals = deletions.filter((one) => actionsOf(one).includes('dynamodb:DeleteItem'));
    const removed = removals.flatMap(
      ({ Condition }) => Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'],
    );
    expect(removed.filter((partition) => /^(head|block|checkpoint|\*)/.test(String(partition)))).toEqual([]);
  });

  it("only append writes heads and blocks, but for the watchman's in the trail _system and who read in _access", () => {
    const written = (role: string): unknown[] =>
      all(role)
        .filter((one) => actionsOf(one).includes('dynamodb:PutItem'))
        .flatMap(({ Condition }) => Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'] ?? ['anything'])
        .filter((key) => /^(head|block|anything)/.test(String(key)));
    expect(written(APPEND)).toEqual(['head/*', 'block/*', 'block-part/*']);
    expect(written(SEAL)).toEqual(['head/_system', 'block/_system', 'block-part/_system/*']);
    expect(written(READ)).toEqual(['head/_access', 'block/_access', 'block-part/_access/*']);
    expect(written(VERIFY)).toEqual([...written(SEAL), ...written(READ)]);
    // It seals what reads left in line.
    const ofIndex = ['head/_index', 'block/_index', 'block-part/_index/*'];
    expect(written(FOLLOW).toSorted()).toEqual([...written(SEAL), ...written(READ), ...ofIndex].toSorted());
  });
});

describe('grants', () => {
  type Grant =
    | 'grantAppend'
    | 'grantOtlp'
    | 'grantRead'
    | 'grantVerify'
    | 'grantSeal'
    | 'grantLegalHold'
    | 'grantArchiveRead';
  function granted(grant: Grant, trails: readonly string[]): readonly Statement[] {
    const stack = makeStack();
    const role = new Role(stack, 'Someone', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    stack.log[grant](role, trails);
    const given = statementsByRole(Template.fromStack(stack));
    return [...given].find(([id]) => id.startsWith('Someone'))?.[1] ?? [];
  }
  /** What may be called, as `METHOD /path`. */
  const calls = (statements: readonly Statement[]): string[] =>
    statements
      .filter((one) => actionsOf(one).includes('execute-api:Invoke'))
      .flatMap(({ Resource }) => [Resource].flat())
      .map((arn) => JSON.stringify(arn).replace(/^.*\$default\/([A-Z]+)(\/[^"]*)".*$/, '$1 $2'))
      .sort();

  it('to append is to post events to those trails, and to get the keys and consistency proofs that receipts are checked with', () => {
    expect(calls(granted('grantAppend', ['orders', 'payments-*']))).toEqual([
      'GET /v1/keys',
      'GET /v1/trails/orders/consistency',
      'GET /v1/trails/orders/witnessed',
      'GET /v1/trails/payments-*/consistency',
      'GET /v1/trails/payments-*/witnessed',
      'POST /v1/trails/orders/events',
      'POST /v1/trails/payments-*/events',
    ]);
  });

  it('to post logs and traces is a grant of its own, which policies of many patterns have no room for', () => {
    expect(calls(granted('grantOtlp', ['orders']))).toEqual([
      'POST /v1/otlp/orders/v1/logs',
      'POST /v1/otlp/orders/v1/traces',
    ]);
  });

  it('to read is every call that changes nothing', () => {
    const read = calls(granted('grantRead', ['orders']));
    expect(read).toEqual(['GET /v1/keys', 'GET /v1/trails', 'GET /v1/trails/orders/*']);
    const ofTrails = STACK_ROUTES.filter(
      ({ method, path, action }) => method === 'GET' && path !== '/v1/events' && action.on !== 'nothing',
    );
    const reads = ofTrails.map(({ path }) => path.replace('{trail}', 'orders').replace(/\{\w+\}/g, 'x'));
    // As IAM matches: a star stands for any characters.
    const isGranted = (path: string) => read.some((one) => `GET ${path}`.startsWith(one.replace('*', '')));
    expect(reads.filter((path) => !isGranted(path))).toEqual([]);
  });

  it('to read several trails at once, which IAM cannot tell apart, takes the permission to read all', () => {
    expect(calls(granted('grantRead', ['orders', 'payments-*']))).not.toContain('GET /v1/events');
    expect(calls(granted('grantRead', ['*']))).toContain('GET /v1/events');
    for (const grant of ['grantAppend', 'grantVerify', 'grantSeal'] as const) {
      expect(calls(granted(grant, ['*']))).not.toContain('GET /v1/events');
    }
  });

  it('to verify is to have the ledger verified, to get checkpoints, proofs and keys, and no record', () => {
    expect(calls(granted('grantVerify', ['orders']))).toEqual([
      'GET /v1/keys',
      'GET /v1/trails/orders/checkpoint',
      'GET /v1/trails/orders/consistency',
      'GET /v1/trails/orders/events/*/proof',
      'GET /v1/trails/orders/events/*/receipt',
      'GET /v1/trails/orders/verifications',
      'GET /v1/trails/orders/verifications/*',
      'GET /v1/trails/orders/witnessed',
      'POST /v1/trails/orders/verifications',
    ]);
  });

  it('to seal is one call', () => {
    expect(calls(granted('grantSeal', ['orders']))).toEqual(['POST /v1/trails/orders/seals']);
  });

  it('to hold is to set, release and see a legal hold, and to have nothing removed or sealed', () => {
    expect(calls(granted('grantLegalHold', ['orders']))).toEqual([
      'GET /v1/trails/orders/legal-hold',
      'POST /v1/trails/orders/legal-hold',
    ]);
  });

  it('to read the archive is to read all versions under those trails and the keys, in S3 and nowhere else', () => {
    const statements = granted('grantArchiveRead', ['orders']);
    expect(calls(statements)).toEqual([]);
    expect(statements.flatMap(actionsOf).filter((action) => !/^s3:(Get|List)/.test(action))).toEqual([]);
    const objects = statements.find((one) => actionsOf(one).includes('s3:GetObjectVersion'));
    expect(JSON.stringify(objects?.Resource)).toContain('/orders/*');
    expect(JSON.stringify(objects?.Resource)).not.toContain('"/*"');
    const listing = statements.find((one) => actionsOf(one).includes('s3:ListBucketVersions'));
    expect(listing?.Condition).toEqual({ StringLike: { 's3:prefix': ['orders/*', 'keys/*'] } });
  });

  it('to read the archive of all trails is to list the whole bucket too, as verifying all of it does', () => {
    const statements = granted('grantArchiveRead', ['*']);
    const listing = statements.find((one) => actionsOf(one).includes('s3:ListBucketVersions'));
    expect(listing?.Condition).toBeUndefined();
    const objects = statements.find((one) => actionsOf(one).includes('s3:GetObjectVersion'));
    expect(objects?.Resource).toEqual(ARCHIVE_OBJECTS);
  });

  it.each([['Orders'], ['orders/events'], ['']])('refuse %j, which no trail is named like', (pattern) => {
    expect(() => granted('grantAppend', [pattern])).toThrow(
      /must be a trail name, in which \* stands for any characters/,
    );
    expect(() => granted('grantArchiveRead', [pattern])).toThrow(/must be a trail name/);
  });

  it('refuse to be given for no trail at all', () => {
    expect(() => granted('grantRead', [])).toThrow("no trails to read: name some, or all with '*'");
  });
});

describe('managed policies', () => {
  const stack = makeStack({ trails: ['orders', 'payments-*'] });
  const policies = Template.fromStack(stack).findResources('AWS::IAM::ManagedPolicy');
  const statementsOf = (name: string): readonly Statement[] => {
    const [id] = Object.keys(policies).filter((one) => one.startsWith(`SealtrailTrailsPolicies${name}`));
    return policies[id ?? '']?.Properties.PolicyDocument.Statement ?? [];
  };
  const given = (name: string) => JSON.stringify(statementsOf(name).map(({ Action, Resource }) => [Action, Resource]));

  it('are there for a writer, an auditor and an archive auditor of the trails asked for', () => {
    expect(Object.values(policies).map(({ Properties }) => Properties.Description)).toEqual([
      'Sealtrail: append to trails orders, payments-*',
      'Sealtrail: read, verify and export trails orders, payments-*',
      'Sealtrail: read the archive of trails orders, payments-*',
    ]);
  });

  it('let a writer append, an auditor read, and an archive auditor into the bucket, and none of them more', () => {
    expect(given('Writer')).toContain('/$default/POST/v1/trails/payments-*/events');
    expect(given('Writer')).not.toMatch(/GET\/v1\/trails(?!\/[\w*-]+\/(consistency|witnessed)")|s3:/);
    expect(given('Auditor')).toContain('/$default/GET/v1/trails/payments-*/*');
    expect(given('Auditor')).not.toMatch(/\/events"|seals|s3:/);
    expect(given('ArchiveAuditor')).toContain('/payments-*/*');
    expect(given('ArchiveAuditor')).not.toMatch(/execute-api|Put|Delete/);
  });

  it('are for all trails unless some are named', () => {
    const all = Template.fromStack(makeStack()).findResources('AWS::IAM::ManagedPolicy');
    expect(JSON.stringify(all)).toContain('/$default/POST/v1/trails/*/events');
  });
});
