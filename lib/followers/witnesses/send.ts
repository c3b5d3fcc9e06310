import { boundedBody } from '../../base/http.ts';
import type { Send } from './witness-client.ts';

/** A witness that takes longer is asked again later. */
const TIMEOUT_MS = 8_000;
/** Some cosignatures by ML-DSA-44 keys take 3.3 KB each. */
const MAX_ANSWER_BYTES = 65_536;

/**
 * Sends to a witness's URL as the policy has it: redirects are failures, so a witness cannot point this process elsewhere; time
 * and bytes are bounded.
 */
export const sendOverHttp: Send = async (url, body) => {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const how = { redirect: 'error', signal } as const;
  const headers = { 'Content-Type': 'text/plain; charset=utf-8' };
  const response = await fetch(url, body === undefined ? how : { ...how, method: 'POST', body, headers });
  return { status: response.status, body: Buffer.from(await boundedBody(response, MAX_ANSWER_BYTES)).toString() };
};
