import { SealtrailError } from '../log/error.ts';
import type { Objects } from '../store/ports.ts';
import { type ArchivedLine, readSegment, segmentsOf } from '../verify/evidence/segments.ts';

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
    yield (await readSegment(objects, segment)).slice(next - segment.first);
    next = segment.last + 1;
  }
}

const damaged = (message: string): SealtrailError => new SealtrailError('archive_damaged', message);
