import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { ApiRequest, ApiResponse } from '../../lib/api/core/http.ts';
import { Principal } from '../../lib/api/core/principal.ts';
import { answer, route } from '../../lib/api/core/route.ts';
import type { HttpRequest } from '../../lib/client/http/http.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { parseRecord, type SealedRecord } from '../../lib/log/record.ts';
import { DEFAULT_POLICY } from '../../lib/privacy/policy.ts';
import { type Served, serve } from './served.ts';

/** Who watched: every read through the API leaves a record of itself, before its answer goes out. */

let served: Served;
beforeEach(async () => {
  served = await serve();
  for (const trail of ['orders', 'payments']) {
    const events = Array.from({ length: 3 }, (_, n) => ({ type: 'data.read', actor: { id: `user-${n}` } }));
    const body = JSON.stringify({ events });
    await served.client('writer').send({ method: 'POST', path: `/v1/trails/${trail}/events`, body });
  }
});
afterEach(() => served.close());

const ask = (path: string, query: NonNullable<HttpRequest['query']> = {}, profile = 'auditor') =>
  served.client(profile).send({ path: `/v1/${path}`, query });

/** What `_access` holds, read past the API. */
async function accesses(): Promise<SealedRecord[]> {
  const records: SealedRecord[] = [];
  for await (const { lines } of served.log.ledger.blocks('_access', { from: 0, to: 1000 })) {
    records.push(...lines.map(parseRecord));
  }
  return records;
}
const brief = async () =>
  (await accesses()).map(({ submitter, event }) => {
    const { type, outcome, resource, details } = event;
    return { submitter, type, outcome, resource, details };
  });
const trail = (id: string) => ({ type: 'trail', id });

describe('the trail _access', () => {
  it('keeps who asked, what, and how much they were shown', async () => {
    await ask('trails/orders/events', { actor: ['user-1', 'user-2'], format: 'ndjson' });
    await ask('trails/orders/events/1');
    await ask('trails/orders/summary', { bucket: 'day' });
    await ask('trails/orders/actors/user-1/activity', { days: 7 });
    await expect.poll(async () => (await served.log.ledger.checkpoint('orders'))?.size).toBe(3);
    await ask('trails/orders/events/2/proof');
    await served.client('auditor').send({
      method: 'POST',
      path: '/v1/trails/orders/verifications',
      body: '{"mode":"full"}',
    });
    const common = { submitter: 'auditor', outcome: 'success', resource: trail('orders') };
    const query = { actor: ['user-1', 'user-2'], format: 'ndjson' };
    expect(await brief()).toEqual([
      { ...common, type: 'access.query', details: { asked: query, shown: 2 } },
      { ...common, type: 'access.record', details: { asked: { event: '1' }, shown: 1 } },
      { ...common, type: 'access.summary', details: { asked: { bucket: 'day' } } },
      { ...common, type: 'access.activity', details: { asked: { actor: 'user-1', days: '7' } } },
      { ...common, type: 'access.proof', details: { asked: { seq: '2' } } },
      { ...common, type: 'access.verification', details: { asked: { body: '{"mode":"full"}' } } },
    ]);
  });

  it('keeps a query of several trails once for each, together', async () => {
    await ask('events', { trail: ['payments', 'orders'], limit: '4' });
    const [first, second, ...rest] = await accesses();
    expect(rest).toEqual([]);
    expect([first?.event.resource, second?.event.resource]).toEqual([trail('payments'), trail('orders')]);
    expect(first?.receivedAt).toBe(second?.receivedAt);
    expect(first?.event.context).toEqual(second?.event.context);
    const shown = [first, second].map((record) => Reflect.get(Object(record?.event.details), 'shown'));
    expect(shown.sort()).toEqual([1, 3]);
  });

  it('keeps who was refused, and what went wrong', async () => {
    await expect(ask('trails/orders/events', { actor: 'user-1' }, 'writer')).rejects.toMatchObject({
      code: 'forbidden',
    });
    await expect(ask('trails/orders/events', { colour: 'red' })).rejects.toMatchObject({ code: 'invalid_parameter' });
    expect(await brief()).toEqual([
      {
        submitter: 'writer',
        type: 'access.query',
        outcome: 'denied',
        resource: trail('orders'),
        details: { asked: { actor: 'user-1' }, code: 'forbidden' },
      },
      expect.objectContaining({ outcome: 'failure', details: { asked: { colour: 'red' }, code: 'invalid_parameter' } }),
    ]);
  });

  it('is a trail like others: it can be queried, is sealed, and no one can append to it', async () => {
    await ask('trails/orders/events', { actor: 'user-1' });
    const { records } = JSON.parse((await ask('trails/_access/events', { resource: 'orders' })).text());
    expect(records).toHaveLength(1);
    await expect.poll(async () => (await served.log.ledger.checkpoint('_access'))?.size).toBe(2);
    const forged = { method: 'POST' as const, path: '/v1/trails/_access/events', body: '{"type":"access.query"}' };
    await expect(served.client('admin').send(forged)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(ask('trails/_access/events', {}, 'writer')).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('does not grow by being read: one record an hour of anyone who does', async () => {
    for (let n = 0; n < 5; n++) await ask('trails/_access/events');
    const reads = (await brief()).filter(({ resource }) => JSON.stringify(resource).includes('_access'));
    // Two where the hour changed meanwhile.
    expect([1, 2]).toContain(reads.length);
    await ask('trails/_access/events', {}, 'admin');
    expect((await accesses()).length).toBe(reads.length + 1);
  });

  it('does not grow by being followed, alone or with other trails', async () => {
    for (const path of ['trails/_access/events', 'events']) {
      const query = { order: 'oldest', ...(path === 'events' ? { trail: ['_access', 'orders'] } : {}) };
      let { cursor } = JSON.parse((await ask(path, query)).text());
      const before = (await accesses()).length;
      for (let n = 0; n < 5; n++) ({ cursor } = JSON.parse((await ask(path, { ...query, cursor })).text()));
      expect((await accesses()).length).toBeLessThanOrEqual(before + 1);
    }
  });

  it('keeps a further page that shows something, and none that does not', async () => {
    const query = { order: 'oldest', limit: '2' };
    const first = JSON.parse((await ask('trails/orders/events', query)).text());
    const second = JSON.parse((await ask('trails/orders/events', { ...query, cursor: first.cursor })).text());
    await ask('trails/orders/events', { ...query, cursor: second.cursor });
    expect((await brief()).map(({ details }) => details)).toEqual([
      { asked: query, shown: 2 },
      { asked: { ...query, continued: true }, shown: 1 },
    ]);
  });

  it('keeps who asked for an export and who was handed it, and not each look at how far it is', async () => {
    const path = '/v1/trails/orders/exports';
    const headers = { 'content-type': 'application/json' };
    const body = '{"format":"ndjson"}';
    const { id } = JSON.parse((await served.client('auditor').send({ method: 'POST', path, body, headers })).text());
    const state = async () => JSON.parse((await ask(`trails/orders/exports/${id}`)).text()).state;
    await expect.poll(state, { timeout: 10_000, interval: 10 }).toBe('done');
    expect(await brief()).toEqual([
      expect.objectContaining({ type: 'access.export', details: { asked: { body } } }),
      expect.objectContaining({ type: 'access.export', details: { asked: { export: id }, shown: 3 } }),
    ]);
  });

  it('can be switched off', async () => {
    expect(served.log.recordsReads).toBe(true);
    const none = async () => Promise.reject(new Error('nothing is to be recorded'));
    const services = { ledger: { append: none, leave: none }, policyOf: () => DEFAULT_POLICY, recordsReads: false };
    expect(await answer(replying('shown'), services, request(), SEGMENTS)).toMatchObject({ body: 'shown' });
  });
});

/** A route whose access is recorded. */
const recorded = (handler: () => Promise<ApiResponse>) =>
  route({
    ...{ name: 'query', method: 'GET', path: '/v1/trails/{trail}/events', recorded: 'access.query' },
    action: { on: 'path', anyOf: ['read'] },
    summary: 'Answers any question.',
    query: z.strictObject({ actor: z.string().optional() }),
    replies: { 200: 'text/plain' },
    handler: (_: object) => handler(),
  });
const replying = (body: string) => recorded(async () => ({ status: 200, headers: {}, body }));
const SEGMENTS = { trail: 'orders' };

const request = (query = ''): ApiRequest => ({
  method: 'GET',
  path: '/v1/trails/orders/events',
  query: new URLSearchParams(query),
  headers: {},
  body: new Uint8Array(),
  principal: new Principal({ name: 'auditor', actions: ['read'], trails: ['*'] }),
  requestId: 'r-1',
});

describe('when it cannot be recorded who asked', () => {
  const full = new SealtrailError('store_full', 'the disk is full');
  const services = {
    ledger: { append: () => Promise.reject(full), leave: () => Promise.reject(full) },
    policyOf: () => DEFAULT_POLICY,
    recordsReads: true,
  };

  it('there is no answer, whether it would have shown or refused something', async () => {
    const fails = recorded(() => Promise.reject(new SealtrailError('not_found', 'there is none')));
    const calls = [
      answer(replying('secret'), services, request(), SEGMENTS),
      answer(fails, services, request(), SEGMENTS),
    ];
    for (const call of [...calls, answer(replying('secret'), services, request(), { trail: '_system' })]) {
      await expect(call).rejects.toMatchObject({
        code: 'unavailable',
        message: 'the access could not be recorded, so the request was not answered: try again',
        retryAfter: 1,
        cause: full,
      });
    }
  });

  it('a question of any length can be recorded', async () => {
    const lengths: number[] = [];
    const leave: typeof served.log.ledger.leave = async ({ events }) => {
      lengths.push(...events.map(({ json }) => json.length));
      return Promise.reject(full);
    };
    for (const query of [`actor=${'%00'.repeat(5000)}`, `actor=${'%F0%9F%98%80'.repeat(900)}`, '__proto__=1&a=1&a=2']) {
      const asked = answer(
        replying(''),
        { ...services, ledger: { ...services.ledger, leave } },
        request(query),
        SEGMENTS,
      );
      await expect(asked).rejects.toMatchObject({ cause: full });
    }
    expect(lengths).toHaveLength(3);
    for (const length of lengths) expect(length).toBeLessThan(32_000);
  });
});
