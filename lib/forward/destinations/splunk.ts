import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject } from '../../log/json.ts';
import { batchEvent } from '../batch-json.ts';
import type { Batch, Delivery } from '../destination.ts';
import { deliveryOf, type HttpAnswer, post } from '../http.ts';
import { below, HttpDestination } from './http-destination.ts';
import { jsonOf } from './json-answer.ts';

/** Settings of Splunk's HTTP Event Collector. */
export interface SplunkOptions {
  /** Of the collector, such as `https://splunk.example.com:8088`. */
  readonly url: string;
  readonly token: () => Promise<string>;
  readonly index?: string | undefined;
  readonly sourcetype?: string | undefined;
  /** True to wait until the indexers have written a batch (indexer acknowledgement). @default false */
  readonly acknowledge?: boolean | undefined;
}

const ACK_PAUSE_MS = 250;
/** Codes of answers that are about the data: no data, invalid format, no event, a blank one (Splunk, "HTTP Event Collector"). */
const OF_DATA: ReadonlySet<unknown> = new Set([5, 6, 12, 13]);

/** Splunk, by its HTTP Event Collector. */
export function splunk(options: SplunkOptions): HttpDestination {
  const channel = randomUUID();
  const headers = async () => ({
    authorization: `Splunk ${await options.token()}`,
    'x-splunk-request-channel': channel,
    'content-type': 'application/json',
  });
  return new HttpDestination({
    // The collector's default is 1 MB a request.
    limits: { records: 1000, bytes: 900_000 },
    format: 'record',
    request: async (batch) => ({
      url: below(options.url, 'services/collector/event'),
      headers: await headers(),
      body: eventsOf(batch, options).join('\n'),
    }),
    read: readAnswer,
    ...(options.acknowledge === true && {
      confirm: async (answer: HttpAnswer, signal: AbortSignal) =>
        acknowledged(options.url, channel, await headers(), answer, signal),
    }),
  });
}

function eventsOf(batch: Batch, { index, sourcetype }: SplunkOptions): string[] {
  const common = {
    host: batch.log,
    source: `sealtrail:${batch.trail}`,
    sourcetype: sourcetype ?? (batch.format === 'cef' ? 'cef' : 'sealtrail:record'),
    ...(index !== undefined && { index }),
  };
  const wrap = (json: string, time: number, fields: object): string => {
    const head = JSON.stringify({ ...common, time: time / 1000, fields });
    return `${head.slice(0, -1)},"event":${json}}`;
  };
  const events = batch.records.map(({ text, time, seq }) =>
    wrap(batch.format === 'cef' ? JSON.stringify(text) : text, time, { trail: batch.trail, seq: String(seq) }),
  );
  const last = batch.records.at(-1)?.time ?? 0;
  return batch.proof === undefined ? events : [...events, wrap(batchEvent(batch), last, { trail: batch.trail })];
}

function readAnswer(answer: HttpAnswer): Delivery {
  const delivery = deliveryOf(answer);
  const said = jsonOf(answer.body);
  if (delivery.is !== 'refused' || answer.status === 413 || (isObject(said) && OF_DATA.has(said.code))) return delivery;
  // Another 400, such as for an index that is not there, is about the collector.
  return { is: 'failed', reason: delivery.reason };
}

/** Waits until the indexers have written what was sent. @see Splunk, "About HTTP Event Collector Indexer Acknowledgment" */
async function acknowledged(
  url: string,
  channel: string,
  headers: Readonly<Record<string, string>>,
  answer: HttpAnswer,
  signal: AbortSignal,
): Promise<Delivery> {
  const said = jsonOf(answer.body);
  const id = isObject(said) ? said.ackId : undefined;
  if (typeof id !== 'number') return { is: 'failed', reason: 'it gave no ackId: is acknowledgement on for the token?' };
  for (;;) {
    const body = JSON.stringify({ acks: [id] });
    const { status, body: text } = await post(
      below(url, `services/collector/ack?channel=${channel}`),
      { headers, body },
      signal,
    );
    const acks = jsonOf(text);
    if (status !== 200 || !isObject(acks) || !isObject(acks.acks)) {
      return { is: 'failed', reason: `it answered ${status} when asked whether a batch was written` };
    }
    if (acks.acks[String(id)] === true) return { is: 'taken' };
    await sleep(ACK_PAUSE_MS, undefined, { signal });
  }
}
