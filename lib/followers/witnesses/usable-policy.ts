import { isPlainUrl } from '../../base/http.ts';
import { HEADS_TRAIL } from '../../contract/system-trails.ts';
import { SealtrailError } from '../../log/error.ts';
import { isQuorum, type Policy } from '../../log/policy.ts';
import { reachable } from './witness-round.ts';

/**
 * Checks that a log can fulfil a policy: the witnesses with a URL are enough for the quorum, their URLs are of HTTP and without
 * a password, and the log is one that the policy names, if it names any.
 *
 * @throws `malformed_policy`
 */
export function assertUsable(policy: Policy, logName: string): void {
  const witnesses = reachable(policy);
  for (const { name, url } of witnesses) {
    if (!isPlainUrl(url)) {
      throw malformed(`the URL of the witness ${name} is not one of HTTP without a user`);
    }
  }
  if (policy.quorum.is === 'none') throw malformed('with the quorum none no witness would be asked for anything');
  if (!isQuorum(policy.quorum, new Set(witnesses.map(({ name }) => name)))) {
    throw malformed('its witnesses with a URL are not enough for its quorum');
  }
  const origin = `${logName}/${HEADS_TRAIL}`;
  if (policy.logs.length > 0 && !policy.logs.some((log) => log.origin === origin)) {
    throw malformed(`it names other logs than ${origin}`);
  }
}

const malformed = (message: string): SealtrailError =>
  new SealtrailError('malformed_policy', `the policy cannot be used by this log: ${message}`);
