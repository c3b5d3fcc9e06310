import { checkpointName } from '../../log/archive.ts';
import { type Hash, sameBytes } from '../../log/hash.ts';
import { type Verifier, verifierFromSpki } from '../../log/note.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { hasSize, placeOf } from '../evidence/lower-bound.ts';
import { judgeCheckpoint } from '../evidence/read-checkpoint.ts';
import { keysOfTrail, type TrailKey } from '../evidence/trust.ts';
import type { Findings } from '../report/findings.ts';
import type { Mismatch, ShardJob } from './shard-job.ts';

/** A root that the records must give, and who says so. */
export interface RootClaim {
  readonly size: number;
  readonly root: Hash;
  readonly object: string;
  readonly source: Mismatch['source'];
  readonly trusted: boolean;
}

/**
 * The checkpoints of a span: reads and judges those in the archive, in the order of their sizes, and keeps the score of
 * the roots that were compared.
 */
export class RootChecks {
  readonly #job: ShardJob;
  readonly #evidence: Evidence;
  readonly #findings: Findings;
  readonly #trusted: readonly TrailKey[];
  readonly #known: readonly Verifier[];
  checkpoints = 0;
  readonly signed = new Map<number, number>();
  readonly mismatches: Mismatch[] = [];
  matched: number | undefined;
  /** The largest matched size while no record had been lost. */
  proven: number | undefined;
  /** The size that is being compared, and the largest matched below it. */
  #size = -1;
  #below: number | undefined;

  constructor(job: ShardJob, evidence: Evidence, findings: Findings) {
    this.#job = job;
    this.#evidence = evidence;
    this.#findings = findings;
    this.#trusted = keysOfTrail(job.trust, job.origin, job.trail);
    this.#known = job.archiveKeys.map((spki) => verifierFromSpki(job.origin, spki));
  }

  /** The claimed roots of the sizes from `from` to `to`, both inclusive, in ascending order of size. */
  async claims(from: number, to: number): Promise<RootClaim[]> {
    const { inventory, claims } = this.#job;
    const archived: Promise<RootClaim | undefined>[] = [];
    for (let at = placeOf(inventory.checkpoints, from); ; at++) {
      const size = inventory.checkpoints[at];
      if (size === undefined || size > to) break;
      archived.push(this.#archived(size));
    }
    const others = claims.filter(({ size }) => size >= from && size <= to);
    const all = [...(await Promise.all(archived)).filter((claim) => claim !== undefined), ...others];
    return all.sort((a, b) => a.size - b.size);
  }

  /** Keeps the score of a claim; they come in ascending order of size. @param lost whether a record below has been lost */
  compare(claim: RootClaim, root: Hash, lost: boolean): void {
    const { object, size, source, trusted } = claim;
    if (size > this.#size) {
      this.#size = size;
      this.#below = this.matched;
    }
    if (!sameBytes(claim.root, root)) {
      this.mismatches.push({ object, size, source, after: this.#below });
    } else if (trusted) {
      this.matched = Math.max(this.matched ?? 0, size);
      if (!lost) this.proven = Math.max(this.proven ?? 0, size);
    }
  }

  /** True if an archived checkpoint of this size is listed. */
  has(size: number): boolean {
    return hasSize(this.#job.inventory.checkpoints, size, size);
  }

  /** @returns undefined where the checkpoint claims nothing that is worth comparing */
  async #archived(size: number): Promise<RootClaim | undefined> {
    const { trail, origin } = this.#job;
    const object = checkpointName(trail, size);
    const bytes = await this.#evidence.read(object, trail, 'missing_checkpoint');
    if (bytes === undefined) return undefined;
    this.checkpoints += 1;
    const expected = { origin, size, trusted: this.#trusted, known: this.#known };
    const { checkpoint, trusted, signedBy, flaws } = judgeCheckpoint(bytes, expected);
    for (const { kind, message } of flaws) this.#findings.add({ kind, trail, object, message });
    for (const keyId of signedBy) this.signed.set(keyId, (this.signed.get(keyId) ?? 0) + 1);
    // Without a key to trust, roots still tell whether the archive agrees with itself.
    if (checkpoint === undefined || (!trusted && this.#trusted.length > 0)) return undefined;
    return { size, root: checkpoint.root, object, source: 'archived', trusted };
  }
}
