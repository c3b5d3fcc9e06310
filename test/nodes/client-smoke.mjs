import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * What the client promises, on whatever Node this is and however it was loaded.
 *
 * @param {typeof import('../../lib/client/index.ts')} client
 * @param {typeof import('../../lib/client/event/receipt.ts')} receipts
 * @param {typeof import('../../lib/client/middleware/express.ts')} requests
 * @param {string} trail of its own
 */
export async function tour(client, receipts, requests, trail) {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-tour-'));
  const errors = [];
  const audit = client.createAuditLogger({
    api: { trail, spool: join(folder, 'spool'), batchEvents: 50 },
    file: { dir: join(folder, 'audit') },
    memory: {},
    context: { tenant: 'acme' },
    onError: (error) => errors.push(error),
  });
  const handles = await client.withContext({ request: 'r-1', actor: { id: 'alice' } }, async () => {
    await Promise.resolve();
    return Array.from({ length: 120 }, (_, i) =>
      audit.log({ type: 'invoice.paid', id: `e-${i}`, details: { i, n: 1n } }),
    );
  });
  const sealed = await Promise.all(handles.map(({ receipt }) => receipt));
  const last = await audit.logAndSeal({ type: 'auth.login', id: 'last' });
  assert.ok(sealed.every(({ receipt }, i) => receipt.sealed && (i === 0 || sealed[i - 1].seq < sealed[i].seq)));
  assert.ok(last.seq > sealed.at(-1).seq);
  assert.equal(receipts.readReceipt(last.receipt).sealed, true);
  const strict = client.createAuditLogger({ memory: {}, invalid: 'throw' });
  assert.throws(() => strict.log({ type: 'invoice.paid', actor: {} }), { code: 'invalid_event', field: 'actor.id' });

  const found = [];
  for await (const { event } of audit.reader.query({ type: 'invoice.paid', order: 'oldest', limit: 50 }))
    found.push(event);
  assert.deepEqual(
    found.map(({ id, actor, context, details }) => [
      id,
      actor.id,
      context.request,
      context.tenant,
      details.i,
      details.n,
    ]),
    Array.from({ length: 120 }, (_, i) => [`e-${i}`, 'alice', 'r-1', 'acme', i, '1']),
  );
  await callItself(client, requests, audit);
  assert.deepEqual((await audit.reader.recent(3)).map(({ event }) => `${event.type} ${event.context.request}`).sort(), [
    'http.request r-2',
    'http.submitted undefined',
    'http.succeeded undefined',
  ]);
  assert.equal((await audit.reader.verifyIntegrity('full')).verdict, 'ok');
  await audit.close();
  assert.deepEqual(errors, []);
  const [name] = readdirSync(join(folder, 'audit'));
  assert.equal(
    readFileSync(join(folder, 'audit', name), 'utf8')
      .trimEnd()
      .split('\n').length,
    124,
  );
  assert.deepEqual(readdirSync(join(folder, 'spool')), [`${trail}.checkpoint`]);
  rmSync(folder, { recursive: true });
}

/** A call through `auditedFetch` to a server with the middleware. */
async function callItself({ auditedFetch }, { auditRequests }, audit) {
  const middleware = auditRequests(audit);
  const server = createServer((request, response) => middleware(request, response, () => response.end('fine')));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const answer = await auditedFetch(audit)(url, { headers: { 'x-request-id': 'r-2', connection: 'close' } });
  assert.equal(await answer.text(), 'fine');
  await new Promise((resolve) => server.close(resolve));
  await audit.flush();
}
