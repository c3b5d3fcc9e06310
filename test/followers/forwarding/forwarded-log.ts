import { wireLog } from '../../../lib/app/log.ts';
import { Forwarder, type ForwarderOptions } from '../../../lib/followers/forwarding/forwarder.ts';
import type { Batch, Delivery, Destination } from '../../../lib/forward/destination.ts';
import type { DestinationSettings } from '../../../lib/forward/settings.ts';
import { filterQuery } from '../../../lib/forward/settings.ts';
import { selectRecords } from '../../../lib/question/selection.ts';
import { MemoryFiles } from '../../../lib/testing/memory/files.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';

export const LOG_NAME = 'audit.example.com';

/** A destination in memory, which keeps what it takes. */
export class MemoryDestination implements Destination {
  limits = { records: 4, bytes: 1_000_000, recordBytes: 10_000 };
  readonly format = 'record';
  readonly proves = true;
  readonly taken: Batch[] = [];
  readonly asked: Batch[] = [];
  /** What it answers instead of taking a batch. */
  answer: (batch: Batch) => Delivery | Promise<Delivery> = () => ({ is: 'taken' });

  async send(batch: Batch): Promise<Delivery> {
    this.asked.push(batch);
    const outcome = await this.answer(batch);
    if (outcome.is === 'taken') this.taken.push(batch);
    return outcome;
  }

  /** The numbers of the records that it took, in the order in which they came. */
  get seqs(): readonly number[] {
    return this.taken.flatMap(({ records }) => records.map(({ seq }) => seq));
  }

  get ranges(): readonly string[] {
    return this.taken.map(({ from, to }) => `${from}-${to}`);
  }
}

/** A log in memory, one destination, and any number of processes that forward to it. */
export class ForwardedLog {
  readonly table = new MemoryTable();
  readonly signer = new MemorySigner();
  readonly destination = new MemoryDestination();
  now = Date.now();
  readonly log = wireLog(
    { table: this.table, objects: new MemoryObjects(), files: new MemoryFiles(), signers: [this.signer] },
    { logName: LOG_NAME },
  );

  async append(trail: string, count: number, type = 'order.paid', details?: object): Promise<void> {
    const { size = 0 } = (await this.log.ledger.head(trail)) ?? {};
    const events = Array.from({ length: count }, (_, n) => {
      const id = `${trail}-${size + n}`;
      return { id, json: JSON.stringify({ ...(details && { details }), id, type }) };
    });
    await this.log.ledger.append({ trail, submitter: 'shop', events });
  }

  forwarder(settings: Partial<DestinationSettings> = {}, options: Partial<ForwarderOptions> = {}): Forwarder {
    const { table } = this;
    const { ledger, nodes, logName } = this.log;
    const { filter } = settings;
    const passes = filter && selectRecords(filterQuery(filter), 0, () => []).passes;
    const all = { type: 'webhook', name: 'siem', url: 'https://siem.example', secret: { env: 'NONE' }, ...settings };
    return new Forwarder({
      ...{ table, ledger, nodes, logName, now: () => this.now },
      settings: all as DestinationSettings,
      destination: () => this.destination,
      passes: async () => passes,
      ...options,
    });
  }
}
