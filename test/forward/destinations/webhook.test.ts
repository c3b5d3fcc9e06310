import { Webhook as StandardWebhook, WebhookVerificationError } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Webhook } from '../../../lib/forward/destinations/webhook.ts';
import { batchOf } from '../batches.ts';
import { Receiver } from '../receiver.ts';

/** The promise: a receiver checks our signatures with the library of Standard Webhooks, and its status decides. */

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
let receiver: Receiver;
beforeEach(async () => {
  receiver = await Receiver.open();
});
afterEach(() => receiver.close());

const send = (secret = SECRET, path = '/hook', ms = 5_000) =>
  new Webhook({ url: `${receiver.url}${path}`, secret: async () => secret }).send(
    batchOf(3, 6, 'record'),
    AbortSignal.timeout(ms),
  );

describe('a webhook', () => {
  it('is a POST of the whole batch whose signature holds', async () => {
    expect(await send()).toEqual({ is: 'taken' });
    const [request] = receiver.received;
    const verified = new StandardWebhook(SECRET).verify(request?.body ?? '', request?.headers ?? {});
    const { records, ...header } = verified as { records: { seq: number }[] };
    expect(header).toMatchObject({ v: 1, trail: 'orders', from: 3, to: 6, count: 3, format: 'record', proof: [] });
    expect(records.map(({ seq }) => seq)).toEqual([3, 4, 5]);
    expect(request?.body.toString()).toContain(batchOf(3, 6, 'record').records[0]?.text);
    expect(request?.headers['webhook-id']).toBe('audit_example_com/orders/siem/3-6');
  });

  it('does not pass as signed once a byte of it is changed', async () => {
    await send();
    const [request] = receiver.received;
    const changed = String(request?.body).replace('e-4', 'e-5');
    expect(() => new StandardWebhook(SECRET).verify(changed, request?.headers ?? {})).toThrow(WebhookVerificationError);
  });

  it.for([
    [204, 'taken'],
    [400, 'refused'],
    [413, 'refused'],
    [422, 'refused'],
    [401, 'failed'],
    [404, 'failed'],
    [410, 'failed'],
    [500, 'failed'],
  ] as const)('that is answered %d is %s', async ([status, is]) => {
    receiver.answer = () => ({ status });
    expect(await send()).toMatchObject({ is });
  });

  it('waits as long as it is asked to', async () => {
    receiver.answer = () => ({ status: 429, headers: { 'retry-after': '7' } });
    expect(await send()).toMatchObject({ is: 'failed', retryAfterMs: 7_000 });
    receiver.answer = () => ({ status: 503, headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() } });
    const { retryAfterMs } = (await send()) as { retryAfterMs: number };
    expect(retryAfterMs).toBeGreaterThan(50_000);
  });

  it('follows no redirect, and does not wait for ever', async () => {
    receiver.answer = () => ({ status: 302, headers: { location: `${receiver.url}/elsewhere` } });
    await expect(send()).rejects.toThrow();
    expect(receiver.received.map(({ url }) => url)).toEqual(['/hook']);
    receiver.answer = () => 'hang';
    await expect(send(SECRET, '/hook', 50)).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it.for(['', 'whsec_', 'whsec_c2hvcnQ=', Buffer.alloc(32).toString('base64')])(
    'is not sent with the secret %j, of which the error says nothing',
    async (secret) => {
      await expect(send(secret)).rejects.toThrow(/^the secret of a webhook must be whsec_ and the base64 of 24 to 64/);
      expect(receiver.received).toEqual([]);
    },
  );
});
