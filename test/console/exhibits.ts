import type { ExportReply } from '../../lib/contract/exports.ts';
import { filesOf } from './bundle.ts';
import { append, ordinaryEvents, servedLog } from './log.ts';

/** Evidence of every kind, as a log hands it out: files by name. */
export interface Exhibits {
  readonly keys: string;
  readonly proof: ReadonlyMap<string, Uint8Array>;
  readonly growth: ReadonlyMap<string, Uint8Array>;
  readonly answer: ReadonlyMap<string, Uint8Array>;
  readonly receipts: ReadonlyMap<string, Uint8Array>;
  readonly export: ReadonlyMap<string, Uint8Array>;
  readonly archive: ReadonlyMap<string, Uint8Array>;
}

export async function exhibits(): Promise<Exhibits> {
  // No run is stated between a seal and the end.
  const served = await servedLog(undefined, 3_600_000);
  const { http, dir } = served;
  try {
    const receipts = await append(http, 'orders', ordinaryEvents().slice(-60));
    await append(http, 'orders', [{ type: 'auth.logout' }]);
    const get = async (path: string, query = {}) =>
      (await http.send({ path: `/v1/trails/orders/${path}`, query })).body;
    const proof = await get('events/7/proof');
    const record = await get('events/7');
    const growth = await get('consistency', { from: '60' });
    const answer = await get('events', { proof: '1', type: 'auth.*' });
    const made = await exported(served.http);
    const keys = await served.keys();
    // `_system` is last: it says which trails began.
    for (const trail of ['orders', '_access', '_system']) {
      await http.send({ method: 'POST', path: `/v1/trails/${trail}/seals` });
    }
    // Its archiver must be done before its archive is copied.
    await served.close();
    const json = (value: unknown) => Buffer.from(JSON.stringify(value));
    return {
      keys,
      proof: new Map([
        ['orders-7.tlog-proof', proof],
        ['orders-7.record.json', record],
      ]),
      growth: new Map([['orders.consistency.json', growth]]),
      answer: new Map([['answer.json', json(JSON.parse(Buffer.from(answer).toString()).proof)]]),
      receipts: new Map([['receipts.ndjson', Buffer.from(receipts.map((one) => `${JSON.stringify(one)}\n`).join(''))]]),
      export: made,
      archive: await filesOf(`${dir}/archive`, 'archive/'),
    };
  } finally {
    await served.close();
  }
}

async function exported(http: Awaited<ReturnType<typeof servedLog>>['http']): Promise<Map<string, Uint8Array>> {
  const path = '/v1/trails/orders/exports';
  const body = JSON.stringify({ format: 'ndjson', actor: 'deploy-bot' });
  let job = (await http.send({ method: 'POST', path, body })).json() as ExportReply;
  while (job.state !== 'done') {
    if (job.state === 'failed') throw new RangeError('the export failed');
    await new Promise((resolve) => setTimeout(resolve, 50));
    job = (await http.send({ path: `${path}/${job.id}` })).json() as ExportReply;
  }
  const { links, manifest } = job;
  if (links?.proof === undefined) throw new RangeError('the export has no proof');
  const file = async (link: string) => new Uint8Array(await (await fetch(new URL(link, http.endpoint))).arrayBuffer());
  const complete =
    links.complete === undefined ? [] : [['orders.ndjson.complete', await file(links.complete)] as const];
  return new Map([
    ...complete,
    ['orders.ndjson', await file(links.file)],
    ['orders.ndjson.manifest.json', Buffer.from(JSON.stringify(manifest))],
    ['orders.ndjson.proof', await file(links.proof)],
  ]);
}
