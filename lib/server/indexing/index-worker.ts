import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { openIndexCheck, openIndexer } from '../../app/indexing.ts';
import { lazy } from '../../app/lazy.ts';
import type { Follower } from '../../followers/runtime/follower.ts';
import { ArchivedRecords } from '../../ledger/archived-records.ts';
import { FolderFiles } from '../../store/folder/files.ts';
import { FolderObjects } from '../../store/folder/objects.ts';
import { Peer } from './calls.ts';
import type { CommitterCalls, IndexCalls, Indexing, IndexStart } from './index-calls.ts';
import { RemoteTable } from './remote-table.ts';

/** The thread of an `IndexThread`: runs the followers of the index, over the table of the thread that commits. */

const { dir, pace }: IndexStart = workerData;
const port = parentPort;
if (port === null) throw new Error('this module is a worker thread');

const visits = new Map<number, AbortController>();

const calls: IndexCalls = {
  run: async ({ id, follower, trail, force }) => {
    const stopping = new AbortController();
    visits.set(id, stopping);
    try {
      const chosen = (await followers())[follower];
      await chosen.run(trail, { signal: stopping.signal, force });
      return chosen.revisit?.(trail);
    } finally {
      visits.delete(id);
    }
  },
  stop: (id) => visits.get(id)?.abort(),
  end: () => port.close(), // with nothing left to listen to, the thread ends
};

const committer = new Peer<CommitterCalls>(port, calls);
const table = new RemoteTable(committer);
const ledger = { append: (request: Parameters<CommitterCalls['append']>[0]) => committer.call('append', request) };

const followers = lazy(async (): Promise<Record<Indexing, Follower>> => {
  const files = await FolderFiles.join(join(dir, 'index'));
  const archive = new ArchivedRecords({ objects: await FolderObjects.openReadOnly(join(dir, 'archive')), table });
  const log = { table, files, archive, ledger };
  return { indexer: openIndexer(log, pace), indexCheck: openIndexCheck(log) };
});
