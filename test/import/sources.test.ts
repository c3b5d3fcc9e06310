import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prepareBatch } from '../../lib/event/intake.ts';
import { readValues } from '../../lib/import/read-values.ts';
import { IMPORT_SOURCES, type ImportSourceName } from '../../lib/import/sources.ts';
import { DEFAULT_POLICY } from '../../lib/privacy/policy.ts';

const SAMPLES = join(import.meta.dirname, '../vectors/import');
const sample = (name: string): Buffer => readFileSync(join(SAMPLES, name));

async function valuesOf(bytes: Buffer): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const { value } of readValues(Readable.from([bytes]))) values.push(value);
  return values;
}

/** The events of some bytes, as a log takes them, strictly. */
async function imported(source: ImportSourceName, bytes: Buffer) {
  const { records, event } = IMPORT_SOURCES[source];
  const all = (await valuesOf(bytes)).flatMap(records);
  const events = all.map((record) => event(record as Record<string, unknown>));
  const stored = prepareBatch(Buffer.from(JSON.stringify({ events })), 'application/json', {
    ...DEFAULT_POLICY,
    pii: 'include',
  });
  return stored.map(({ json }) => JSON.parse(json));
}

describe('records of', () => {
  it('CloudTrail', async () => {
    const [start, remove, service] = await imported('cloudtrail', sample('cloudtrail.json'));
    expect(start).toMatchObject({
      id: 'aws-7116c6a1-EXAMPLE',
      type: 'aws.cloudtrail.start_logging',
      time: '2019-06-19T00:18:31Z',
      action: 'StartLogging',
      outcome: 'success',
      actor: {
        id: 'arn:aws:iam::123456789012:user/Mary_Major',
        type: 'user',
        name: 'Mary_Major',
        ip: '203.0.113.64',
        userAgent: 'signin.amazonaws.com',
      },
      resource: { type: 'cloudtrail.amazonaws.com' },
      context: { tenant: '123456789012', request: 'ddf5140f-EXAMPLE' },
      details: {
        source: 'cloudtrail',
        original: { requestParameters: { name: 'arn:aws:cloudtrail:us-east-2:123456789012:trail/My-First-Trail' } },
      },
    });
    expect(start.redacted).toEqual(['details.original.userIdentity.accessKeyId']);
    expect(remove).toMatchObject({ type: 'aws.config.delete_delivery_channel' });
    expect(service).toMatchObject({ type: 'aws.quicksight.batch_create_user', actor: { type: 'admin' } });
  });

  it.each([
    [{ errorCode: 'AccessDenied' }, { type: 'aws.signin.switch_role', outcome: 'denied', severity: 'warning' }],
    [{ errorCode: 'NoSuchBucket' }, { outcome: 'failure' }],
    [
      { eventName: 'ConsoleLogin', responseElements: { ConsoleLogin: 'Success' } },
      { type: 'auth.login', outcome: 'success' },
    ],
    [
      { eventName: 'ConsoleLogin', responseElements: { ConsoleLogin: 'Failure' } },
      { type: 'auth.login_failed', outcome: 'failure' },
    ],
    [
      { resources: [{ ARN: 'arn:aws:s3:::b', type: 'AWS::S3::Bucket' }] },
      { resource: { type: 'AWS::S3::Bucket', id: 'arn:aws:s3:::b' } },
    ],
  ])('CloudTrail: %j', (more, expected) => {
    const record = { eventID: 'e', eventName: 'SwitchRole', eventSource: 'signin.amazonaws.com', ...more };
    expect(IMPORT_SOURCES.cloudtrail.event(record)).toMatchObject(expected);
  });

  it('Kubernetes, one for each stage of a request', async () => {
    const [denied, received, complete] = await imported('k8s-audit', sample('k8s-audit.ndjson'));
    expect(denied).toMatchObject({
      id: 'k8s-5c4b8e3d-6d6d-4f5c-9f0b-6ad8f0b8d111.ResponseComplete',
      type: 'data.read',
      time: '2026-11-30T09:15:30.130001Z',
      outcome: 'denied',
      decision: 'deny',
      actor: { id: 'jane', type: 'user', ip: '198.51.100.4' },
      resource: { type: 'secrets', id: 'default/db', name: 'db' },
      context: { project: 'default', request: '5c4b8e3d-6d6d-4f5c-9f0b-6ad8f0b8d111' },
    });
    expect(received).toMatchObject({
      type: 'data.create',
      actor: { type: 'service' },
      resource: { type: 'pods/exec' },
    });
    expect(received).not.toHaveProperty('outcome');
    expect(complete).toMatchObject({ outcome: 'success', decision: 'allow', context: received.context });
    expect(complete.id).not.toBe(received.id);
  });

  it('GitHub', async () => {
    const [team, org, repo] = await imported('github', sample('github.json'));
    expect(team).toMatchObject({
      id: 'github-xJJFlFOhQ6b-5vaAFy9Rjw',
      type: 'github.team.add_member',
      time: '2020-12-02T17:24:34.512Z',
      actor: { id: 'octocat', type: 'user' },
      resource: { type: 'team', id: 'octo-corp/example-team' },
      context: { tenant: 'octo-corp' },
      details: { source: 'github', original: { user: 'monalisa' } },
    });
    expect(org).toMatchObject({ resource: { type: 'organization', id: 'octocat-test-org' } });
    expect(repo).toMatchObject({
      type: 'github.repo.destroy',
      resource: { type: 'repository' },
      context: { project: 'mona-org/mona-test-repo' },
    });
  });

  it('Okta, also with a time that there is not', async () => {
    const [login] = await imported('okta', sample('okta.json'));
    expect(login).toMatchObject({
      id: 'okta-f790999f-fe87-467a-9880-6982a583986c',
      type: 'auth.login',
      action: 'user.session.start',
      outcome: 'success',
      severity: 'info',
      description: 'User login to Okta',
      actor: {
        id: 'admin@example.com',
        name: 'John Doe',
        type: 'user',
        ip: '12.97.85.90',
        userAgent: 'UNKNOWN-DOWNLOAD',
      },
      context: { request: 'V04Oy4ubUOc5UuG6s9DyNQAABtc', session: '1013FfF-DKQSvCI4RVXChzX-w' },
      details: { original: { published: '2017-09-31T22:23:07.777Z' } },
    });
    expect(login).not.toHaveProperty('time');
  });

  it('OpenTelemetry: logs and spans, with their attributes as plain JSON', async () => {
    const [log, span] = await imported('otlp-json', sample('otlp.ndjson'));
    expect(log).toMatchObject({
      id: expect.stringMatching(/^otel-[0-9a-f]{40}$/),
      type: 'otel.log',
      time: '2018-12-13T14:51:00.300Z',
      description: 'Example log record',
      actor: { id: 'my.service', type: 'service' },
      context: { correlation: '5b8efff798038103d269b633813fc60c', project: 'my.service' },
      details: {
        source: 'otlp',
        scope: 'my.library',
        attributes: {
          'string.attribute': 'some string',
          'int.attribute': 10,
          'array.attribute': ['many', 'values'],
          'map.attribute': { 'some.map.key': 'some value' },
        },
      },
    });
    expect(span).toMatchObject({
      id: 'otel-5b8efff798038103d269b633813fc60c.eee19b7ec3c1b174',
      type: 'otel.span',
      action: "I'm a server span",
      details: { durationMs: 1000 },
    });
  });

  it.each([
    [
      { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search', 'gen_ai.agent.name': 'bot' },
      1,
      {
        type: 'action.executed',
        outcome: 'success',
        resource: { type: 'tool', id: 'search' },
        context: { agent: 'bot' },
      },
    ],
    [{ 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'search' }, 2, { type: 'action.failed', outcome: 'error' }],
    [
      { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm-1', 'user.id': 'alice' },
      0,
      { type: 'llm.response', resource: { type: 'model', id: 'm-1' }, actor: { id: 'alice', type: 'user' } },
    ],
  ])('OpenTelemetry: agents and models, %j', (attributes, code, expected) => {
    const list = Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));
    const span = { traceId: 'aa', spanId: 'bb', name: 'x', status: { code }, attributes: list };
    const [record] = IMPORT_SOURCES['otlp-json'].records({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
    expect(IMPORT_SOURCES['otlp-json'].event(record as Record<string, unknown>)).toMatchObject(expected);
  });

  it('the log itself, and anything else', async () => {
    const lines = [
      '{"type":"auth.login","actor":{"id":"a"}}',
      '{"type":"invoice.paid","id":"e-1"}',
      '{"what":1}',
      '{"what":1}',
      '{"id":"has space"}',
    ];
    const events = await imported('ndjson', Buffer.from(lines.join('\n')));
    expect(events.map(({ id, type }) => [id, type])).toEqual([
      [expect.stringMatching(/^json-/), 'auth.login'],
      ['e-1', 'invoice.paid'],
      [expect.stringMatching(/^json-/), 'custom.event'],
      [events[2].id, 'custom.event'],
      [expect.stringMatching(/^json-[0-9a-f]{40}$/), 'custom.event'],
    ]);
    expect(events[2]).toMatchObject({ details: { source: 'ndjson', original: { what: 1 } } });
  });
});

describe('every source', () => {
  const names = Object.keys(IMPORT_SOURCES) as ImportSourceName[];

  it.each(names)('%s takes any JSON: an event that the log takes, or nothing', (name) => {
    const { records, event } = IMPORT_SOURCES[name];
    const keys = [
      'eventID',
      'eventName',
      'eventSource',
      'auditID',
      'stage',
      'verb',
      'uuid',
      'eventType',
      '_document_id',
      'action',
      'type',
      'id',
      'resourceLogs',
      'kind',
      'traceId',
      'spanId',
      'actor',
      'user',
      'published',
      '@timestamp',
    ];
    const record = fc.dictionary(fc.constantFrom(...keys), fc.oneof(fc.string(), fc.jsonValue({ maxDepth: 3 })));
    fc.assert(
      fc.property(record, (value) => {
        for (const one of records(JSON.parse(JSON.stringify(value)))) {
          const made =
            typeof one === 'object' && one !== null && !Array.isArray(one)
              ? event(one as Record<string, unknown>)
              : undefined;
          if (made === undefined) continue;
          const [stored] = prepareBatch(
            Buffer.from(JSON.stringify(made)),
            'application/json',
            DEFAULT_POLICY,
            'lenient',
          );
          expect(stored?.id).toBe(made.id);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('keeps of a record that is too large all but its largest members, and their digests', () => {
    const record = {
      eventID: 'e',
      eventName: 'X',
      eventSource: 's',
      small: 1,
      responseElements: { text: 'x'.repeat(100_000) },
    };
    const event = IMPORT_SOURCES.cloudtrail.event(record);
    expect(event?.details).toMatchObject({
      original: { small: 1, responseElements: { leftOut: '100011 bytes of JSON', sha256: expect.any(String) } },
    });
    expect(JSON.stringify(event).length).toBeLessThan(30_000);
  });
});

describe('the values of a file', () => {
  const value = [{ a: 1 }, { b: [2] }];

  it.each([
    ['a document on one line', JSON.stringify(value), [value]],
    ['a document over lines', JSON.stringify(value, null, 2), [value]],
    ['a line each, blank ones between', '{"a":1}\r\n\n{"b":[2]}', value],
    ['a number that a double does not keep', '{"n":12345678901234567890}', [{ n: '12345678901234567890' }]],
    ['nothing', '', []],
    ['blank lines', '\n \n', []],
  ])('are those of %s, in gzip too', async (_, text, expected) => {
    expect(await valuesOf(Buffer.from(text))).toEqual(expected);
    expect(await valuesOf(gzipSync(text))).toEqual(expected);
  });

  it.each([
    ['a line that is no JSON', '{"a":1}\nhello\n', 'line 2 is not valid JSON'],
    ['a document that is cut off', '[\n{"a":1},\n', 'the document is not valid JSON'],
    ['no JSON', 'hello', 'the document is not valid JSON'],
  ])('name %s', async (_, text, message) => {
    await expect(valuesOf(Buffer.from(text))).rejects.toMatchObject({ code: 'invalid_json', message });
  });

  it('name gzip that is cut off', async () => {
    await expect(valuesOf(gzipSync('{"a":1}').subarray(0, 12))).rejects.toMatchObject({ code: 'invalid_json' });
  });
});
