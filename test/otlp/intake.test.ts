import { BinaryReader } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import type { ApiRequest } from '../../lib/api/core/http.ts';
import { Principal } from '../../lib/api/core/principal.ts';
import type { Services } from '../../lib/api/services.ts';
import { wireLog } from '../../lib/app/log.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { ROUTER } from '../../lib/server/router.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';

/** The promise: a request of OTLP is in the log once, however often it is sent, and is answered as OTLP says. */

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const span = (spanId: string | undefined, name: string, attributes: readonly object[], status = {}) => ({
  ...{ traceId: '5B8EFFF798038103D269B633813FC60C', spanId, name, kind: 3, status },
  ...{ startTimeUnixNano: '1767225600000000000', endTimeUnixNano: '1767225600250000000', attributes },
});
const traces = (...spans: readonly object[]) => ({
  resourceSpans: [{ resource: { attributes: [attribute('service.name', 'agent')] }, scopeSpans: [{ spans }] }],
});
const logs = (count: number, from = 0) => ({
  resourceLogs: [
    {
      scopeLogs: [
        {
          logRecords: Array.from({ length: count }, (_, n) => ({
            timeUnixNano: `17672256${String(from + n).padStart(11, '0')}`,
            body: { stringValue: `line ${from + n}` },
            attributes: [attribute('n', String(from + n))],
          })),
        },
      ],
    },
  ],
});

function setUp() {
  const log = wireLog(
    { table: new MemoryTable(), objects: new MemoryObjects(), signers: [new MemorySigner()] },
    { logName: 'audit.example.com' },
  );
  const principal = new Principal({ name: 'collector', actions: ['append'], trails: ['*'] });
  let appended = 0;
  let failAt = Number.POSITIVE_INFINITY;
  const append: typeof log.ledger.append = async (request) => {
    appended += 1;
    if (appended === failAt) throw new Error('the disk is on fire');
    return log.ledger.append(request);
  };
  // The cast: all that these routes need.
  const services = { ledger: { append }, policyOf: log.policyOf } as Partial<Services> as Services;
  const errors: unknown[] = [];
  const send = async (signal: string, body: unknown, type = 'application/json') => {
    const request: ApiRequest = {
      ...{ method: 'POST', path: `/v1/otlp/telemetry/v1/${signal}`, query: new URLSearchParams() },
      ...{ headers: { 'content-type': type }, principal, requestId: 'r' },
      body: body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body)),
    };
    return ROUTER.handle(services, request, (error) => errors.push(error));
  };
  const events = async () => {
    const found: Record<string, Record<string, unknown> & string>[] = [];
    for await (const { lines } of log.ledger.blocks('telemetry', { from: 0, to: 10_000 })) {
      for (const line of lines) found.push(JSON.parse(line).event);
    }
    return found;
  };
  const failAppend = (n: number): void => {
    failAt = appended + n;
  };
  return { log, send, events, errors, failAppend };
}

describe('log records', () => {
  it('are in the log once, however often the same bytes are sent', async () => {
    const { send, events } = setUp();
    for (let n = 0; n < 3; n++) {
      const { status, headers, body } = await send('logs', logs(1200));
      expect({ status, type: headers['content-type'], body }).toEqual({
        ...{ status: 200, type: 'application/json', body: '{}' },
      });
    }
    const all = await events();
    expect(all).toHaveLength(1200);
    expect(all.map(({ description }) => description)).toEqual(Array.from({ length: 1200 }, (_, n) => `line ${n}`));
    expect(all[7]).toMatchObject({ type: 'otel.log', details: { attributes: { n: '7' } } });
  });

  it('that were cut short are completed, and nothing is there twice', async () => {
    const { send, events, failAppend, errors } = setUp();
    failAppend(2);
    const { status, headers } = await send('logs', logs(1200));
    expect({ status, retry: headers['retry-after'] }).toEqual({ status: 503, retry: '5' });
    expect(String(errors[0])).toMatch('could not be appended');
    expect(await events()).toHaveLength(500);
    expect((await send('logs', logs(1200))).status).toBe(200);
    expect(await events()).toHaveLength(1200);
  });

  it('of any size and shape are kept: what does not fit is cut, and no other is lost', async () => {
    const { send, events } = setUp();
    const body = logs(3);
    const [, large] = body.resourceLogs[0]?.scopeLogs[0]?.logRecords ?? [];
    Object.assign(large ?? {}, {
      body: { stringValue: 'x'.repeat(300_000) },
      attributes: [attribute('y', 'y'.repeat(80_000))],
    });
    expect((await send('logs', body)).body).toBe('{}');
    expect((await events()).map(({ type }) => type)).toEqual(['otel.log', 'otel.log', 'otel.log']);
  });
});

describe('spans', () => {
  it('of agents and of MCP become events of agents, and others keep their attributes', async () => {
    const { send, events } = setUp();
    const tool = [attribute('gen_ai.operation.name', 'execute_tool'), attribute('gen_ai.tool.name', 'search')];
    const chat = [attribute('gen_ai.operation.name', 'chat'), attribute('gen_ai.request.model', 'm-1')];
    await send(
      'traces',
      traces(
        span('eee19b7ec3c1b174', 'execute_tool search', tool),
        span('eee19b7ec3c1b175', 'tools/call', [attribute('mcp.method.name', 'tools/call')], { code: 2 }),
        span('eee19b7ec3c1b176', 'chat m-1', chat),
        span('eee19b7ec3c1b177', 'GET /', [attribute('http.route', '/')]),
      ),
    );
    expect(await events()).toMatchObject([
      {
        type: 'action.executed',
        resource: { type: 'tool', id: 'search' },
        outcome: 'success',
        details: { durationMs: 250 },
      },
      { type: 'action.failed', outcome: 'error' },
      { type: 'llm.response', resource: { type: 'model', id: 'm-1' } },
      { type: 'otel.span', details: { attributes: { 'http.route': '/' } }, context: { project: 'agent' } },
    ]);
  });

  it('without ids are rejected, and said so in the encoding of the request', async () => {
    const { send, events } = setUp();
    const { status, body } = await send('traces', traces(span(undefined, 'a', []), span('eee19b7ec3c1b177', 'b', [])));
    expect(status).toBe(200);
    expect(JSON.parse(String(body))).toEqual({
      partialSuccess: { rejectedSpans: '1', errorMessage: expect.stringContaining('no ids') },
    });
    expect(await events()).toHaveLength(1);
    // ResourceSpans > ScopeSpans > an empty Span.
    const empty = Uint8Array.of(0x0a, 0x04, 0x12, 0x02, 0x12, 0x00);
    const { headers, body: bytes } = await send('traces', empty, 'application/x-protobuf');
    expect(headers['content-type']).toBe('application/x-protobuf');
    const reader = new BinaryReader(bytes as Uint8Array);
    expect(reader.tag()[0]).toBe(1);
    reader.uint32();
    expect([reader.tag()[0], Number(reader.int64()), reader.tag()[0], reader.string()]).toEqual([
      ...[1, 1, 2, expect.stringContaining('no ids')],
    ]);
  });
});

describe('what is not OTLP', () => {
  it.each<[string, unknown, string, number, string]>([
    ['another type', {}, 'text/plain', 415, 'unsupported_media_type'],
    ['no type', {}, '', 415, 'unsupported_media_type'],
    ['no JSON', Buffer.from('{"resourceLogs":'), 'application/json', 400, 'invalid_json'],
    ['no object', [], 'application/json', 400, 'invalid_json'],
    ['no protobuf', Buffer.from([0xff, 0xff]), 'application/x-protobuf', 400, 'invalid_json'],
  ])('is refused, so that no exporter tries for ever: %s', async (_, body, type, status, code) => {
    const { send } = setUp();
    const answer = await send('logs', body, type);
    expect({ status: answer.status, code: JSON.parse(String(answer.body)).code }).toEqual({ status, code });
  });

  it('is passed on as what it is where the log is busy', async () => {
    const { log, send } = setUp();
    log.ledger.append = async () => {
      throw new SealtrailError('rate_limited', 'too much', { retryAfter: 3 });
    };
    const answer = await send('logs', logs(1));
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '3']);
  });
});
