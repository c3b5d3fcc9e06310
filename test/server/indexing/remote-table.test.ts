import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { afterAll, expect, it } from 'vitest';
import { Peer } from '../../../lib/server/indexing/calls.ts';
import { RemoteTable, type TableCalls, tableCalls } from '../../../lib/server/indexing/remote-table.ts';
import { SqliteTable } from '../../../lib/store/sqlite/table.ts';
import { tableContract } from '../../../lib/testing/contracts/table.ts';
import { makeFolder, removeFolder } from '../../store/temporary.ts';

/** A table of another thread is a table like any other. Here both ends are in one thread; the channel clones all the same. */

const folder = await makeFolder();
afterAll(() => removeFolder(folder));

function connected(table: SqliteTable): { readonly remote: RemoteTable; readonly owned: TableCalls; hangUp(): void } {
  const { port1, port2 } = new MessageChannel();
  const owned = tableCalls(table);
  new Peer(port1, owned);
  const peer = new Peer<TableCalls>(port2, {});
  return { remote: new RemoteTable(peer), owned, hangUp: () => port1.close() };
}

tableContract('RemoteTable', {
  open: async () => {
    const table = await SqliteTable.open(join(folder, 'contract.db'));
    const { remote, hangUp } = connected(table);
    const close = remote.close.bind(remote);
    return Object.assign(remote, {
      close: async () => {
        await close();
        await table.close();
        hangUp();
      },
    });
  },
});

it('gives pages as they are consumed, and forgets a query that is left', async () => {
  const table = await SqliteTable.open(join(folder, 'pages.db'));
  const { remote, owned, hangUp } = connected(table);
  const put = (n: number) => ({ put: { partition: 'p', sort: String(n).padStart(4, '0'), attributes: { n } } });
  for (let n = 0; n < 300; n += 100) await remote.transact(Array.from({ length: 100 }, (_, i) => put(n + i)));
  const seen: string[] = [];
  for await (const { sort } of remote.query({ partition: 'p' })) {
    seen.push(sort);
    if (seen.length === 70) break;
  }
  expect(seen.at(-1)).toBe('0069');
  // Its first page was query 0, and the second was left.
  await expect(async () => owned.more(0)).rejects.toThrow('there is no query 0');
  expect(await Array.fromAsync(remote.query({ partition: 'p' }), ({ sort }) => sort)).toHaveLength(300);
  await table.close();
  hangUp();
});
