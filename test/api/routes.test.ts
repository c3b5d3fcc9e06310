import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { z } from 'zod';
import { activitySchema } from '../../lib/api/routes/activity.ts';
import { mergedPageSchema, pageSchema, receiptSchema, recordSchema } from '../../lib/api/routes/events.ts';
import { keysSchema } from '../../lib/api/routes/keys.ts';
import { consistencySchema } from '../../lib/api/routes/proofs.ts';
import { sealSchema } from '../../lib/api/routes/seals.ts';
import { summarySchema } from '../../lib/api/routes/summary.ts';
import { trailsSchema } from '../../lib/api/routes/trails.ts';
import { listTrails } from '../../lib/cli/shell/trails.ts';
import type { SignedHttp } from '../../lib/client/http/http.ts';
import { fetchKeys } from '../../lib/client/read/log-view.ts';
import { openCheckpoint } from '../../lib/log/checkpoint.ts';
import { fromBase64 } from '../../lib/log/encoding.ts';
import { leafHash } from '../../lib/log/hash.ts';
import { parseVkey } from '../../lib/log/note.ts';
import { checkProof, parseProof } from '../../lib/log/proof.ts';
import { checkConsistency, checkRange } from '../../lib/log/tree.ts';
import { LOG_NAME, type Served, serve } from './served.ts';

let served: Served;
let admin: SignedHttp;
beforeAll(async () => {
  served = await serve();
  admin = served.client('admin');
  for (let n = 0; n < 5; n++) await append({ events: [event(n), event(n + 100)] });
});
afterAll(() => served.close());

const event = (n: number, more: object = {}) => ({
  id: `e-${n}`,
  type: n % 2 === 0 ? 'auth.login' : 'data.update',
  actor: { id: `user-${n % 3}` },
  context: { tenant: 'acme' },
  ...more,
});

const append = (body: object, headers: Record<string, string> = {}, trail = 'orders') =>
  admin.send({ method: 'POST', path: `/v1/trails/${trail}/events`, body: JSON.stringify(body), headers });

async function get<T>(schema: z.ZodType<T>, path: string, query: Record<string, string | string[]> = {}): Promise<T> {
  const answer = await admin.send({ path, query });
  expect(answer.headers.get('content-type')).toBe('application/json');
  return schema.parse(answer.json());
}

const verifiers = async (trail = 'orders') =>
  (await get(keysSchema, '/v1/keys', { trail })).keys.map(({ vkey }) => parseVkey(vkey));

describe('appending', () => {
  it('answers 201 with a receipt that proves itself when the lines are asked for', async () => {
    const answer = await append({ events: [event(1), event(2)] }, { prefer: 'return=representation' }, 'receipts');
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe('/v1/trails/receipts/events/0');
    expect(answer.headers.get('preference-applied')).toBe('return=representation');
    const { lines = [], first, checkpoint = '', proof = [] } = receiptSchema.parse(answer.json());
    const { size, root } = openCheckpoint(checkpoint, `${LOG_NAME}/receipts`, await verifiers('receipts'));
    const hashes = proof.map((hash) => fromBase64(hash));
    checkRange(lines.map(leafHash), first, size, hashes, root);
  });

  it('answers 200 to the same request under the same idempotency key, with the same receipt', async () => {
    const headers = { 'idempotency-key': 'once', prefer: 'return=representation' };
    const first = await append(event(7), headers, 'again');
    const second = await append(event(7), headers, 'again');
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.json()).toEqual({ ...receiptSchema.parse(first.json()), replayed: true });
  });

  it('answers 202 when asked not to wait, and the checkpoint follows', async () => {
    const answer = await append(event(1), { prefer: 'respond-async' }, 'later');
    expect(answer.status).toBe(202);
    expect(receiptSchema.parse(answer.json())).toMatchObject({ sealed: false, first: 0 });
    await expect.poll(async () => (await served.log.ledger.checkpoint('later'))?.size).toBe(1);
  });

  it('seals the principal into the record, whatever the event says', async () => {
    await append(event(1, { details: { submitter: 'mallory' } }), {}, 'who');
    expect(await get(recordSchema, '/v1/trails/who/events/0')).toMatchObject({ submitter: 'admin' });
  });
});

describe('reading', () => {
  it('finds a record by number and by id, byte for byte as sealed', async () => {
    const byNumber = await admin.send({ path: '/v1/trails/orders/events/3' });
    const byId = await admin.send({ path: '/v1/trails/orders/events/e-101' });
    expect(byNumber.text()).toBe(`${await served.log.ledger.record('orders', 3)}\n`);
    expect(byId.text()).toBe(byNumber.text());
  });

  it('pages through a query, in every format', async () => {
    const path = '/v1/trails/orders/events';
    const first = await get(pageSchema, path, { actor: 'user-1', limit: '2', order: 'oldest' });
    expect(first).toMatchObject({ asOf: 10, more: true });
    const rest = await get(pageSchema, path, { actor: 'user-1', order: 'oldest', cursor: first.cursor ?? '' });
    const all = [...first.records, ...rest.records].map(({ seq }) => seq);
    expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
    const ndjson = await admin.send({ path, query: { actor: 'user-1', order: 'oldest', format: 'ndjson' } });
    expect(ndjson.headers.get('content-type')).toBe('application/x-ndjson');
    expect(ndjson.headers.get('x-more')).toBe('false');
    expect(ndjson.headers.get('link')).toBeNull();
    const lines = ndjson.text().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual(all);
    const csv = await admin.send({ path, query: { actor: 'user-1', order: 'oldest', format: 'csv', limit: '1' } });
    expect(csv.text().split('\r\n')[1]).toMatch(/^1,\d{4}-/);
    expect(csv.headers.get('link')).toContain('rel="next"');
    expect(csv.headers.get('x-next-cursor')).toBeTruthy();
  });

  it('asks several trails at once, merged by time, and goes on after a cursor', async () => {
    for (let n = 0; n < 3; n++) for (const trail of ['left', 'right']) await append(event(n), {}, trail);
    const query = { trail: ['right', 'left', 'left'], tenant: 'acme', limit: '4' };
    const first = await get(mergedPageSchema, '/v1/events', query);
    expect(first).toMatchObject({ asOf: { left: 3, right: 3 }, more: true });
    const rest = await get(mergedPageSchema, '/v1/events', { ...query, cursor: first.cursor ?? '' });
    const all = [...first.records, ...rest.records];
    expect(all).toHaveLength(6);
    expect(all.map(({ receivedAt }) => receivedAt)).toEqual(
      all
        .map(({ receivedAt }) => receivedAt)
        .sort()
        .reverse(),
    );
    const ndjson = await admin.send({ path: '/v1/events', query: { ...query, format: 'ndjson' } });
    expect(ndjson.headers.get('x-as-of')).toBe('left=3, right=3');
    expect(ndjson.headers.get('link')).toMatch(/^<\/v1\/events\?trail=right&.*cursor=[^>]+>; rel="next"$/);
  });

  it('asks no trail that the caller may not read, and does not say which that is', async () => {
    const refused = { code: 'forbidden', message: expect.stringContaining('not allowed: read on these trails') };
    for (const trail of [['orders'], ['orders', 'nowhere'], ['_system']]) {
      const answer = served.client('writer').send({ path: '/v1/events', query: { trail } });
      await expect(answer).rejects.toMatchObject(refused);
    }
  });

  it('proves a record', async () => {
    const text = (await admin.send({ path: '/v1/trails/orders/events/4/proof' })).text();
    const line = (await admin.send({ path: '/v1/trails/orders/events/4' })).text().trimEnd();
    const proof = parseProof(text);
    const checkpoint = checkProof(proof, leafHash(line), `${LOG_NAME}/orders`, await verifiers());
    expect(checkpoint.size).toBe(10);
    expect(() => checkProof(proof, leafHash(`${line} `), `${LOG_NAME}/orders`, [])).toThrow();
  });

  it('says of what is not signed yet that it will be, for checkpoints as for proofs', async () => {
    const unsigned = vi.spyOn(served.log.ledger, 'checkpoint').mockResolvedValue(undefined);
    try {
      for (const path of ['checkpoint', 'events/0/proof']) {
        const asking = served.client('auditor').send({ path: `/v1/trails/orders/${path}` });
        await expect(asking).rejects.toMatchObject({ code: 'unavailable', retryAfter: 1 });
      }
      const nowhere = served.client('auditor').send({ path: '/v1/trails/nowhere/checkpoint' });
      await expect(nowhere).rejects.toMatchObject({ code: 'not_found' });
    } finally {
      unsigned.mockRestore();
    }
  });

  it('gives checkpoints, and proves that the newer extends the older', async () => {
    const newest = await admin.send({ path: '/v1/trails/orders/checkpoint' });
    expect(newest.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const older = await admin.send({ path: '/v1/trails/orders/checkpoint', query: { size: 3 } });
    const [a, b] = await Promise.all(
      [older, newest].map(async (one) => openCheckpoint(one.text(), `${LOG_NAME}/orders`, await verifiers())),
    );
    expect([a?.size, b?.size]).toEqual([4, 10]);
    const { proof } = await get(consistencySchema, '/v1/trails/orders/consistency', { from: '4', to: '10' });
    const hashes = proof.map((hash) => fromBase64(hash));
    if (a !== undefined && b !== undefined) checkConsistency(4, a.root, 10, b.root, hashes);
    expect(hashes.length).toBeGreaterThan(0);
  });

  it('summarises exactly, and says what an actor did', async () => {
    const summary = await get(summarySchema, '/v1/trails/orders/summary');
    expect(summary.total).toBe(10);
    expect(summary.by.tenant?.values).toEqual([{ value: 'acme', count: 10 }]);
    expect(summary.histogram.counts.reduce((sum, { count }) => sum + count, 0)).toBe(10);
    const activity = await get(activitySchema, '/v1/trails/orders/actors/user-1/activity', { days: '1' });
    const page = await get(pageSchema, '/v1/trails/orders/events', { actor: 'user-1' });
    expect(activity.total).toBe(page.records.length);
    expect(activity.last?.seq).toBe(page.records[0]?.seq);
  });

  it('lists trails and keys', async () => {
    const { trails } = await get(trailsSchema, '/v1/trails');
    expect(trails).toContainEqual(expect.objectContaining({ trail: 'orders', size: 10 }));
    const { keys, logName } = await get(keysSchema, '/v1/keys', { trail: 'orders' });
    expect(logName).toBe(LOG_NAME);
    expect(keys[0]).toMatchObject({ name: `${LOG_NAME}/orders`, algorithm: 'ed25519' });
    expect(keys[0]?.pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
  });

  it('lists trails and keys in pages, which come to the same, and which clients follow', async () => {
    for (const trail of ['paged-a', 'paged-b', 'paged-c']) await append({ events: [event(1)] }, {}, trail);
    const { trails: all } = await get(trailsSchema, '/v1/trails');
    const paged: unknown[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await get(trailsSchema, '/v1/trails', { limit: '2', ...(cursor !== undefined && { cursor }) });
      expect(page.trails.length).toBeLessThanOrEqual(2);
      paged.push(...page.trails.map(({ trail }) => trail));
      cursor = page.cursor;
      pages += 1;
    } while (cursor !== undefined);
    expect(paged).toEqual(all.map(({ trail }) => trail));
    expect(pages).toBe(Math.ceil(all.length / 2));

    const everyKey = await fetchKeys(admin);
    const small = new Proxy(admin, {
      get: (http, name) =>
        name === 'send'
          ? (request: Parameters<SignedHttp['send']>[0]) =>
              http.send({ ...request, query: { ...request.query, limit: '2' } })
          : Reflect.get(http, name),
    });
    expect((await fetchKeys(small)).map(({ verifier }) => verifier.vkey)).toEqual(
      everyKey.map(({ verifier }) => verifier.vkey),
    );
    expect((await listTrails(small)).map(({ trail }) => trail)).toEqual(paged);
    for (const query of [{ limit: '0' }, { limit: '1001' }, { cursor: 'No/Name' }]) {
      await expect(admin.send({ path: '/v1/trails', query })).rejects.toMatchObject({ code: 'invalid_parameter' });
    }
  });

  it('seals on request', async () => {
    const answer = await admin.send({ method: 'POST', path: '/v1/trails/orders/seals' });
    expect(sealSchema.parse(answer.json())).toMatchObject({ trail: 'orders', size: 10 });
  });

  it('sees an acknowledged event in the very next query', async () => {
    for (let n = 0; n < 20; n++) {
      await append(event(1, { id: `fresh-${n}`, context: { correlation: `c-${n}` } }), {}, 'fresh');
      const page = await get(pageSchema, '/v1/trails/fresh/events', { correlation: `c-${n}` });
      expect(page.records.map(({ event: { id } }) => id)).toEqual([`fresh-${n}`]);
    }
  });

  it('answers HEAD like GET, without the body', async () => {
    const profile = served.log.folder.profiles.find((one) => one.profile === 'admin');
    expect(profile).toBeDefined();
    const response = await fetch(`${served.url}/v1/trails`, { method: 'HEAD' });
    expect(response.status).toBe(401);
    expect(await response.text()).toBe('');
  });
});

describe('what is not there or not right', () => {
  const cases: readonly [name: string, path: string, query: Record<string, string>, error: object][] = [
    ['an unknown path', '/v1/nothing', {}, { code: 'not_found' }],
    ['a record beyond the end', '/v1/trails/orders/events/10', {}, { code: 'not_found' }],
    ['an unknown id', '/v1/trails/orders/events/nobody', {}, { code: 'not_found' }],
    [
      'an id that ends another path',
      '/v1/trails/orders/events/consistency',
      {},
      { code: 'invalid_parameter', field: 'event' },
    ],
    ['a proof beyond the end', '/v1/trails/orders/events/10/proof', {}, { code: 'not_found' }],
    ['a proof of no number', '/v1/trails/orders/events/x/proof', {}, { code: 'invalid_parameter', field: 'seq' }],
    ['a bad trail name', '/v1/trails/UPPER/events', {}, { code: 'invalid_trail', field: 'trail' }],
    ['a trail name that climbs', '/v1/trails/..%2f..%2fetc/events', {}, { code: 'invalid_trail', field: 'trail' }],
    [
      'an unknown filter',
      '/v1/trails/orders/events',
      { colour: 'red' },
      { code: 'invalid_parameter', field: 'colour' },
    ],
    [
      'an unknown format',
      '/v1/trails/orders/events',
      { format: 'xml' },
      { code: 'invalid_parameter', field: 'format' },
    ],
    ['a limit of 0', '/v1/trails/orders/events', { limit: '0' }, { code: 'invalid_parameter', field: 'limit' }],
    [
      'a limit over 1,000',
      '/v1/trails/orders/events',
      { limit: '1001' },
      { code: 'invalid_parameter', field: 'limit' },
    ],
    ['a made-up cursor', '/v1/trails/orders/events', { cursor: 'AAAA' }, { code: 'invalid_cursor', field: 'cursor' }],
    ['from after to', '/v1/trails/orders/events', { from: '2', to: '1' }, { code: 'invalid_parameter', field: 'from' }],
    ['a time that is none', '/v1/trails/orders/events', { from: 'noon' }, { code: 'invalid_parameter', field: 'from' }],
    ['no trail', '/v1/events', {}, { code: 'invalid_parameter', field: 'trail' }],
    ['a trail that is none', '/v1/events', { trail: 'a,b' }, { code: 'invalid_trail', field: 'trail' }],
    [
      'an unknown filter of several trails',
      '/v1/events',
      { trail: 'orders', colour: 'red' },
      { code: 'invalid_parameter', field: 'colour' },
    ],
    [
      'a cursor of one trail for several',
      '/v1/events',
      { trail: 'orders', cursor: 'AAAA' },
      { code: 'invalid_cursor', field: 'cursor' },
    ],
    ['a checkpoint too far', '/v1/trails/orders/checkpoint', { size: '11' }, { code: 'not_found' }],
    [
      'a size that is none',
      '/v1/trails/orders/checkpoint',
      { size: '-1' },
      { code: 'invalid_parameter', field: 'size' },
    ],
    ['no from', '/v1/trails/orders/consistency', { to: '10' }, { code: 'invalid_parameter', field: 'from' }],
    [
      'a shrinking log',
      '/v1/trails/orders/consistency',
      { from: '10', to: '4' },
      { code: 'invalid_parameter', field: 'from' },
    ],
    ['a size never signed', '/v1/trails/orders/consistency', { from: '3', to: '4' }, { code: 'not_found' }],
    [
      'too many days',
      '/v1/trails/orders/actors/a/activity',
      { days: '9999' },
      { code: 'invalid_parameter', field: 'days' },
    ],
    [
      'an unknown bucket',
      '/v1/trails/orders/summary',
      { bucket: 'week' },
      { code: 'invalid_parameter', field: 'bucket' },
    ],
  ];
  it.each(cases)('%s', async (_, path, query, error) => {
    await expect(admin.send({ path, query })).rejects.toMatchObject(error);
  });

  it('more trails at once than can be merged', async () => {
    const trail = Array.from({ length: 33 }, (_, n) => `t-${n}`);
    const error = { code: 'invalid_parameter', field: 'trail' };
    await expect(admin.send({ path: '/v1/events', query: { trail } })).rejects.toMatchObject(error);
  });

  it('a method that a path does not have: 405 with Allow', async () => {
    await expect(admin.send({ method: 'POST', path: '/v1/trails' })).rejects.toMatchObject({
      code: 'method_not_allowed',
      message: expect.stringContaining('GET, HEAD'),
    });
  });

  it('leaves no error behind that was not a caller’s', () => {
    // Those of the test above that nothing was signed for.
    expect(served.errors.filter((error) => !String(error).includes('no checkpoint covers'))).toEqual([]);
  });
});
