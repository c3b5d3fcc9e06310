import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDestination } from '../../../lib/forward/destinations/open.ts';
import { type DestinationSettings, destinationSchema } from '../../../lib/forward/settings.ts';
import { itemsIn } from '../../../lib/verify/streams/stream-items.ts';
import { batchOf } from '../batches.ts';
import { type Received, Receiver, type Reply } from '../receiver.ts';

/**
 * The contract of every destination over HTTP, over a real wire: it takes a batch in order, whole and by its number, says who it is,
 * can be sent the same again, and tells a record's fault from its own and from a bad day.
 */

interface Kind {
  readonly settings: (url: string) => object;
  readonly path: RegExp;
  /** The header by which it knows the log, and what it must be. */
  readonly secret?: readonly [header: string, value: string];
  /** What it answers to a batch that it took. */
  readonly ok: (request: Received) => Reply;
  /** An answer that refuses the batch for what is in it. */
  readonly refusal: Reply;
  /** Answers that are the destination's own fault. */
  readonly faults: readonly Reply[];
  /** The lines that a user gets out of it again. */
  readonly lines: (request: Received) => readonly string[];
  /** What makes a repeated record the same one; undefined: only its number does. */
  readonly ids?: (request: Received) => readonly string[];
}

const bulk = (request: Received, status: (n: number) => number, error?: object): Reply => {
  const count = request.body.toString().trimEnd().split('\n').length / 2;
  const items = Array.from({ length: count }, (_, n) => ({
    create: { status: status(n), ...(status(n) >= 400 && { error }) },
  }));
  return { status: 200, body: JSON.stringify({ took: 1, errors: true, items }) };
};
const MAPPING = { type: 'document_parsing_exception', reason: 'failed to parse field [x]' };
const bodyLines = (request: Received) => request.body.toString().trimEnd().split('\n');

const KINDS: Readonly<Record<string, Kind>> = {
  splunk: {
    settings: (url) => ({ type: 'splunk', url, token: { env: 'T' }, index: 'audit' }),
    path: /^\/services\/collector\/event$/,
    secret: ['authorization', 'Splunk s3cret'],
    ok: () => ({ status: 200, body: '{"text":"Success","code":0}' }),
    refusal: { status: 400, body: '{"text":"Invalid data format","code":6,"invalid-event-number":1}' },
    faults: [
      { status: 400, body: '{"text":"Incorrect index","code":7,"invalid-event-number":0}' },
      { status: 403, body: '{"text":"Invalid token","code":4}' },
      { status: 503, body: '{"text":"Server is busy","code":9}' },
    ],
    lines: bodyLines,
  },
  elasticsearch: {
    settings: (url) => ({ type: 'elasticsearch', url, index: 'audit', authorization: { env: 'T' }, format: 'record' }),
    path: /^\/audit\/_bulk$/,
    secret: ['authorization', 's3cret'],
    ok: (request) => bulk(request, () => 201),
    refusal: { status: 413 },
    faults: [{ status: 401 }, { status: 200, body: 'not JSON' }, { status: 200, body: '{"items":[]}' }],
    lines: bodyLines,
    ids: (request) =>
      bodyLines(request).flatMap((line) => (line.startsWith('{"create"') ? [JSON.parse(line).create._id] : [])),
  },
  datadog: {
    settings: (url) => ({ type: 'datadog', url: `${url}/api/v2/logs`, apiKey: { env: 'T' } }),
    path: /^\/api\/v2\/logs$/,
    secret: ['dd-api-key', 's3cret'],
    ok: () => ({ status: 202, body: '{}' }),
    refusal: { status: 400, body: '{"errors":[{"status":"400","title":"Bad Request"}]}' },
    faults: [{ status: 403 }, { status: 408 }],
    lines: (request) => JSON.parse(request.body.toString()).map((log: object) => JSON.stringify(log)),
  },
  otlp: {
    settings: (url) => ({ type: 'otlp', url, authorization: { env: 'T' } }),
    path: /^\/v1\/logs$/,
    secret: ['authorization', 's3cret'],
    ok: () => ({ status: 200, body: '{}' }),
    refusal: { status: 200, body: '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}}' },
    faults: [{ status: 404 }, { status: 502 }],
    lines: (request) =>
      JSON.parse(request.body.toString()).resourceLogs[0].scopeLogs[0].logRecords.map((log: object) =>
        JSON.stringify(log),
      ),
  },
};

let receiver: Receiver;
beforeEach(async () => {
  receiver = await Receiver.open();
  process.env.T = 's3cret';
});
afterEach(async () => {
  delete process.env.T;
  await receiver.close();
});

describe.each(Object.entries(KINDS))('%s', (name, kind) => {
  const open = () =>
    openDestination(destinationSchema.parse({ name: 'siem', ...kind.settings(receiver.url) }) as DestinationSettings);
  const send = async (ms = 5_000) => (await open()).send(batchOf(0, 4, 'record'), AbortSignal.timeout(ms));
  const requests = () => receiver.received.filter(({ url }) => kind.path.test(url));

  it('takes a batch in order, with its proof, and knows who sends it', async () => {
    receiver.answer = kind.ok;
    expect(await send()).toMatchObject({ is: 'taken' });
    const [request] = requests();
    if (request === undefined) throw new Error('nothing came');
    const items = kind.lines(request).map(itemsIn);
    expect(items.flatMap(({ records }) => records.map(({ record }) => record.seq))).toEqual([0, 1, 2, 3]);
    expect(items.flatMap(({ headers }) => headers)).toMatchObject([{ trail: 'orders', from: 0, to: 4, count: 4 }]);
    if (kind.secret !== undefined) expect(request.headers[kind.secret[0]]).toBe(kind.secret[1]);
    expect(request.body.toString()).not.toContain('s3cret');
  });

  it('gets the same again when a batch is sent again', async () => {
    receiver.answer = kind.ok;
    await send();
    await send();
    const [first, second] = requests();
    expect(second?.body.toString()).toBe(first?.body.toString());
    const ids = first && kind.ids?.(first);
    if (ids !== undefined) expect(new Set(ids).size).toBe(5);
  });

  it('refuses what is wrong with the batch', async () => {
    receiver.answer = () => kind.refusal;
    expect(await send()).toMatchObject({ is: 'refused', reason: expect.any(String) });
  });

  it.each(kind.faults)('is at fault itself: %j', async (fault) => {
    receiver.answer = () => fault;
    expect(await send()).toMatchObject({ is: 'failed', reason: expect.any(String) });
  });

  it('is asked again later: 429 with Retry-After, 500, no answer', async () => {
    receiver.answer = () => ({ status: 429, headers: { 'retry-after': '9' } });
    expect(await send()).toMatchObject({ is: 'failed', retryAfterMs: 9_000 });
    receiver.answer = () => ({ status: 500 });
    expect(await send()).toMatchObject({ is: 'failed' });
    receiver.answer = () => 'hang';
    await expect(send(50)).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it(`says nothing of its secret where it fails (${name})`, async () => {
    receiver.answer = () => ({ status: 401, body: 'no' });
    expect(JSON.stringify(await send())).not.toContain('s3cret');
  });
});

describe('elasticsearch', () => {
  const send = async () => {
    const settings = { name: 'siem', type: 'elasticsearch', url: receiver.url, index: 'audit' };
    return (await openDestination(destinationSchema.parse(settings))).send(
      batchOf(0, 4, 'ecs'),
      AbortSignal.timeout(5_000),
    );
  };

  it('names the record that a mapping refuses, and has the others', async () => {
    receiver.answer = (request) => bulk(request, (n) => (n === 2 ? 400 : 201), MAPPING);
    expect(await send()).toMatchObject({
      is: 'taken',
      refused: [{ seq: 2, reason: expect.stringContaining('parse') }],
    });
  });

  it('has what is there already, and is asked again for what it had no time for', async () => {
    receiver.answer = (request) => bulk(request, () => 409, { type: 'version_conflict_engine_exception' });
    expect(await send()).toEqual({ is: 'taken', refused: [] });
    receiver.answer = (request) =>
      bulk(request, (n) => (n === 1 ? 429 : 201), { type: 'es_rejected_execution_exception' });
    expect(await send()).toMatchObject({ is: 'failed' });
    receiver.answer = (request) => bulk(request, () => 400, MAPPING);
    expect(await send()).toMatchObject({ is: 'refused' });
  });
});

describe('splunk with acknowledgement', () => {
  const send = async (ms = 5_000) => {
    const settings = { name: 'siem', type: 'splunk', url: receiver.url, token: { env: 'T' }, acknowledge: true };
    return (await openDestination(destinationSchema.parse(settings))).send(
      batchOf(0, 2, 'record'),
      AbortSignal.timeout(ms),
    );
  };

  it('is done once the indexers have written', async () => {
    let asked = 0;
    receiver.answer = ({ url, body, headers }) => {
      if (!url.startsWith('/services/collector/ack'))
        return { status: 200, body: '{"text":"Success","code":0,"ackId":7}' };
      expect(JSON.parse(body.toString())).toEqual({ acks: [7] });
      expect(url).toContain(`channel=${headers['x-splunk-request-channel']}`);
      asked += 1;
      return { status: 200, body: JSON.stringify({ acks: { 7: asked > 1 } }) };
    };
    expect(await send()).toEqual({ is: 'taken' });
    expect(asked).toBe(2);
  });

  it('is not done without it', async () => {
    receiver.answer = () => ({ status: 200, body: '{"text":"Success","code":0}' });
    expect(await send()).toMatchObject({ is: 'failed', reason: expect.stringContaining('ackId') });
    receiver.answer = ({ url }) =>
      url.includes('/ack') ? { status: 200, body: '{"acks":{"7":false}}' } : { status: 200, body: '{"ackId":7}' };
    await expect(send(400)).rejects.toMatchObject({ name: expect.stringMatching(/TimeoutError|AbortError/) });
  });
});
