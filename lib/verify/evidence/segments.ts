import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { SealtrailError } from '../../log/error.ts';
import { MAX_RECORD_BYTES, parseRecord, type SealedRecord } from '../../log/record.ts';
import type { Objects } from '../../store/ports.ts';

/** A record as its segment holds it. Nothing of it is checked against a hash yet. */
export interface ArchivedLine {
  readonly line: string;
  readonly record: SealedRecord;
}

/** A segment: records `first` to `last`, both inclusive. */
export interface Segment {
  readonly key: string;
  readonly first: number;
  readonly last: number;
}

const SEGMENT = /\/(\d{16})-(\d{16})\.jsonl\.gz$/;
/** Bytes of a string at most, about: what a name says may be anything. */
const MAX_SEGMENT_BYTES = 500_000_000;
const unpack = promisify(gunzip);

/** The segments of a trail in the order of its records: days and numbers sort like them. Other objects are passed over. */
export async function* segmentsOf(objects: Objects, trail: string): AsyncGenerator<Segment, void, void> {
  for await (const { key } of objects.list(`${trail}/records/`)) {
    const [, first, last] = SEGMENT.exec(key) ?? [];
    if (first !== undefined) yield { key, first: Number(first), last: Number(last) };
  }
}

/** The records of a segment, as many as its name says. @throws `archive_damaged` naming it; the store's errors */
export async function readSegment(objects: Objects, { key, first, last }: Segment): Promise<readonly ArchivedLine[]> {
  const packed = await objects.get(key);
  if (packed === undefined) throw damaged(`${key} is missing from the archive`);
  const count = last - first + 1;
  try {
    const maxOutputLength = Math.max(1, Math.min(MAX_SEGMENT_BYTES, count * (MAX_RECORD_BYTES + 1)));
    const raw = await unpack(packed, { maxOutputLength });
    const lines = raw.toString().split('\n').slice(0, -1);
    if (lines.length !== count) throw new RangeError(`${lines.length} lines, not ${count}`);
    return lines.map((line) => ({ line, record: parseRecord(line) }));
  } catch (cause) {
    throw damaged(`${key} does not hold the records that its name says`, cause);
  }
}

const damaged = (message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('archive_damaged', message, { cause });
