import { parentPort, workerData } from 'node:worker_threads';
import { SealtrailError } from '../../log/error.ts';
import type { Objects } from '../../store/ports.ts';
import { verifyShard } from './shard.ts';
import { unpackJob } from './worker-job.ts';
import type { WorkerAnswer, WorkerRequest, WorkerStart } from './worker-pool.ts';

/** The thread of a {@link WorkerPool}: verifies the spans that it is sent, one after the other. */

const { module, args }: WorkerStart = workerData;
const port = parentPort;
if (port === null) throw new Error('this module is a worker thread');

const answer = (message: WorkerAnswer): void => port.postMessage(message);

async function open(): Promise<Objects> {
  const { openObjects }: { openObjects: (args: unknown) => Promise<Objects> } = await import(module);
  return openObjects(args);
}

const opening = open();
opening.catch(() => undefined); // told with the first job

const stopping = new AbortController();

port.on('message', (request: WorkerRequest) => {
  if (request === 'stop') {
    stopping.abort(new SealtrailError('unavailable', 'the verification was stopped'));
    port.close(); // with nothing left to listen to, the thread ends
    return;
  }
  opening
    .then((objects) =>
      verifyShard(objects, unpackJob(request), {
        signal: stopping.signal,
        onRecords: (records, problems) => answer({ kind: 'progress', records, problems }),
      }),
    )
    .then(
      (result) => answer({ kind: 'done', result }),
      (error: unknown) => {
        const code = error instanceof SealtrailError ? error.code : undefined;
        answer({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
      },
    );
});
