import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Credentials, createAuditLogger, LogReader, SignedHttp } from '../../../lib/client/index.ts';
import type { SealedRecord } from '../../../lib/log/record.ts';
import { type Server, serve } from '../../cli/process.ts';
import { temporaryFolder } from '../../store/temporary.ts';
import { logMany } from '../load.ts';
import { expectWhole, numberingsOf } from '../producer-numbers.ts';
import { trail } from '../test-logger.ts';

/** One address for a server that comes back at another one each time. */
async function relay(): Promise<{ url: string; to: (server: Server) => void }> {
  let port = 1;
  const proxy = createServer((incoming) => {
    const onward = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [incoming, onward],
      [onward, incoming],
    ] as const) {
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const to = (server: Server): void => {
    port = Number(new URL(server.endpoint).port);
  };
  return { url, to };
}

/** What `sealtrail serve` wrote for its profile admin. */
async function adminOf(data: string): Promise<Credentials> {
  const [, profile = ''] = (await readFile(join(data, 'credentials'), 'utf8')).split('[admin]');
  const value = (name: string): string => new RegExp(`${name}\\s*=\\s*(\\S+)`).exec(profile)?.[1] ?? expect.fail(name);
  return { accessKeyId: value('aws_access_key_id'), secretAccessKey: value('aws_secret_access_key') };
}

describe('a server that is killed and started again under load', () => {
  it('has everything once and in order in the end', { timeout: 60_000 }, async () => {
    const data = await temporaryFolder();
    const { url, to } = await relay();
    let server = await serve(data);
    onTestFinished(async () => void (await server.stop('SIGKILL')));
    to(server);
    const admin = await adminOf(data);
    const api = { endpoint: url, credentials: async () => admin, trail, batchEvents: 20, batchDelay: 2 };
    const audit = createAuditLogger({ api: { ...api, flushTimeout: 30_000 }, onError: () => undefined });
    const ids: string[] = [];
    for (let kill = 0; kill < 2; kill++) {
      ids.push(...logMany(audit, `before-${kill}`, 300));
      const last = audit.log({ type: 'a.b', id: `seen-${kill}` });
      ids.push(`seen-${kill}`);
      ids.push(...logMany(audit, `during-${kill}`, 300));
      // In the middle of it: these are answered, and those are under way.
      await last.receipt;
      await server.stop('SIGKILL');
      server = await serve(data);
      to(server);
    }
    await audit.close();
    const reader = new LogReader(new SignedHttp(api), trail);
    const records: SealedRecord[] = [];
    for await (const record of reader.query({ order: 'oldest', limit: 1000 })) records.push(record);
    expect(records.map(({ event }) => event.id)).toEqual(ids);
    expect(expectWhole(numberingsOf(records))).toEqual([ids.length]);
  });
});
