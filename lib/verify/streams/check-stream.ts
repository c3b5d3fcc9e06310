import type { TrustedKeys } from '../evidence/trust.ts';
import { checkBatches } from './check-batches.ts';
import { type BatchHeader, type Held, itemsIn } from './stream-items.ts';
import { MAX_FINDINGS, type StreamFinding, type TrailStream } from './stream-report.ts';

/** The expected contents of a copy. */
export interface StreamExpectations {
  /** Only this trail. @default all that are there */
  readonly trail?: string;
  /** The first record number. @default the first that is there */
  readonly from?: number;
  /** The record number to end before. @default the last that is there, and one */
  readonly to?: number;
  /** True if the same record may be there more than once. @default false */
  readonly mayRepeat?: boolean;
}

/**
 * Checks a receiver's copy of forwarded trails offline: that every number from its first to its last record is there, once, with
 * the bytes that were sealed, under checkpoints by trusted keys. Memory grows with the number of records, by about 200 bytes each.
 *
 * What it cannot tell is said in the report: whether records came after the last one, and of a filtered stream whether the filter
 * left out a record that it should have let pass.
 *
 * @param lines of the copy: the batches of a webhook, or what a SIEM keeps, in its own envelopes and in any order
 * @throws RangeError for expectations that contradict themselves
 */
export async function checkStream(
  lines: AsyncIterable<string> | Iterable<string>,
  trust: TrustedKeys,
  expected: StreamExpectations = {},
): Promise<readonly TrailStream[]> {
  const { trail: only, from = 0, to = Number.MAX_SAFE_INTEGER } = expected;
  if (from >= to) throw new RangeError('a stream ends after its first record');
  const trails = new Map<string, Copy>();
  const copyOf = (trail: string): Copy => {
    const known = trails.get(trail) ?? new Copy();
    trails.set(trail, known);
    return known;
  };
  for await (const line of lines) {
    const { headers, records } = itemsIn(line);
    for (const header of headers)
      if (only === undefined || header.trail === only) copyOf(header.trail).addBatch(header);
    for (const { record, leaf } of records) {
      if (only === undefined || record.trail === only) copyOf(record.trail).addRecord(record.seq, record.prev, leaf);
    }
  }
  const names = only === undefined ? [...trails.keys()].sort() : [only];
  return names.map((trail) => {
    const { held, batches, repeated, findings } = copyOf(trail);
    const range = { ...(expected.from !== undefined && { from }), ...(expected.to !== undefined && { to }) };
    const repeats: StreamFinding[] =
      repeated.size === 0 || expected.mayRepeat === true
        ? []
        : [
            {
              kind: 'doubled',
              seq: [...repeated][0] ?? 0,
              message: `${repeated.size} records are there more than once`,
            },
          ];
    const checked = checkBatches({ trail, held, batches: [...batches.values()], trust, range });
    return { ...checked, repeated: repeated.size, findings: [...findings, ...repeats, ...checked.findings] };
  });
}

/** The copy of one trail. */
class Copy {
  readonly held = new Map<number, Held>();
  readonly batches = new Map<string, BatchHeader>();
  readonly repeated = new Set<number>();
  readonly findings: StreamFinding[] = [];

  addBatch(header: BatchHeader): void {
    this.batches.set(JSON.stringify(header), header);
  }

  addRecord(seq: number, prev: string, leaf: Uint8Array): void {
    const known = this.held.get(seq);
    if (known === undefined) {
      // A copy: the hash is a part of a larger buffer.
      this.held.set(seq, { leaf: Uint8Array.from(leaf), prev });
    } else if (Buffer.compare(known.leaf, leaf) === 0) {
      this.repeated.add(seq);
    } else if (this.findings.length < MAX_FINDINGS) {
      this.findings.push({ kind: 'altered', seq, message: `there are two different records ${seq}` });
    }
  }
}
