import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtConsole } from '../console/built.ts';
import { type ServedConsoleLog, servedLog } from '../console/log.ts';

/** `sealtrail serve` hands out the page to anyone, and data to no one without a signature. */

let served: ServedConsoleLog;
beforeAll(async () => {
  await builtConsole();
  served = await servedLog();
});
afterAll(() => served.close());

const get = (path: string, init: RequestInit = {}) => fetch(served.server.url + path, { redirect: 'manual', ...init });

describe('the console of a server', () => {
  it('is handed out without a signature, under a policy that lets nothing else run', async () => {
    const page = await get('/console/');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    for (const [, name = ''] of (await page.text()).matchAll(/(?:href|src)="([^"]+)"/g)) {
      expect([name, (await get(`/console/${name}`)).status]).toEqual([name, 200]);
    }
    expect((await get('/console')).headers.get('location')).toBe('/console/');
  });

  it('is asked for again and answered in no bytes while it is the same', async () => {
    const first = await get('/console/console.js');
    const etag = first.headers.get('etag') ?? '';
    expect((await first.arrayBuffer()).byteLength).toBeGreaterThan(10_000);
    expect((await get('/console/console.js', { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  it('has no other files, and none outside of its folder', async () => {
    for (const path of ['x', '../package.json', '..%2f..%2fpackage.json', '__proto__', 'constructor']) {
      expect([path, (await get(`/console/${path}`)).status]).not.toEqual([path, 200]);
    }
  });

  it('gets no data without a signature', async () => {
    for (const path of ['/v1/trails', '/v1/trails/orders/events', '/v1/keys']) {
      expect([path, (await get(path)).status]).toEqual([path, 401]);
    }
    expect((await get('/console/', { method: 'POST' })).status).toBe(401);
  });
});
