import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { ApiOptions } from '../../lib/client/index.ts';
import type { Numbering } from '../../lib/log/numbering.ts';
import { parseRecord, type SealedRecord } from '../../lib/log/record.ts';
import { type Served, serve } from '../api/served.ts';
import { beginningsOf } from '../server/beginnings.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { numberingsOf } from './producer-numbers.ts';

/** A problem document. */
type Refusal = { readonly status: number; readonly code: string };

/** What the front does with a request instead of passing it on and its answer back. */
export type Trouble = 'refuse' | 'stall' | 'forget the answer' | 429 | 503 | Refusal | ((body: string) => string);

/** A real embedded log that can be stopped and started, behind one address that can be made to misbehave. */
export interface ProxiedLog {
  readonly url: string;
  /** Of the log's data. */
  readonly folder: string;
  /** Asked for each `POST`. */
  trouble: (path: string) => Trouble | undefined;
  readonly api: Required<Pick<ApiOptions, 'endpoint' | 'credentials'>>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Waits until `_system` names a trail. */
  begun(trail: string): Promise<void>;
  /** Ids of all events of a trail, in order. */
  ids(trail: string): Promise<string[]>;
  /** What the numbers in a trail say of each producer, by its id. */
  numberings(trail: string): Promise<Map<string, Numbering>>;
}

export async function startProxiedLog(): Promise<ProxiedLog> {
  const folder = await temporaryFolder();
  let served: Served | undefined;
  const start = async (): Promise<void> => {
    served = await serve({ folder });
  };
  const stop = async (): Promise<void> => {
    const running = served;
    served = undefined;
    await running?.close();
  };
  await start();
  const credentials = served?.log.folder.profiles.find(({ profile }) => profile === 'admin');
  if (credentials === undefined) throw new Error('no profile admin');
  const proxy = createServer((incoming, outgoing) => {
    const trouble = incoming.method === 'POST' ? proxied.trouble(incoming.url ?? '') : undefined;
    void pass(incoming, outgoing, served?.url, trouble);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    proxy.close();
    proxy.closeAllConnections();
    await stop();
  });
  // A server that listens on TCP has such an address.
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const records = async (trail: string): Promise<SealedRecord[]> => {
    const all: SealedRecord[] = [];
    for await (const block of served?.log.ledger.blocks(trail, { from: 0, to: 1_000_000 }) ?? []) {
      all.push(...block.lines.map((line) => parseRecord(line)));
    }
    return all;
  };
  const proxied: ProxiedLog = {
    ...{ url, folder, stop, start, trouble: () => undefined },
    api: { endpoint: url, credentials: async () => credentials },
    begun: async (trail) => served && beginningsOf(served.log, trail),
    ids: async (trail) => (await records(trail)).map(({ event }) => String(event.id)),
    numberings: async (trail) => numberingsOf(await records(trail)),
  };
  return proxied;
}

async function pass(incoming: IncomingMessage, outgoing: ServerResponse, url: string | undefined, trouble?: Trouble) {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part);
  if (trouble === 'stall') return; // Until the client gives up.
  if (typeof trouble === 'number') return outgoing.writeHead(trouble, { 'retry-after': '0' }).end();
  if (typeof trouble === 'object') return outgoing.writeHead(trouble.status).end(JSON.stringify(trouble));
  if (url === undefined || trouble === 'refuse') return outgoing.destroy();
  const { method, headers } = incoming;
  const onward = request(`${url}${incoming.url}`, { method: method ?? 'GET', headers }, async (answer) => {
    const answered: Buffer[] = [];
    try {
      for await (const part of answer) answered.push(part);
    } catch {
      outgoing.destroy();
      return;
    }
    const body = Buffer.concat(answered);
    if (trouble === 'forget the answer') {
      // Cut in the middle of it: the client cannot know that the events are in the log.
      outgoing.writeHead(answer.statusCode ?? 500, { ...answer.headers, 'content-length': body.length });
      outgoing.write(body.subarray(0, body.length >> 1), () => outgoing.destroy());
      return;
    }
    const changed = trouble === undefined ? body : Buffer.from(trouble(body.toString()));
    outgoing.writeHead(answer.statusCode ?? 500, { ...answer.headers, 'content-length': changed.length }).end(changed);
  });
  onward.on('error', () => outgoing.destroy());
  return onward.end(Buffer.concat(parts));
}
