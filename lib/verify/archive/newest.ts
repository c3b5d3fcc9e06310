import { checkpointName, newestCheckpointName } from '../../log/archive.ts';
import type { Checkpoint } from '../../log/checkpoint.ts';
import { sameBytes } from '../../log/hash.ts';
import type { Evidence } from '../evidence/evidence.ts';
import type { TrailInventory } from '../evidence/inventory.ts';
import { type Expectation, judgeCheckpoint } from '../evidence/read-checkpoint.ts';
import { Findings } from '../report/findings.ts';
import type { Claim } from '../shards/shard-job.ts';

/** A checkpoint of the trail that parses, and whether a trusted key signed it. */
export interface Found {
  readonly checkpoint: Checkpoint;
  readonly trusted: boolean;
}

/** The checkpoints in `<trail>/checkpoint` and its earlier versions. */
export interface Sealed {
  /** The newest version, if it is to be believed. */
  readonly newest: Found | undefined;
  /** The roots that all versions claim. */
  readonly claims: readonly Claim[];
}

/** Reads every version of `<trail>/checkpoint`, judges each, and reports where a later one goes back. */
export async function readSealed(
  inventory: TrailInventory,
  evidence: Evidence,
  expected: Omit<Expectation, 'size'>,
  findings: Findings,
): Promise<Sealed> {
  const { trail } = inventory;
  const object = newestCheckpointName(trail);
  const claims: Claim[] = [];
  let newest: Found | undefined;
  let largest = 0;
  for (const version of inventory.newest) {
    const bytes = await evidence.readVersion(object, version, trail, 'missing_checkpoint');
    if (bytes === undefined) continue;
    const { checkpoint, trusted, flaws } = judgeCheckpoint(bytes, expected);
    for (const { kind, message } of flaws) findings.add({ kind, trail, object, message });
    newest = undefined;
    if (checkpoint === undefined || (!trusted && expected.trusted.length > 0)) continue;
    newest = { checkpoint, trusted };
    const { size, root } = checkpoint;
    claims.push({ size, root, object, source: 'newest', trusted });
    if (!(await isArchived(evidence, trail, size, bytes))) {
      const message = `it is not the checkpoint of size ${size} that was archived, byte for byte`;
      findings.add({ kind: 'misplaced_checkpoint', trail, object, message });
    }
    if (size < largest) {
      const message = `a checkpoint of size ${size} was put over one of size ${largest}`;
      findings.add({ kind: 'rolled_back', trail, object, seq: size, message });
    }
    largest = Math.max(largest, size);
  }
  return { newest, claims };
}

/** True if a sealed checkpoint is among the archived ones. Where that one is missing, this is reported elsewhere. */
async function isArchived(evidence: Evidence, trail: string, size: number, bytes: Uint8Array): Promise<boolean> {
  const archived = await evidence.read(checkpointName(trail, size), trail);
  return archived === undefined || sameBytes(archived, bytes);
}

/**
 * The newest archived checkpoint that a trusted key signed, or, where no key is trusted for the trail, the newest that
 * parses. Those that come after it are judged too, and their faults are reported.
 *
 * @param most without a trusted key, larger sizes are not believed
 */
export async function findNewest(
  inventory: TrailInventory,
  evidence: Evidence,
  expected: Omit<Expectation, 'size'>,
  most: number,
  findings: Findings,
): Promise<Found | undefined> {
  const { trail, checkpoints } = inventory;
  // Smaller ones than the newest believed are met again, and reported, on the way along the records.
  const later = new Findings();
  let found: Found | undefined;
  for (let at = checkpoints.length - 1; at >= 0 && found === undefined; at--) {
    const size = checkpoints[at] ?? 0;
    const object = checkpointName(trail, size);
    const bytes = await evidence.read(object, trail, 'missing_checkpoint');
    if (bytes === undefined) continue;
    const { checkpoint, trusted, flaws } = judgeCheckpoint(bytes, { ...expected, size });
    const isBelieved = trusted || (expected.trusted.length === 0 && size <= most);
    if (checkpoint !== undefined && isBelieved) found = { checkpoint, trusted };
    else for (const flaw of flaws) (size > most ? findings : later).add({ ...flaw, trail, object });
  }
  if (found !== undefined) findings.merge(later.list(), later.counts());
  return found;
}
