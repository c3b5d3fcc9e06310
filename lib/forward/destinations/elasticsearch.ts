import { isObject } from '../../log/json.ts';
import { batchEvent } from '../batch-json.ts';
import type { Batch, Delivery, Refusal } from '../destination.ts';
import { deliveryOf, type HttpAnswer } from '../http.ts';
import { below, HttpDestination } from './http-destination.ts';
import { jsonOf } from './json-answer.ts';

/** Settings of the bulk API of Elasticsearch and OpenSearch. */
export interface ElasticsearchOptions {
  readonly url: string;
  /** An index or a data stream. */
  readonly index: string;
  /** The whole value of the header `authorization`, such as `ApiKey …` or `Basic …`. @default none is sent */
  readonly authorization?: (() => Promise<string>) | undefined;
}

/**
 * Elasticsearch or OpenSearch, by the bulk API. Each record's `_id` is made of log, trail and number, and is created rather than
 * written over, so that the index has it once however often it is sent.
 */
export function elasticsearch({ url, index, authorization }: ElasticsearchOptions): HttpDestination {
  return new HttpDestination({
    limits: { records: 1000, bytes: 4_000_000 },
    format: 'ecs',
    request: async (batch) => ({
      url: below(url, `${encodeURIComponent(index)}/_bulk`),
      headers: {
        'content-type': 'application/x-ndjson',
        ...(authorization && { authorization: await authorization() }),
      },
      body: bulkOf(batch),
    }),
    read: readAnswer,
  });
}

function bulkOf(batch: Batch): string {
  const id = (rest: string): string => JSON.stringify({ create: { _id: `${batch.log}/${batch.trail}-${rest}` } });
  const docs = batch.records.flatMap(({ seq, text, time }) => [
    id(String(seq)),
    batch.format === 'ecs' ? text : document(text, time),
  ]);
  const last = batch.records.at(-1)?.time ?? 0;
  const { from, to, proof } = batch;
  const header = proof === undefined ? [] : [id(`batch-${from}-${to}`), document(batchEvent(batch), last)];
  return `${[...docs, ...header].join('\n')}\n`;
}

/** A line that is not an ECS event, as a document that a data stream accepts too. */
const document = (message: string, time: number): string =>
  JSON.stringify({ '@timestamp': new Date(time).toISOString(), message });

/** 409: the record is there already. 429 and 5xx: not now. Anything else is about the record. */
function readAnswer(answer: HttpAnswer, batch: Batch): Delivery {
  if (answer.status !== 200) return deliveryOf(answer);
  const said = jsonOf(answer.body);
  if (!isObject(said) || !Array.isArray(said.items))
    return { is: 'failed', reason: 'its answer is not one of the bulk API' };
  const refused: Refusal[] = [];
  for (const [n, item] of said.items.entries()) {
    const { isTaken, status, reason } = resultOf(item);
    if (isTaken) continue;
    const record = batch.records[n];
    const isOfAll = record === undefined && refused.length === batch.records.length;
    if (status !== 400 || (record === undefined && !isOfAll)) return { is: 'failed', reason };
    if (record !== undefined) refused.push({ seq: record.seq, reason });
  }
  if (said.items.length < batch.records.length)
    return { is: 'failed', reason: 'it answered for fewer records than were sent' };
  // Of those that it refuses altogether, sending fewer shows whether they are at fault, or the index.
  return refused.length === batch.records.length
    ? { is: 'refused', reason: refused[0]?.reason ?? '' }
    : { is: 'taken', refused };
}

function resultOf(item: unknown): { readonly isTaken: boolean; readonly status: number; readonly reason: string } {
  const result = isObject(item) && isObject(item.create) ? item.create : {};
  const status = typeof result.status === 'number' ? result.status : 0;
  const isTaken = (status >= 200 && status < 300) || status === 409;
  return { isTaken, status, reason: `it answered ${status} ${JSON.stringify(result.error ?? null).slice(0, 300)}` };
}
