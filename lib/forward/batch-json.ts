import type { Batch } from './destination.ts';

/** The version of what a batch looks like as JSON, beside its records. */
const BATCH_VERSION = 1;

/** The header of a batch: its range and its proof, all but the records. */
function batchHeader(batch: Batch): Readonly<Record<string, unknown>> {
  const { log, trail, from, to, format, filter, records, proof } = batch;
  return {
    ...{ v: BATCH_VERSION, id: batch.id, log, trail, from, to, count: records.length, format },
    ...(filter && { filter }),
    ...(proof && { checkpoint: proof.checkpoint, proof: proof.hashes }),
  };
}

/** A batch as one JSON document, with every record byte for byte as it was sealed or encoded. */
export function batchJson(batch: Batch): string {
  const isJson = batch.format !== 'cef';
  const records = batch.records.map(({ text }) => (isJson ? text : JSON.stringify(text)));
  const head = JSON.stringify(batchHeader(batch));
  return `${head.slice(0, -1)},"records":[${records.join(',')}]}`;
}

/** The header as an event of its own, for destinations that keep each event by itself: `{"sealtrail_batch": {...}}`. */
export const batchEvent = (batch: Batch): string => JSON.stringify({ sealtrail_batch: batchHeader(batch) });
