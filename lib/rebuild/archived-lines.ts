import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { SealtrailError } from '../log/error.ts';
import { MAX_RECORD_BYTES, parseRecord, type SealedRecord } from '../log/record.ts';
import type { Objects } from '../store/ports.ts';

/** A record as its segment holds it. Nothing of it is checked against a hash yet. */
export interface ArchivedLine {
  readonly line: string;
  readonly record: SealedRecord;
}

/** A segment: records `first` to `last`, both inclusive. */
interface Segment {
  readonly key: string;
  readonly first: number;
  readonly last: number;
}

const SEGMENT = /\/(\d{16})-(\d{16})\.jsonl\.gz$/;
const unpack = promisify(gunzip);

/** How many records of a trail are in segments, whether or not a checkpoint covers them yet. */
export async function archivedRecords(objects: Objects, trail: string): Promise<number> {
  let end = 0;
  for await (const { last } of segmentsOf(objects, trail)) end = Math.max(end, last + 1);
  return end;
}

/**
 * The records of a trail's segments from one on, in order and without a gap, a segment at a time, so that memory is bounded.
 *
 * @throws `archive_damaged` naming the segment that is missing or not readable; the store's errors
 */
export async function* archivedLines(
  objects: Objects,
  trail: string,
  from: number,
): AsyncGenerator<readonly ArchivedLine[], void, void> {
  let next = from;
  for await (const segment of segmentsOf(objects, trail)) {
    if (segment.last < next) continue;
    const isNext = next === from ? segment.first <= from : segment.first === next;
    if (!isNext) throw damaged(`record ${next} of trail ${trail} is not where it belongs, before ${segment.key}`);
    yield (await readLines(objects, segment)).slice(next - segment.first);
    next = segment.last + 1;
  }
}

/** Days and numbers sort like the records. */
async function* segmentsOf(objects: Objects, trail: string): AsyncGenerator<Segment, void, void> {
  for await (const { key } of objects.list(`${trail}/records/`)) {
    const [, first, last] = SEGMENT.exec(key) ?? [];
    if (first !== undefined) yield { key, first: Number(first), last: Number(last) };
  }
}

async function readLines(objects: Objects, { key, first, last }: Segment): Promise<readonly ArchivedLine[]> {
  const packed = await objects.get(key);
  if (packed === undefined) throw damaged(`${key} is missing from the archive`);
  const count = last - first + 1;
  try {
    const raw = await unpack(packed, { maxOutputLength: count * (MAX_RECORD_BYTES + 1) });
    const lines = raw.toString().split('\n').slice(0, -1);
    if (lines.length !== count) throw new RangeError(`${lines.length} lines, not ${count}`);
    return lines.map((line) => ({ line, record: parseRecord(line) }));
  } catch (cause) {
    throw damaged(`${key} does not hold the records that its name says`, cause);
  }
}

const damaged = (message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('archive_damaged', message, { cause });
