import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleProxy, startConsoleProxy } from '../../../lib/cli/console/console-proxy.ts';
import { builtConsole } from '../../console/built.ts';
import { append, ordinaryEvents, type ServedConsoleLog, servedLog } from '../../console/log.ts';

/** The loopback server of `sealtrail console`: one browser reads through it, and nothing else on the machine or the web does. */

let served: ServedConsoleLog;
beforeAll(async () => {
  await builtConsole();
  served = await servedLog();
  await append(served.http, 'orders', ordinaryEvents().slice(0, 20));
});
afterAll(() => served.close());

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Node's `fetch` does not let a test say another `Host`. */
function send(url: string, headers: Record<string, string> = {}, method = 'GET', body = ''): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end(method === 'GET' ? undefined : body);
  });
}

/** A proxy whose address a browser has opened. */
async function opened<T>(use: (proxy: ConsoleProxy, origin: string, cookie: string) => Promise<T>): Promise<T> {
  const proxy = await startConsoleProxy(served.http, 0);
  try {
    const { headers } = await send(proxy.url);
    const [cookie = ''] = String(headers['set-cookie']).split(';');
    return await use(proxy, new URL(proxy.url).origin, cookie);
  } finally {
    await proxy.close();
  }
}

describe('the address of a console', () => {
  it('gives one browser its cookie, once', async () => {
    const proxy = await startConsoleProxy(served.http, 0);
    try {
      const { url } = proxy;
      expect((await send(url.replace(/.$/, '!'))).status).toBe(401);
      const first = await send(url);
      expect(first.status).toBe(303);
      expect(first.headers.location).toBe('/console/');
      expect(String(first.headers['set-cookie'])).toMatch(
        /^sealtrail-console-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
      );
      expect((await send(url)).status).toBe(401);
    } finally {
      await proxy.close();
    }
  });

  it('shows nothing without the cookie, nor with another', async () => {
    await opened(async (_, origin, cookie) => {
      const [name = ''] = cookie.split('=');
      for (const headers of [{}, { cookie: `${name}=x` }, { cookie: `${name}=` }, { cookie: `other${cookie}` }]) {
        for (const path of ['/', '/console/', '/v1/trails']) {
          expect([path, headers, (await send(origin + path, headers)).status]).toEqual([path, headers, 401]);
        }
      }
      expect((await send(`${origin}/console/`, { cookie })).status).toBe(200);
      expect((await send(`${origin}/v1/trails`, { cookie })).body).toContain('"trail":"orders"');
    });
  });
});

describe('a page of another site, or a name that was rebound to loopback', () => {
  it.each([
    ['another Host', { host: 'evil.example:80' }],
    ['another port in Host', { host: '127.0.0.1:1' }],
    ['another Origin', { origin: 'https://evil.example' }],
    ['another port of loopback as Origin', { origin: 'http://127.0.0.1:1' }],
    ['an opaque Origin', { origin: 'null' }],
    ['Sec-Fetch-Site: cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['Sec-Fetch-Site: same-site', { 'sec-fetch-site': 'same-site' }],
  ])('gets nothing, even with the cookie: %s', async (_, headers) => {
    await opened(async (_proxy, origin, cookie) => {
      for (const path of ['/v1/trails', '/console/', '/']) {
        expect((await send(origin + path, { cookie, ...headers })).status).toBe(403);
      }
    });
  });
});

describe('what passes', () => {
  it('is what the console asks, with the answer as the log gave it', async () => {
    await opened(async (_, origin, cookie) => {
      const query = '?type=auth.*&format=ndjson&limit=5';
      const through = await send(`${origin}/v1/trails/orders/events${query}`, { cookie });
      const direct = await served.http.send({
        path: '/v1/trails/orders/events',
        query: { type: 'auth.*', format: 'ndjson', limit: 5 },
      });
      expect(through.body).toBe(direct.text());
      expect(through.headers['x-as-of']).toBe('20');
      expect(through.headers['cache-control']).toBe('no-store');
      const missing = await send(`${origin}/v1/trails/orders/events/999`, { cookie });
      expect([missing.status, JSON.parse(missing.body).code]).toEqual([404, 'not_found']);
    });
  });

  it('appends nothing, administers nothing, and reaches no other path of the server', async () => {
    await opened(async (_, origin, cookie) => {
      const calls = [
        ['POST', '/v1/trails/orders/events'],
        ['POST', '/v1/trails/orders/seals'],
        ['POST', '/v1/trails/orders/legal-hold'],
        ['GET', '/healthz'],
        ['GET', '/v1/../healthz'],
        ['GET', '//evil.example/v1/trails'],
        ['PUT', '/v1/trails'],
      ] as const;
      for (const [method, path] of calls) {
        expect([path, (await send(origin + path, { cookie }, method, '{}')).status]).toEqual([path, 404]);
      }
      const head = await served.http.send({ path: '/v1/trails/orders/checkpoint' });
      expect(head.text()).toContain('\n20\n');
    });
  });

  it('exports, and hands out the file', async () => {
    await opened(async (_, origin, cookie) => {
      const headers = { cookie, 'content-type': 'application/json', origin };
      const asked = await send(`${origin}/v1/trails/orders/exports`, headers, 'POST', '{"format":"csv"}');
      let job = JSON.parse(asked.body);
      while (job.state !== 'done') {
        expect(['queued', 'running']).toContain(job.state);
        await new Promise((resolve) => setTimeout(resolve, 50));
        job = JSON.parse((await send(`${origin}/v1/trails/orders/exports/${job.id}`, { cookie })).body);
      }
      const file = await send(origin + job.links.file, { cookie });
      expect(file.body.split('\n').length).toBe(22);
      expect((await send(origin + job.links.file)).status).toBe(401);
    });
  });

  it('takes no body beyond what an export needs', async () => {
    await opened(async (_, origin, cookie) => {
      const { status } = await send(`${origin}/v1/trails/orders/exports`, { cookie }, 'POST', 'x'.repeat(70_000));
      expect(status).toBe(413);
    });
  });
});
