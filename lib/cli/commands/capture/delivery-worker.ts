import { parentPort, workerData } from 'node:worker_threads';
import { defined } from '../../../base/defined.ts';
import { Delivery } from '../../../client/delivery/delivery.ts';
import { credentialChain } from '../../../client/http/credential-chain.ts';
import { SignedHttp } from '../../../client/http/http.ts';
import { SealtrailError } from '../../../log/error.ts';
import type { DeliveryAnswer, DeliveryRequest, DeliveryStart, Failure } from './delivery-thread.ts';

/** The thread of a `DeliveryThread`: sends the batches that it gets, one after the other. */

const { endpoint, region, credentials, trail, checkpoint }: DeliveryStart = workerData;
const port = parentPort;
if (port === null) throw new Error('this module is a worker thread');

const answer = (message: DeliveryAnswer): void => port.postMessage(message);
const http = new SignedHttp({
  endpoint,
  credentials: credentialChain(credentials),
  attempts: 1,
  ...defined({ region }),
});
const delivery = new Delivery({
  ...{ http, trail, keys: undefined, checkpoint },
  onError: (error) => answer({ kind: 'error', failure: failureOf(error) }),
});
let stopping = new AbortController();

port.on('message', (request: DeliveryRequest) => {
  if (request.kind === 'abort') {
    stopping.abort(new SealtrailError('unavailable', 'the logger was closed'));
    stopping = new AbortController();
    return;
  }
  const { id } = request;
  const work = request.kind === 'send' ? delivery.send(request.batch, stopping.signal) : delivery.close();
  work.then(
    (receipt) => answer({ kind: 'done', id, ...(receipt === undefined ? {} : { receipt }) }),
    (error: unknown) => answer({ kind: 'failed', id, failure: failureOf(error) }),
  );
});

function failureOf(error: unknown): Failure {
  if (!(error instanceof SealtrailError)) return { message: error instanceof Error ? error.message : String(error) };
  const { code, message, field, retryAfter } = error;
  return { code, message, ...defined({ field, retryAfter }) };
}
