import { isObject } from '../../log/json.ts';
import { batchEvent } from '../batch-json.ts';
import type { Batch, Delivery } from '../destination.ts';
import { deliveryOf, type HttpAnswer } from '../http.ts';
import { below, HttpDestination } from './http-destination.ts';
import { jsonOf } from './json-answer.ts';

/** Settings of an OTLP receiver. */
export interface OtlpOptions {
  /** The base URL, below which `v1/logs` is. */
  readonly url: string;
  /** The whole value of the header `authorization`. @default none is sent */
  readonly authorization?: (() => Promise<string>) | undefined;
}

/** Any receiver of OpenTelemetry logs (OTLP/HTTP 1.x, JSON). A log record's body is the record itself. */
export function otlp({ url, authorization }: OtlpOptions): HttpDestination {
  return new HttpDestination({
    limits: { records: 1000, bytes: 2_000_000 },
    format: 'record',
    request: async (batch) => ({
      url: below(url, 'v1/logs'),
      headers: { 'content-type': 'application/json', ...(authorization && { authorization: await authorization() }) },
      body: JSON.stringify(logsData(batch)),
    }),
    read: readAnswer,
  });
}

const text = (key: string, stringValue: string): object => ({ key, value: { stringValue } });

function logsData(batch: Batch): object {
  const log = (body: string, time: number, attributes: readonly object[]): object => ({
    timeUnixNano: `${time}000000`,
    severityNumber: 9, // INFO
    severityText: 'INFO',
    body: { stringValue: body },
    attributes,
  });
  const records = batch.records.map((one) =>
    log(one.text, one.time, [
      text('sealtrail.trail', batch.trail),
      { key: 'sealtrail.seq', value: { intValue: String(one.seq) } },
    ]),
  );
  const last = batch.records.at(-1)?.time ?? 0;
  const proof = batch.proof === undefined ? [] : [log(batchEvent(batch), last, [text('sealtrail.trail', batch.trail)])];
  const resource = { attributes: [text('service.name', 'sealtrail'), text('service.instance.id', batch.log)] };
  return {
    resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'sealtrail' }, logRecords: [...records, ...proof] }] }],
  };
}

/** OTLP 1.x, "Failures": 429, 502, 503 and 504 are tried again, and so is here all else but what is about the data. */
function readAnswer(answer: HttpAnswer): Delivery {
  const delivery = deliveryOf(answer);
  if (delivery.is !== 'taken') return delivery;
  const said = jsonOf(answer.body);
  const partial = isObject(said) && isObject(said.partialSuccess) ? said.partialSuccess : {};
  // It does not say which: sent one by one, they show.
  return Number(partial.rejectedLogRecords ?? 0) > 0
    ? { is: 'refused', reason: `it rejected log records: ${String(partial.errorMessage ?? '').slice(0, 200)}` }
    : delivery;
}
