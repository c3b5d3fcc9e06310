import { gzipSync } from 'node:zlib';
import type { BucketObjects } from '../../store/streams/bucket.ts';
import { batchEvent } from '../batch-json.ts';
import type { Batch, Delivery, Destination } from '../destination.ts';

/**
 * A bucket in S3: each batch is an object of gzipped lines, by default of OCSF. Sent again, a batch is the same object.
 * Names are partitioned as Amazon Security Lake and Athena read them: `<prefix>trail=<trail>/eventDay=<YYYYMMDD>/<from>-<to>.json.gz`.
 */
export class Bucket implements Destination {
  readonly limits = { records: 10_000, bytes: 8_000_000 };
  readonly format = 'ocsf';
  readonly proves = true;
  readonly #objects: Pick<BucketObjects, 'put'>;
  readonly #prefix: string;

  constructor(objects: Pick<BucketObjects, 'put'>, prefix = '') {
    this.#objects = objects;
    this.#prefix = prefix;
  }

  async send(batch: Batch, signal: AbortSignal): Promise<Delivery> {
    const { trail, from, to, records, proof } = batch;
    const lines = records.map(({ text }) => text);
    if (proof !== undefined) lines.push(batchEvent(batch));
    const day = new Date(records[0]?.time ?? 0).toISOString().slice(0, 10).replaceAll('-', '');
    const name = `${String(from).padStart(16, '0')}-${String(to).padStart(16, '0')}.json.gz`;
    const key = `${this.#prefix}trail=${trail}/eventDay=${day}/${name}`;
    await this.#objects.put(key, gzipSync(`${lines.join('\n')}\n`), 'application/gzip', signal);
    return { is: 'taken' };
  }
}
