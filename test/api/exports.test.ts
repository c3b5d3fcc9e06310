import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { exportSchema } from '../../lib/api/routes/exports.ts';
import { keysSchema } from '../../lib/api/routes/keys.ts';
import { EXPORT_FORMATS } from '../../lib/contract/exports.ts';
import { parseTrustedKeys } from '../../lib/verify/evidence/trust.ts';
import { checkExport } from '../../lib/verify/files/export-file.ts';
import { type Served, serve } from './served.ts';

/** Anyone who may export a trail asks for a file, waits for it, fetches it by link, and can prove it. */

const PATH = '/v1/trails/orders/exports';
let served: Served;
beforeAll(async () => {
  served = await serve();
  for (let n = 0; n < 6; n++) {
    const events = Array.from({ length: 50 }, (_, at) => ({
      type: at % 2 === 0 ? 'auth.login' : 'data.update',
      severity: at % 10 === 0 ? 'critical' : 'info',
      actor: { id: `user-${at % 7}@example.com` },
    }));
    const body = JSON.stringify({ events });
    await served.client('writer').send({ method: 'POST', path: '/v1/trails/orders/events', body });
  }
});
afterAll(() => served.close());

type Export = z.infer<typeof exportSchema>;

const ask = (body: unknown, headers: Record<string, string> = {}, profile = 'auditor') =>
  served.client(profile).send({ method: 'POST', path: PATH, body: JSON.stringify(body), headers });

const look = async (id: string): Promise<Export> =>
  exportSchema.parse((await served.client('auditor').send({ path: `${PATH}/${id}` })).json());

async function finished(body: unknown): Promise<Export> {
  const { id } = exportSchema.parse((await ask(body)).json());
  await ended(id);
  return look(id);
}

const ended = (id: string) =>
  expect.poll(async () => (await look(id)).state, { timeout: 30_000, interval: 20 }).toMatch(/done|failed/);

async function fetchLink(link: string | undefined): Promise<Uint8Array> {
  const answer = await fetch(new URL(link ?? '', served.url));
  expect(answer.status).toBe(200);
  return new Uint8Array(await answer.arrayBuffer());
}

async function trust() {
  const answer = await served.client('auditor').send({ path: '/v1/keys', query: { trail: 'orders' } });
  return parseTrustedKeys(
    keysSchema
      .parse(answer.json())
      .keys.map(({ vkey }) => vkey)
      .join('\n'),
  );
}

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe('an export over HTTP', () => {
  it('is taken with 202 and its place, and told of there until it is done', async () => {
    const answer = await ask({ format: 'ndjson' });
    expect(answer.status).toBe(202);
    const asked = exportSchema.parse(answer.json());
    expect(answer.headers.get('location')).toBe(`${PATH}/${asked.id}`);
    expect(asked).toMatchObject({
      trail: 'orders',
      format: 'ndjson',
      compression: 'none',
      requestedBy: 'auditor',
      filters: {},
    });
    await ended(asked.id);
  });

  it('holds every record, byte for byte, and proves that it does', async () => {
    const { manifest, links } = await finished({ format: 'ndjson' });
    const file = await fetchLink(links?.file);
    const lines = Buffer.from(file).toString().split('\n').slice(0, -1);
    expect(lines).toHaveLength(300);
    for (const seq of [0, 150, 299]) expect(lines[seq]).toBe(await served.log.ledger.record('orders', seq));
    expect(manifest).toMatchObject({ log: 'audit.example.com', trail: 'orders', records: 300, first: 0, last: 299 });
    expect(manifest?.file).toEqual({ bytes: file.length, sha256: createHash('sha256').update(file).digest('hex') });
    expect(links?.proof).toBeUndefined(); // The lines of a whole log need none.
    const proven = await checkExport({ manifest: JSON.stringify(manifest), file: streamOf(file) }, await trust());
    expect(proven).toMatchObject({ proven: 'records', complete: 'log', records: 300, size: 300 });
  });

  it('holds what passes the filters, those of a query, and proves every line of it', async () => {
    const filters = { type: ['login'], actor: 'user-3@example.com', severity: 'info' };
    const { manifest, links } = await finished({ format: 'ndjson', compression: 'gzip', ...filters });
    const file = await fetchLink(links?.file);
    const lines = gunzipSync(file).toString().split('\n').slice(0, -1);
    const page = await served.client('auditor').send({
      path: '/v1/trails/orders/events',
      query: { ...filters, order: 'oldest', limit: '1000', format: 'ndjson' },
    });
    expect(lines.length).toBeGreaterThan(5);
    expect(`${lines.join('\n')}\n`).toBe(page.text());
    expect(manifest?.filters.type).toEqual(['auth.login']);
    const [proof, complete] = [await fetchLink(links?.proof), await fetchLink(links?.complete)];
    const files = { file: streamOf(file), proof: streamOf(proof), complete: streamOf(complete) };
    const evidence = { manifest: JSON.stringify(manifest), ...files };
    expect(await checkExport(evidence, await trust())).toMatchObject({ proven: 'records', complete: 'filters' });
  });

  it.each(EXPORT_FORMATS)('can be had as %s', async (format) => {
    const { state, manifest, links } = await finished({ format, severity: 'critical' });
    expect(state).toBe('done');
    expect(manifest).toMatchObject({ format, records: 30 });
    const file = await fetchLink(links?.file);
    expect(createHash('sha256').update(file).digest('hex')).toBe(manifest?.file.sha256);
  });

  it('keeps to both clocks, the producer’s and the server’s', async () => {
    const { manifest } = await finished({ format: 'ndjson', timeFrom: 0, timeTo: '2000-01-01T00:00:00Z', from: 0 });
    expect(manifest).toMatchObject({ records: 0, from: 0, timeFrom: 0, timeTo: Date.UTC(2000, 0, 1) });
  });

  it('may be empty, when nothing passes', async () => {
    const { manifest, links } = await finished({ format: 'json', actor: 'nobody' });
    expect(manifest).toMatchObject({ records: 0 });
    expect(Buffer.from(await fetchLink(links?.file)).toString()).toBe('[]\n');
  });

  it('is the same one for the same idempotency key, and refused for another export under it', async () => {
    const headers = { 'idempotency-key': 'once' };
    const first = exportSchema.parse((await ask({ format: 'csv' }, headers)).json());
    await ended(first.id);
    const second = await ask({ format: 'csv' }, headers);
    expect(second.status).toBe(200);
    expect(exportSchema.parse(second.json())).toMatchObject({ id: first.id, state: 'done' });
    await expect(ask({ format: 'json' }, headers)).rejects.toMatchObject({ code: 'idempotency_conflict' });
  });

  it('is the same one at a later moment, with the times of the first, where the times are words', async () => {
    const headers = { 'idempotency-key': 'words' };
    const words = { format: 'csv', from: '2h', timeTo: 'now' };
    const first = exportSchema.parse((await ask(words, headers)).json());
    await expect.poll(() => Date.now()).toBeGreaterThan(first.requestedAt + 2);
    const again = exportSchema.parse((await ask(words, headers)).json());
    expect(again).toMatchObject({ id: first.id, from: first.from, timeTo: first.timeTo });
    // In other words that mean the same, and in none that mean another period.
    const { from, timeTo } = first;
    expect(exportSchema.parse((await ask({ format: 'csv', from, timeTo }, headers)).json()).id).toBe(first.id);
    await expect(ask({ ...words, from: '3h' }, headers)).rejects.toMatchObject({ code: 'idempotency_conflict' });
  });

  it('says which values it looked for in masked form', async () => {
    const asked = 'user-3@example.com';
    const { manifest } = await finished({ format: 'ndjson', actor: asked, notResource: 'r-1' });
    const masked = [{ filter: 'actor', asked, as: expect.stringMatching(/^u\*\*\*~\w+@example\.com$/) }];
    expect(manifest).toMatchObject({ filters: { actor: [asked] }, masked });
    expect(manifest?.records).toBeGreaterThan(0);
    expect((await finished({ format: 'ndjson', actor: 'alice' })).manifest).not.toHaveProperty('masked');
  });
});

describe('what is refused', () => {
  it.each([
    [{}, 'format'],
    [{ format: 'xml' }, 'format'],
    [{ format: 'csv', compression: 'zip' }, 'compression'],
    [{ format: 'parquet', compression: 'gzip' }, 'compression'],
    [{ format: 'csv', colour: 'red' }, 'colour'],
    [{ format: 'csv', order: 'newest' }, 'order'],
    [{ format: 'csv', limit: '5' }, 'limit'],
    [{ format: 'csv', type: 'No Type' }, 'type'],
    [{ format: 'csv', type: [] }, 'type'],
    [{ format: 'csv', actor: [1] }, 'actor'],
    [{ format: 'csv', severity: ['info', 'error'] }, 'severity'],
    [{ format: 'csv', from: 'last week' }, 'from'],
    [{ format: 'csv', from: -1 }, 'from'],
    [{ format: 'csv', from: 5, to: 4 }, 'from'],
    [[], 'body'],
  ])('%j, naming %s', async (body, field) => {
    await expect(ask(body)).rejects.toMatchObject({ code: 'invalid_parameter', field });
  });

  it('what is not JSON, a trail without records, and who may not export', async () => {
    const text = { method: 'POST', path: PATH, body: 'format=csv', headers: { 'content-type': 'text/plain' } } as const;
    await expect(served.client('auditor').send(text)).rejects.toMatchObject({ code: 'unsupported_media_type' });
    await expect(
      served.client('auditor').send({ method: 'POST', path: '/v1/trails/nowhere/exports', body: '{"format":"csv"}' }),
    ).rejects.toMatchObject({ code: 'not_found' });
    await expect(ask({ format: 'csv' }, {}, 'writer')).rejects.toMatchObject({ code: 'forbidden' });
    const { id } = await finished({ format: 'csv' });
    await expect(served.client('writer').send({ path: `${PATH}/${id}` })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it.each(['0'.repeat(32), 'x', '..%2F..'])('to tell of the export %s, which there is not', async (id) => {
    await expect(served.client('auditor').send({ path: `${PATH}/${id}` })).rejects.toMatchObject({ code: 'not_found' });
  });
});
