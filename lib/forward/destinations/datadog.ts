import { batchEvent } from '../batch-json.ts';
import type { Batch } from '../destination.ts';
import { HttpDestination } from './http-destination.ts';

/** Settings of Datadog's log intake. */
export interface DatadogOptions {
  /** Of the intake. @default that of `site` */
  readonly url?: string | undefined;
  /** @default datadoghq.com */
  readonly site?: string | undefined;
  readonly apiKey: () => Promise<string>;
}

/** Datadog, by the log intake. A log's message is the record itself. */
export function datadog({ site = 'datadoghq.com', url, apiKey }: DatadogOptions): HttpDestination {
  return new HttpDestination({
    // Datadog: 1,000 logs and 5 MB a request, 1 MB a log.
    limits: { records: 900, bytes: 3_000_000, recordBytes: 900_000 },
    format: 'record',
    request: async (batch) => ({
      url: url ?? `https://http-intake.logs.${site}/api/v2/logs`,
      headers: { 'content-type': 'application/json', 'dd-api-key': await apiKey() },
      body: JSON.stringify(logsOf(batch)),
    }),
  });
}

function logsOf(batch: Batch): object[] {
  const common = { ddsource: 'sealtrail', service: batch.log, hostname: batch.log };
  const log = (message: string, timestamp: number, more: object): object => ({
    ...{ ...common, message, timestamp, ddtags: `trail:${batch.trail}` },
    ...more,
  });
  const logs = batch.records.map(({ text, time, seq }) => log(text, time, { seq }));
  const last = batch.records.at(-1)?.time ?? 0;
  return batch.proof === undefined ? logs : [...logs, log(batchEvent(batch), last, {})];
}
