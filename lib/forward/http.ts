import type { Delivery } from './destination.ts';

/** An answer over HTTP, cut to the bytes that are of use. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  /** Milliseconds after which the destination asks to be tried again. */
  readonly retryAfterMs?: number;
}

const MAX_ANSWER_BYTES = 4_194_304;
const MAX_RETRY_MS = 3_600_000;

/**
 * Sends a request to a destination's URL as the operator has configured it: a redirect is a failure, so a destination cannot
 * point this process elsewhere, and its answer is bounded.
 *
 * @throws when there is no answer in time
 */
export async function post(
  url: string,
  request: { readonly headers: Readonly<Record<string, string>>; readonly body: string | Uint8Array },
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { headers } = request;
  const body = typeof request.body === 'string' ? request.body : new Uint8Array(request.body);
  const response = await fetch(url, { method: 'POST', headers, body, redirect: 'error', signal });
  const retryAfterMs = retryAfter(response.headers.get('retry-after'));
  return {
    ...{ status: response.status, body: await readText(response) },
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** Seconds or a date (RFC 9110 section 10.2.3). */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const millis = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(millis) ? Math.min(MAX_RETRY_MS, Math.max(0, millis)) : undefined;
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Statuses that are about what was sent: sent again, it fares the same (RFC 9110 section 15.5). */
const OF_CONTENT: ReadonlySet<number> = new Set([400, 413, 422]);

/** The outcome that a status means for a batch: only a status about its content can be a record's fault. */
export function deliveryOf({ status, body, retryAfterMs }: HttpAnswer): Delivery {
  if (status >= 200 && status < 300) return { is: 'taken' };
  const reason = reasonOf(status, body);
  return OF_CONTENT.has(status) ? { is: 'refused', reason } : { is: 'failed', reason, retryAfterMs };
}

/** A status and the beginning of what was said with it, in one line. */
const reasonOf = (status: number, body: string): string => {
  const text = body.replace(/\s+/g, ' ').trim().slice(0, 200);
  return `it answered ${status}${text === '' ? '' : ` ${JSON.stringify(text)}`}`;
};

/** Why nothing was sent or answered. @param error of `fetch`, whose cause says more */
export function failureOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && cause.name === 'TimeoutError') return 'it did not answer in time';
  return cause instanceof Error ? cause.message.slice(0, 200) : String(cause).slice(0, 200);
}
