import type { BatchProof } from '../../forward/destination.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { provenLeaves } from '../../ledger/tree/proven.ts';
import { type Checkpoint, parseCheckpoint } from '../../log/checkpoint.ts';
import { toBase64 } from '../../log/encoding.ts';
import type { Hash } from '../../log/hash.ts';
import { parseNote } from '../../log/note.ts';
import { parseRecord, type SealedRecord } from '../../log/record.ts';
import type { NodeReader } from '../../log/tree.ts';
import type { RecordTest } from '../../question/tests.ts';

/** A record that the filter lets pass. */
export interface Passing {
  readonly seq: number;
  readonly line: string;
  readonly leaf: Hash;
  readonly record: SealedRecord;
}

/** The records of a batch as the log has them. */
export interface Cut {
  /** The record number that it ends before. */
  readonly to: number;
  readonly passing: readonly Passing[];
}

/** How much is read for a batch. */
export interface CutLimits {
  readonly records: number;
  readonly bytes: number;
}

/** Records that are looked at in one go, so that a filter that nothing passes still makes visible progress. */
const MAX_SCANNED = 10_000;

/**
 * Reads the next batch of a trail: the records from `from` on that pass, as far as the limits allow and to `end` at most.
 *
 * @throws the ledger's errors
 */
export async function readCut(
  ledger: Pick<Ledger, 'blocks'>,
  trail: string,
  { from, end }: { readonly from: number; readonly end: number },
  passes: RecordTest | undefined,
  limits: CutLimits,
): Promise<Cut> {
  const passing: Passing[] = [];
  const last = Math.min(end, from + MAX_SCANNED);
  let bytes = 0;
  for await (const block of ledger.blocks(trail, { from, to: last })) {
    for (const [n, line] of block.lines.entries()) {
      const seq = block.first + n;
      if (seq < from) continue;
      if (seq >= last) break;
      const record = parseRecord(line);
      if (passes !== undefined && !passes(record)) continue;
      const size = Buffer.byteLength(line);
      // One record goes alone, whatever its size.
      if (passing.length > 0 && (passing.length >= limits.records || bytes + size > limits.bytes)) {
        return { to: seq, passing };
      }
      bytes += size;
      passing.push({ seq, line, leaf: block.leaves[n] ?? new Uint8Array(0), record });
    }
  }
  return { to: last, passing };
}

/** The dependencies of proofs of batches. */
export interface ProofSource {
  readonly ledger: Pick<Ledger, 'checkpoint'>;
  readonly nodes: (trail: string) => NodeReader;
}

/** The newest signed state of a trail; undefined where nothing is signed yet. */
export async function newestSigned(
  ledger: Pick<Ledger, 'checkpoint'>,
  trail: string,
): Promise<{ readonly note: string; readonly checkpoint: Checkpoint } | undefined> {
  const stored = await ledger.checkpoint(trail);
  return stored && { note: stored.note, checkpoint: parseCheckpoint(parseNote(stored.note).text) };
}

/** Proves records under a checkpoint, and checks the proof before it is given away. @throws `store_corrupt` */
export async function proofOf(
  { nodes }: Pick<ProofSource, 'nodes'>,
  trail: string,
  passing: readonly Passing[],
  signed: { readonly note: string; readonly checkpoint: Checkpoint },
): Promise<BatchProof> {
  const leaves = passing.map(({ seq, leaf }) => ({ index: seq, hash: leaf }));
  const hashes = await provenLeaves(nodes(trail), leaves, signed.checkpoint);
  return { checkpoint: signed.note, hashes: hashes.map(toBase64) };
}
