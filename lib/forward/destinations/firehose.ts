import type { FirehoseRecords } from '../../store/streams/firehose.ts';
import { batchEvent } from '../batch-json.ts';
import type { Batch, Delivery, Destination } from '../destination.ts';
import { grouped, putEach } from './each-record.ts';

/** Amazon Data Firehose: 500 records and 4 MiB a request, 1,000 KiB a record. Each record ends with a line feed. */
export class Firehose implements Destination {
  readonly limits = { records: 500, bytes: 3_000_000, recordBytes: 1_000_000 };
  readonly format = 'record';
  readonly proves = true;
  readonly #records: Pick<FirehoseRecords, 'put'>;

  constructor(records: Pick<FirehoseRecords, 'put'>) {
    this.#records = records;
  }

  send(batch: Batch, signal: AbortSignal): Promise<Delivery> {
    const texts = batch.records.map(({ text }) => text);
    if (batch.proof !== undefined) texts.push(batchEvent(batch));
    const groups = grouped(texts, (text) => Buffer.byteLength(text), { items: 500, bytes: 4_000_000 });
    return putEach(groups, (some, until) => this.#records.put(some, until), signal);
  }
}
