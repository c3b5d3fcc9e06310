import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { legalHoldSchema } from '../../lib/api/routes/legal-hold.ts';
import { type Served, serve } from './served.ts';

/** An administrator puts a trail's archive under legal hold; anyone who may read the trail sees it. */

const PATH = '/v1/trails/orders/legal-hold';
let served: Served;
beforeAll(async () => {
  served = await serve();
  const body = '{"type":"auth.login"}';
  await served.client('writer').send({ method: 'POST', path: '/v1/trails/orders/events', body });
  await served.client('admin').send({ method: 'POST', path: '/v1/trails/orders/seals' });
});
afterAll(() => served.close());

const post = (body: unknown, profile = 'admin', path = PATH) =>
  served.client(profile).send({ method: 'POST', path, body: JSON.stringify(body) });
const status = async (profile = 'auditor') =>
  legalHoldSchema.parse((await served.client(profile).send({ path: PATH })).json());

describe('a legal hold over HTTP', () => {
  it('is set, seen, and released', async () => {
    expect(await status()).toEqual({ trail: 'orders', held: false, objects: 0, complete: true });
    const answer = await post({ held: true, reason: 'case 7' });
    expect(answer.status).toBe(200);
    expect(legalHoldSchema.parse(answer.json())).toMatchObject({ held: true, reason: 'case 7', by: 'admin' });
    await expect.poll(async () => (await status()).objects).toBeGreaterThan(4);
    expect(await status('admin')).toMatchObject({ held: true, complete: false });
    const system = await served
      .client('admin')
      .send({ path: '/v1/trails/_system/events', query: { type: 'system.*' } });
    expect(system.json()).toMatchObject({
      records: [{ event: { type: 'system.legal_hold_set', description: 'case 7', actor: { id: 'admin' } } }],
    });
    expect(legalHoldSchema.parse((await post({ held: false, reason: 'case 7 is closed' })).json())).toMatchObject({
      held: false,
      reason: 'case 7 is closed',
    });
  });

  it.each([
    ['{}', 'held'],
    ['{"held":"yes","reason":"x"}', 'held'],
    ['{"held":true}', 'reason'],
    ['{"held":true,"reason":""}', 'reason'],
    ['{"held":true,"reason":"x","until":1}', 'until'],
    ['[]', 'body'],
  ])('refuses %s, naming the field', async (body, field) => {
    const answer = served.client('admin').send({ method: 'POST', path: PATH, body });
    await expect(answer).rejects.toMatchObject({ code: 'invalid_parameter', field });
  });

  it('is for administrators; others may look', async () => {
    await expect(post({ held: true, reason: 'x' }, 'auditor')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(post({ held: true, reason: 'x' }, 'writer')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(served.client('writer').send({ path: PATH })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('of a trail that is not there is not found', async () => {
    const nowhere = post({ held: true, reason: 'x' }, 'admin', '/v1/trails/nowhere/legal-hold');
    await expect(nowhere).rejects.toMatchObject({ code: 'not_found' });
  });
});
