import { hash } from 'node:crypto';
import * as z from 'zod';
import type { SentEvent } from '../../../contract/event.ts';
import { type PreparedEvent, prepareBatch } from '../../../event/intake.ts';
import { SealtrailError } from '../../../log/error.ts';
import { otlpReply } from '../../../otlp/replies.ts';
import { encodingOf, type OtlpRequest, readOtlp, type Signal } from '../../../otlp/requests.ts';
import type { PrivacyPolicy } from '../../../privacy/policy.ts';
import type { ApiResponse } from '../../core/http.ts';
import { statusOf } from '../../core/problem.ts';
import { route, type Sent } from '../../core/route.ts';
import type { AppendServices } from '../events.ts';

/** Events of one append, and bytes of them as JSON, about: a collector may send more in one request. */
const MAX_EVENTS = 500;
const MAX_BYTES = 1_500_000;

const partialSuccess = z.strictObject({
  rejectedLogRecords: z.string().describe('How many were rejected, of logs.').exactOptional(),
  rejectedSpans: z.string().describe('How many were rejected, of spans.').exactOptional(),
  errorMessage: z.string(),
});
const otlpReplySchema = z
  .strictObject({ partialSuccess: partialSuccess.exactOptional() })
  .describe('The answer of OTLP/HTTP in JSON; a request in protobuf is answered in protobuf.');

const common = {
  method: 'POST',
  action: { on: 'path', anyOf: ['append'] },
  recorded: false,
  internalStatus: 503,
  body: { described: { type: 'object', description: 'A request of OTLP/HTTP 1.x, in JSON or in protobuf.' } },
  replies: { 200: otlpReplySchema },
} as const;

export const appendOtlpLogs = route({
  ...common,
  name: 'appendOtlpLogs',
  path: '/v1/otlp/{trail}/v1/logs',
  summary:
    'Append log records of OpenTelemetry (OTLP/HTTP). Each request is in the log once, however often it is sent.',
  handler: (services: AppendServices, { params: { trail }, caller, sent }) =>
    take(services, { trail, caller, sent, signal: 'logs' }),
});

export const appendOtlpTraces = route({
  ...common,
  name: 'appendOtlpTraces',
  path: '/v1/otlp/{trail}/v1/traces',
  summary: 'Append spans of OpenTelemetry (OTLP/HTTP). Each request is in the log once, however often it is sent.',
  handler: (services: AppendServices, { params: { trail }, caller, sent }) =>
    take(services, { trail, caller, sent, signal: 'traces' }),
});

interface Taken {
  readonly trail: string;
  readonly caller: string;
  readonly sent: Sent;
  readonly signal: Signal;
}

/**
 * Appends the events of a request, in groups. The body's hash is the idempotency key of each group: an exporter sends the same
 * bytes again until they are answered, and a request that was cut short is completed, with nothing twice.
 */
async function take(services: AppendServices, { trail, caller, sent, signal }: Taken): Promise<ApiResponse> {
  const encoding = encodingOf(sent.headers['content-type']);
  const request = await readOtlp(sent.body, signal, encoding);
  const bodyHash = hash('sha256', sent.body, 'hex');
  const rejected = await retryable(() =>
    appendAll(services, request, { trail, caller, key: `otlp-${signal}-${bodyHash}`, bodyHash }),
  );
  const { type, body } = await otlpReply(signal, encoding, rejected);
  return { status: 200, headers: { 'content-type': type }, body };
}

async function appendAll(
  { ledger, policyOf }: AppendServices,
  { events, rejected }: OtlpRequest,
  {
    trail,
    caller,
    key,
    bodyHash,
  }: { readonly trail: string; readonly caller: string; readonly key: string; readonly bodyHash: string },
): Promise<{ readonly count: number; readonly message: string } | undefined> {
  const policy = await policyOf(trail);
  let count = rejected;
  let message = rejected === 0 ? '' : 'they have no ids, or are none of OTLP';
  for (const [n, group] of groupEvents(events).entries()) {
    const prepared = prepare(group, policy);
    if (prepared.refusal !== undefined) message = prepared.refusal;
    count += group.length - prepared.events.length;
    if (prepared.events.length === 0) continue;
    await ledger.append({
      ...{ trail, submitter: caller, events: prepared.events, wait: false },
      idempotency: { key: `${key}-${n}`, bodyHash },
    });
  }
  return count === 0 ? undefined : { count, message };
}

function groupEvents(events: readonly SentEvent[]): readonly (readonly string[])[] {
  const groups: string[][] = [];
  let bytes = 0;
  for (const event of events) {
    const text = JSON.stringify(event);
    const group = groups.at(-1);
    if (group === undefined || group.length === MAX_EVENTS || bytes + text.length > MAX_BYTES) {
      groups.push([text]);
      bytes = text.length;
    } else {
      group.push(text);
      bytes += text.length;
    }
  }
  return groups;
}

/** Whatever does not fit is kept in another form; an event that cannot be kept at all costs no other one. */
function prepare(
  group: readonly string[],
  policy: PrivacyPolicy,
): { readonly events: readonly PreparedEvent[]; readonly refusal?: string } {
  const read = (texts: readonly string[]): PreparedEvent[] =>
    prepareBatch(Buffer.from(`{"events":[${texts.join(',')}]}`), 'application/json', policy, 'lenient');
  try {
    return { events: read(group) };
  } catch (error) {
    if (!(error instanceof SealtrailError) || statusOf(error.code) >= 500) throw error;
  }
  let refusal = '';
  const events = group.flatMap((text) => {
    try {
      return read([text]);
    } catch (error) {
      if (!(error instanceof SealtrailError) || statusOf(error.code) >= 500) throw error;
      refusal = error.message;
      return [];
    }
  });
  return { events, refusal };
}

/** An exporter drops a request answered with 500 (OTLP 1.x, "Retryable Response Codes"): whatever fails inside is a 503 to it. */
async function retryable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof SealtrailError && statusOf(cause.code) !== 500) throw cause;
    throw new SealtrailError('unavailable', 'the events could not be appended', { cause, retryAfter: 5 });
  }
}
