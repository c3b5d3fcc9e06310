import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SignedHttp } from '../../lib/client/http/http.ts';
import { Verifications } from '../../lib/followers/verification/verifications.ts';
import { Directory, type OpenLog, openLog, prepareBatch, serveLog, verifyArchive } from '../../lib/index.ts';
import { verifierFromSpki } from '../../lib/log/note.ts';
import { DEFAULT_POLICY } from '../../lib/privacy/policy.ts';
import { MemoryDownloads } from '../../lib/testing/memory/downloads.ts';
import { MemoryFiles } from '../../lib/testing/memory/files.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { parseTrustedKeys } from '../../lib/verify/evidence/trust.ts';

/**
 * The promise to those who bring drivers of their own: four ports in, a whole log out, over HTTP as well. The drivers here
 * are the ones in memory, which know nothing of a folder or of AWS.
 */

const LOG_NAME = 'audit.example.com';
const PROFILE = { profile: 'shop', accessKeyId: 'SLTR0001', secretAccessKey: 'secret' };
const ACCESS = {
  principals: [
    {
      ...{ name: 'shop', accessKeyId: PROFILE.accessKeyId, trails: ['*'] },
      actions: ['append' as const, 'export' as const],
    },
  ],
};

const stores = () => ({
  table: new MemoryTable(),
  objects: new MemoryObjects(),
  signers: [new MemorySigner()],
  downloads: new MemoryDownloads(),
  files: new MemoryFiles(),
});
type Stores = ReturnType<typeof stores>;

async function open(over: Stores): Promise<OpenLog> {
  const log = await openLog(over, { logName: LOG_NAME, pace: { archiveDelayMs: 0, indexDelayMs: 0 } });
  onTestFinished(() => log.close());
  return log;
}

const append = (log: OpenLog) =>
  log.ledger.append({
    trail: 'orders',
    submitter: 'shop',
    events: prepareBatch(Buffer.from('{"type":"order.paid"}'), 'application/json', DEFAULT_POLICY),
  });

describe('a log over drivers of its own', () => {
  it('archives what is appended, and an auditor proves it with the key alone', async () => {
    const over = stores();
    await append(await open(over));
    await vi.waitFor(async () => expect(await over.objects.get('orders/checkpoint')).toBeDefined(), {
      timeout: 10_000,
    });
    const [signer] = over.signers;
    const { vkey } = verifierFromSpki(`${LOG_NAME}/orders`, (await signer?.publicKey()) ?? Buffer.of());
    const trust = parseTrustedKeys(vkey);
    expect(await verifyArchive(over.objects, { trust, trails: ['orders'] })).toMatchObject({ verdict: 'ok' });
  });

  it('goes on where it stopped, and leaves its stores open', async () => {
    const over = stores();
    const before = await open(over);
    await append(before);
    await Promise.all([before.close(), before.close()]);
    await expect(append(before)).rejects.toMatchObject({ code: 'unavailable' });
    expect((await append(await open(over))).first).toBe(1);
  });

  it('goes on with a verification that a process was at when it was killed', async () => {
    const over = stores();
    const before = await open(over);
    await append(before);
    const killed = new Verifications({
      table: over.table,
      verifier: { verify: () => new Promise(() => undefined) },
      start: async () => undefined,
      onError: expect.fail,
    });
    const { id } = await killed.request('orders', 'full', { name: 'auditor' });
    void killed.run('orders', id);
    await vi.waitFor(async () => expect(await killed.get('orders', id)).toMatchObject({ state: 'running' }));
    await before.close();
    await open(over);
    const job = () => killed.get('orders', id);
    await vi.waitFor(async () => expect(await job()).toMatchObject({ state: 'done', report: { verdict: 'ok' } }));
  });

  it('is served over HTTP, and its exports are handed out by its own downloads', async () => {
    const over = stores();
    const log = await open(over);
    const errors: unknown[] = [];
    const server = await serveLog(
      { ...log, directory: new Directory(ACCESS, [PROFILE]) },
      { log: () => undefined, onError: (error) => errors.push(error) },
    );
    onTestFinished(() => server.close());
    const http = new SignedHttp({ endpoint: server.url, credentials: async () => PROFILE, attempts: 1 });
    const post = (path: string, body: object) =>
      http.send({ method: 'POST', path: `/v1/trails/orders/${path}`, body: JSON.stringify(body) });
    expect(await post('events', { type: 'order.paid' })).toMatchObject({ status: 201 });
    const { id } = JSON.parse((await post('exports', { format: 'ndjson' })).text());
    const links = await vi.waitFor(async () => {
      const answer = await http.send({ path: `/v1/trails/orders/exports/${id}` });
      const { state, links } = JSON.parse(answer.text());
      expect(state).toBe('done');
      return links;
    });
    expect(Buffer.from(over.downloads.follow(links.file)?.bytes ?? '').toString()).toContain('order.paid');
    const stray = await fetch(`${server.url}/v1/downloads/x`);
    expect([stray.status, await stray.json()]).toMatchObject([404, { code: 'not_found' }]);
    expect(errors).toEqual([]);
  });
});
