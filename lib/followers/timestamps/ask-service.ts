import { boundedBody } from '../../base/http.ts';
import { SealtrailError } from '../../log/error.ts';
import { type Authorities, parseAuthorities } from '../../tsp/authorities.ts';
import { checkTimestamp } from '../../tsp/check-timestamp.ts';
import { newNonce, timestampRequest } from '../../tsp/request.ts';

/** Sends a request to a time-stamping service. @throws when there is no answer in time, or one that is too long */
export type SendRequest = (url: string, body: Uint8Array) => Promise<Uint8Array>;

/** Which service, and who must have issued its certificate. */
export interface TimestampService {
  readonly url: string;
  /** Certificates in PEM. @default none are demanded: what is archived is for auditors to judge */
  readonly authorities?: string;
}

const TIMEOUT_MS = 10_000;
/** Tokens with their certificates have 1 to 6 KB. */
const MAX_ANSWER_BYTES = 65_536;

/** RFC 3161 section 3.4. Redirects are failures, so a service cannot point this process elsewhere. */
export const sendOverHttp: SendRequest = async (url, body) => {
  const response = await fetch(url, {
    method: 'POST',
    body: Uint8Array.from(body),
    headers: { 'Content-Type': 'application/timestamp-query', Accept: 'application/timestamp-reply' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status !== 200) throw new Error(`it answered ${response.status}`);
  return boundedBody(response, MAX_ANSWER_BYTES);
};

/**
 * Asks a service for a time-stamp, and checks it.
 *
 * @returns the answer in DER, to be archived; or why there is none
 */
export async function askService(
  { url, authorities }: TimestampService,
  subject: Uint8Array,
  send: SendRequest,
): Promise<{ readonly response: Uint8Array } | { readonly failed: string }> {
  const nonce = newNonce();
  try {
    const response = await send(url, timestampRequest(subject, nonce));
    await checkTimestamp(response, subject, { nonce, authorities: trusted(authorities) });
    return { response };
  } catch (error) {
    return { failed: reasonOf(error) };
  }
}

const trusted = (pem: string | undefined): Authorities | undefined =>
  pem === undefined ? undefined : parseAuthorities(pem);

/** True if an answer that another process archived is a time-stamp over the same bytes. */
export async function isTimestamp(
  { authorities }: TimestampService,
  response: Uint8Array,
  subject: Uint8Array,
): Promise<boolean> {
  try {
    await checkTimestamp(response, subject, { authorities: trusted(authorities) });
    return true;
  } catch (error) {
    if (error instanceof SealtrailError) return false;
    throw error;
  }
}

/** @param error of `fetch`, whose cause says more */
function reasonOf(error: unknown): string {
  const cause = !(error instanceof SealtrailError) && error instanceof Error && error.cause;
  const text = cause instanceof Error ? cause.message : error instanceof Error ? error.message : String(error);
  return text.slice(0, 200);
}
