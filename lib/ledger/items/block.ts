import { toHex } from '../../log/encoding.ts';
import { type Hash, leafHash } from '../../log/hash.ts';
import { recordLineFor } from '../../log/record.ts';
import { RECORD_VERSION, type RecordVersion } from '../../log/record-format.ts';

/** The consecutive records of one append, committed atomically. */
export interface Block {
  readonly trail: string;
  /** Sequence number of the first record. */
  readonly first: number;
  readonly count: number;
  /** Unix milliseconds, the same for all of its records. */
  readonly receivedAt: number;
  /** Leaf hash of the record before the first; 32 zero bytes at the start of a trail. */
  readonly prev: Hash;
  /** Record lines, without line ends. */
  readonly lines: readonly string[];
  /** Leaf hashes of the lines. */
  readonly leaves: readonly Hash[];
  /** Read from the archive: not a block as it was committed, but those of a bundle's records that came together. */
  readonly archived?: true;
}

/** Records by sequence number: `from` inclusive, `to` exclusive. */
export interface RecordRange {
  readonly from: number;
  readonly to: number;
  /** Default `ascending`. */
  readonly order?: 'ascending' | 'descending';
}

/** Consecutive events of one submitter. */
export interface Run {
  readonly submitter: string;
  /** Events in canonical JSON (RFC 8785). */
  readonly events: readonly string[];
}

/** Where a block starts: everything its lines depend on besides the events. */
export interface BlockStart {
  readonly trail: string;
  readonly first: number;
  readonly prev: Hash;
  readonly receivedAt: number;
}

/**
 * Chains events onto the record before them. The append path and the reader both make their lines here, so a reader gets the
 * lines that were committed, or its last leaf hash differs from the stored one.
 *
 * @param v the format of the records
 */
export function buildBlock(start: BlockStart, runs: readonly Run[], v: RecordVersion = RECORD_VERSION): Block {
  const lineOf = recordLineFor(v);
  const lines: string[] = [];
  const leaves: Hash[] = [];
  let prev = toHex(start.prev);
  for (const { submitter, events } of runs) {
    for (const event of events) {
      const { trail, receivedAt } = start;
      const line = lineOf({ trail, seq: start.first + lines.length, prev, receivedAt, submitter }, event);
      const leaf = leafHash(line);
      lines.push(line);
      leaves.push(leaf);
      prev = toHex(leaf);
    }
  }
  return { ...start, count: lines.length, lines, leaves };
}

/** Of a block the records `from` to `to - 1`; those that it does not hold are not missed. */
export function sliceBlock(block: Block, from: number, to: number): Block {
  const start = Math.max(0, from - block.first);
  const end = Math.min(block.count, to - block.first);
  if (start === 0 && end === block.count) return block;
  return {
    ...block,
    first: block.first + start,
    count: end - start,
    prev: block.leaves[start - 1] ?? block.prev,
    lines: block.lines.slice(start, end),
    leaves: block.leaves.slice(start, end),
  };
}

/** The leaf hash of a block's newest record, which is what the next block's first record names as `prev`. */
export function lastLeaf(block: Block): Hash {
  return block.leaves[block.leaves.length - 1] ?? block.prev;
}
