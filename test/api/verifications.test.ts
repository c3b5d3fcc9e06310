import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  verificationReplySchema,
  verificationSchema,
  verificationStatusSchema,
} from '../../lib/api/routes/verifications.ts';
import { headKey } from '../../lib/ledger/items/layout.ts';
import { openEmbedded } from '../../lib/server/embedded.ts';
import { SqliteTable } from '../../lib/store/sqlite/table.ts';
import { type Served, serve } from './served.ts';

/** Anyone who may verify a trail has the log verify itself, and sees what came of it. */

const PATH = '/v1/trails/orders/verifications';
let served: Served;
beforeAll(async () => {
  served = await serve();
  await served.client('writer').send({
    method: 'POST',
    path: '/v1/trails/orders/events',
    body: '{"type":"auth.login"}',
  });
});
afterAll(() => served.close());

const verify = (body?: string, profile = 'auditor') =>
  served.client(profile).send({ method: 'POST', path: PATH, ...(body === undefined ? {} : { body }) });

describe('a verification over HTTP', () => {
  it.each([
    [undefined, 'incremental'],
    ['{}', 'incremental'],
    ['{"mode":"incremental"}', 'incremental'],
    ['{"mode":"full"}', 'full'],
  ])('of %s is %s, and answers with the report', async (body, mode) => {
    const answer = await verify(body);
    expect(answer.status).toBe(200);
    expect(verificationSchema.parse(answer.json())).toMatchObject({ trail: 'orders', mode, verdict: 'ok', to: 1 });
  });

  it('of a range says what was asked for and what was looked at, and is kept beside the one on the trail', async () => {
    const whole = verificationSchema.parse((await verify()).json());
    const answer = await verify('{"from":0,"to":1}');
    expect(answer.status).toBe(200);
    const report = verificationSchema.parse(answer.json());
    expect(report).toMatchObject({ mode: 'range', range: { from: 0, to: 1 }, verdict: 'ok', from: 0, to: 1 });
    const status = verificationStatusSchema.parse((await served.client('auditor').send({ path: PATH })).json());
    expect(status).toMatchObject({ report: whole, rangeReport: report });
  });

  it('that is not waited for has an id, under which its report is found', async () => {
    const request = {
      method: 'POST' as const,
      path: PATH,
      body: '{"from":0,"to":1}',
      headers: { prefer: 'respond-async' },
    };
    const asked = await served.client('auditor').send(request);
    expect(asked.status).toBe(202);
    const { id, ...told } = verificationReplySchema.parse(asked.json());
    expect(told).toMatchObject({ state: 'queued', request: { from: 0, to: 1 }, requestedBy: 'auditor' });
    const location = asked.headers.get('location') ?? '';
    expect(location).toBe(`${PATH}/${id}`);
    const look = async () =>
      verificationReplySchema.parse((await served.client('auditor').send({ path: location })).json());
    await expect.poll(look).toMatchObject({ id, state: 'done', report: { mode: 'range', verdict: 'ok' } });
    for (const path of [`${PATH}/${'0'.repeat(32)}`, `${PATH}/x`, `/v1/trails/other/verifications/${id}`]) {
      await expect(served.client('admin').send({ path })).rejects.toMatchObject({ code: 'not_found' });
    }
    await expect(served.client('writer').send({ path: location })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('repeated under its idempotency key is the same, also when it is done', async () => {
    const send = (body: string) =>
      served.client('auditor').send({ method: 'POST', path: PATH, body, headers: { 'idempotency-key': 'v-1' } });
    const [once, again] = [await send('{"mode":"full"}'), await send('{"mode":"full"}')];
    expect(again.headers.get('location')).toBe(once.headers.get('location'));
    expect(again.json()).toEqual(once.json());
    await expect(send('{"from":0}')).rejects.toMatchObject({ code: 'idempotency_conflict' });
  });

  it('leaves its report and figures to be asked for', async () => {
    const report = verificationSchema.parse((await verify()).json());
    const status = await served.client('auditor').send({ path: PATH });
    const told = verificationStatusSchema.parse(status.json());
    expect(told.report).toEqual(report);
    expect(told).toMatchObject({ failures: 0, lastOkAt: report.startedAt });
    expect(told.runs).toBeGreaterThan(0);
  });

  it.each([
    ['{"mode":"quick"}', 'mode', 'mode: must be incremental or full'],
    ['{"mode":"range"}', 'mode', 'mode: must be incremental or full'],
    ['{"mode":"full","from":0}', 'mode', 'mode: cannot be combined with `from` and `to`: leave out one or the other'],
    ['{"from":-1}', 'from', 'from: must be a whole number, from 0 on'],
    ['{"to":"1"}', 'to', 'to: must be a whole number, from 0 on'],
    ['{"to":0.5}', 'to', 'to: must be a whole number, from 0 on'],
    ['{"from":1,"to":1}', 'from', 'from: must be below 1, the trail’s size'],
    ['{"from":0,"to":2}', 'to', 'to: must not be above 1, the trail’s size'],
    ['{"seq":1}', 'seq', 'seq: is not known; there are mode, from, to'],
    ['[]', 'body', 'body: must be an object, with `mode` or with `from` and `to`'],
  ])('refuses %s', async (body, field, message) => {
    await expect(verify(body)).rejects.toMatchObject({ code: 'invalid_parameter', field, message });
  });

  it('refuses what is no JSON, what is no trail, and who may not verify', async () => {
    await expect(verify('{')).rejects.toMatchObject({ code: 'invalid_json', message: expect.stringContaining('JSON') });
    await expect(
      served.client('admin').send({ method: 'POST', path: '/v1/trails/nowhere/verifications' }),
    ).rejects.toMatchObject({ code: 'not_found', message: 'there is no trail nowhere' });
    for (const method of ['POST', 'GET'] as const) {
      await expect(served.client('writer').send({ method, path: PATH })).rejects.toMatchObject({
        code: 'forbidden',
        message: 'not allowed: verify on trail orders',
      });
    }
  });

  it('tells of damage in a report, not in an error', async () => {
    await served.log.close();
    const table = await SqliteTable.open(`${served.folder}/sealtrail.db`);
    const item = await table.get(headKey('orders'));
    if (item === undefined) throw new Error('no head');
    await table.transact([{ put: { ...item, attributes: { ...item.attributes, root: new Uint8Array(32) } } }]);
    await table.close();
    const alarms: unknown[] = [];
    const log = await openEmbedded(served.folder, {
      verifyEveryMs: 1,
      onError: (error, source) => alarms.push([source, error]),
    });
    try {
      expect((await log.verifier.verify('orders')).problems).toMatchObject([{ kind: 'head_mismatch', seq: 1 }]);
      await expect
        .poll(() => alarms)
        .toContainEqual([
          { follower: 'verifier', trail: 'orders' },
          expect.objectContaining({ code: 'store_corrupt', message: expect.stringContaining('head_mismatch') }),
        ]);
    } finally {
      await log.close();
    }
  });
});
