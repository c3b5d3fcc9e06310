import type { BusEvent, BusEvents } from '../../store/streams/event-bridge.ts';
import { batchEvent } from '../batch-json.ts';
import type { Batch, Delivery, Destination } from '../destination.ts';
import { grouped, putEach } from './each-record.ts';

/** EventBridge counts 14 bytes for a time, and all names; 256 KB for a request is what every region takes. */
const REQUEST = { items: 10, bytes: 240_000 };

/** A bus of Amazon EventBridge: `detail` is the record, `detail-type` says which trail it is of. */
export class EventBridge implements Destination {
  readonly limits = { records: 200, bytes: 1_000_000, recordBytes: 200_000 };
  readonly format = 'record';
  readonly proves = true;
  readonly #events: Pick<BusEvents, 'put'>;

  constructor(events: Pick<BusEvents, 'put'>) {
    this.#events = events;
  }

  send(batch: Batch, signal: AbortSignal): Promise<Delivery> {
    const event = (detailType: string, detail: string, time: number): BusEvent => {
      return { detailType, detail, time, resources: [`${batch.log}/${batch.trail}`] };
    };
    const isJson = batch.format !== 'cef';
    const events = batch.records.map(({ text, time }) =>
      event('Sealtrail record', isJson ? text : JSON.stringify({ message: text }), time),
    );
    const last = batch.records.at(-1)?.time ?? 0;
    if (batch.proof !== undefined) events.push(event('Sealtrail batch', batchEvent(batch), last));
    const bytesOf = ({ detail, detailType, resources }: BusEvent): number =>
      Buffer.byteLength(detail) + detailType.length + resources.join().length + 64;
    return putEach(grouped(events, bytesOf, REQUEST), (some, until) => this.#events.put(some, until), signal);
  }
}
