import { parentPort, workerData } from 'node:worker_threads';
import { prepareHere } from '../../event/preparation.ts';
import { policyFor } from '../../privacy/config/privacy-config.ts';
import { maskTags, withTags } from '../../privacy/mask-tag.ts';
import type { PrivacyPolicy } from '../../privacy/policy.ts';
import { failureOf, type IntakeAnswer, type IntakeRequest, type IntakeStart } from './messages.ts';

/** The thread of an `IntakePool`: prepares the bodies that it gets, one after the other. */

const { privacy, maskSecret }: IntakeStart = workerData;
const port = parentPort;
if (port === null) throw new Error('this module is a worker thread');
const tags = maskTags(maskSecret);

const answer = (message: IntakeAnswer): void => port.postMessage(message);

/** As the log has it: see `wireLog`. */
function policyOf(trail: string): PrivacyPolicy {
  const policy = policyFor(trail, privacy);
  return policy.pii === 'mask' ? withTags(policy, tags) : policy;
}

port.on('message', (request: IntakeRequest) => {
  if (request === 'stop') {
    port.close(); // with nothing left to listen to, the thread ends
    return;
  }
  const { id, preparation } = request;
  try {
    const events = prepareHere(preparation, policyOf(preparation.trail));
    // Canonical JSON holds no raw line end.
    answer({ id, ids: events.map((event) => event.id), lines: events.map(({ json }) => json).join('\n') });
  } catch (error) {
    answer({ id, failure: failureOf(error) });
  }
});
answer('ready');
