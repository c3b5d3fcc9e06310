import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SealtrailError } from '../../lib/log/error.ts';
import { BodyBudget, provenAccounts, unprovenAccounts } from '../../lib/server/body-budget.ts';
import type { ServerOptions } from '../../lib/server/server.ts';
import { type Echo, startEcho } from './echo.ts';
import { KEY_ID, stamp } from './signer.ts';
import { headOf, send, signedHeaders } from './wire.ts';

/**
 * Memory for bodies is bounded, and strangers must not take what others need: anyone who proves who they are before their body comes is
 * served while half-sent bodies of others fill what is left. What a request has taken comes back with the end of its time.
 */

const MOST = 400_000;
const PATH = '/v1/trails/orders/events';
const BODY = JSON.stringify({ type: 'order.paid' });

async function start(options: Partial<ServerOptions> = {}): Promise<Echo> {
  const echo = await startEcho({ maxBodiesBytes: MOST, ...options });
  onTestFinished(() => echo.server.close());
  return echo;
}

/** Connects, sends a head and as many bytes of a larger body, and waits. */
async function halfSend({ url }: Echo, bytes: number, headers: Readonly<Record<string, string>>): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(headOf('POST', PATH, { ...headers, 'content-length': '4999999' }));
  socket.write('x'.repeat(bytes));
  return socket;
}

/** The head of someone who does not know the secret. */
const headBy = ({ url }: Echo, accessKeyId: string, extra: Readonly<Record<string, string>> = {}) =>
  signedHeaders(url, {
    method: 'POST',
    path: PATH,
    secret: 'guess',
    accessKeyId,
    headers: { 'x-amz-date': stamp(Date.now()), ...extra },
  });

const hashed = (echo: Echo) => {
  const sha = '0'.repeat(64);
  return headBy(echo, KEY_ID, { 'x-amz-content-sha256': sha });
};

const hashOf = async (body: string) =>
  Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(body))).toString('hex');

/** An append whose head has the hash of the body. */
const appendProven = async ({ url }: Echo) =>
  (
    await send(url, {
      method: 'POST',
      path: PATH,
      body: BODY,
      headers: { 'x-amz-date': stamp(Date.now()), 'x-amz-content-sha256': await hashOf(BODY) },
    })
  ).status;
const append = async ({ url }: Echo) => (await send(url, { method: 'POST', path: PATH, body: BODY })).status;

describe('a stranger with half-sent bodies', () => {
  it.each<[what: string, head: (echo: Echo) => Readonly<Record<string, string>>]>([
    ['under a made-up access key', (echo) => headBy(echo, 'SLTRNOBODY')],
    ['under a key of the log, with a hash and no right signature', hashed],
  ])('takes no memory at all %s: the answer is 401 before the body is read', async (_, head) => {
    const echo = await start();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => halfSend(echo, 30_000, head(echo))));
    const answers = await Promise.all(sockets.map(async (socket) => String((await once(socket, 'data'))[0])));
    expect(answers.every((answer) => answer.startsWith('HTTP/1.1 401 '))).toBe(true);
    expect([await append(echo), await appendProven(echo)]).toEqual([200, 200]);
  });

  it('who knows an access key takes the share of one address, and no one’s who is proven', async () => {
    const echo = await start();
    const full = (MOST / 4 / 10_000) | 0;
    for (let n = 0; n < full + 2; n++) await halfSend(echo, 10_000, headBy(echo, KEY_ID));
    await vi.waitFor(async () => expect(await append(echo)).toBe(429));
    expect(await appendProven(echo)).toBe(200);
  });

  it('who keeps the connection open gives back what it took when its time is over', async () => {
    const echo = await start({ requestTimeoutMs: 300 });
    const sockets: Socket[] = [];
    for (let n = 0; n < 12; n++) sockets.push(await halfSend(echo, 10_000, headBy(echo, KEY_ID)));
    const answers = sockets.map(async (socket) => String((await once(socket, 'data'))[0]));
    expect((await Promise.all(answers)).filter((answer) => answer.startsWith('HTTP/1.1 408 ')).length).toBeGreaterThan(
      0,
    );
    // None of the sockets is closed by this side.
    await vi.waitFor(async () => expect(await append(echo)).toBe(200));
  });
});

describe('one who is proven', () => {
  it('is held to the body whose hash was signed', async () => {
    const echo = await start();
    const headers = { 'x-amz-date': stamp(Date.now()), 'x-amz-content-sha256': await hashOf(BODY) };
    const { status } = await send(echo.url, {
      method: 'POST',
      path: PATH,
      body: BODY,
      headers,
      sentBody: BODY.replace('paid', 'lost'),
    });
    expect(status).toBe(401);
    expect(echo.requests).toEqual([]);
  });

  it('leaves half of it to others', () => {
    const budget = new BodyBudget(100);
    const [ann, ben] = [provenAccounts('ann'), provenAccounts('ben')];
    budget.take(50, ann);
    expect(() => budget.take(1, ann)).toThrow(SealtrailError);
    budget.take(40, ben);
    expect(() => budget.take(11, unprovenAccounts('::1'))).toThrow('too many requests at once');
    budget.give(50, ann);
    budget.take(25, unprovenAccounts('::1'));
    expect(() => budget.take(1, unprovenAccounts('::1'))).toThrow(SealtrailError);
    budget.take(25, unprovenAccounts('::2'));
    expect(() => budget.take(1, unprovenAccounts('::3'))).toThrow(SealtrailError);
  });
});
