import { defined } from '../../base/defined.ts';
import { HEADS_TRAIL, SYSTEM_TRAIL } from '../../contract/system-trails.ts';
import { SealtrailError } from '../../log/error.ts';
import { type Verifier, verifierFromSpki } from '../../log/note.ts';
import type { Objects } from '../../store/ports.ts';
import type { Authorities } from '../../tsp/authorities.ts';
import { judgeMlDsa } from '../attested/ml-dsa.ts';
import { Evidence } from '../evidence/evidence.ts';
import { type Inventory, takeInventory } from '../evidence/inventory.ts';
import { Findings } from '../report/findings.ts';
import { ProgressMeter } from '../report/progress.ts';
import type { Report, Skipped } from '../report/report.ts';
import type { RunShard } from '../shards/join-shards.ts';
import { verifyShard } from '../shards/shard.ts';
import type { Claim, SegmentLimits, ShardJob, ShardResult } from '../shards/shard-job.ts';
import { WorkerPool } from '../shards/worker-pool.ts';
import { archiveReport, type Expected } from './archive-report.ts';
import { expectedTrails, hasArrived, listLeftovers, missingTrail } from './expected-trails.ts';
import { findLogName, type LogName } from './log-name.ts';
import { judgePrevious, type Previous } from './previous.ts';
import { type ArchiveKeys, checkKeyNames, readArchiveKeys } from './published-keys.ts';
import type { TrailContext, TrailOutcome } from './trail-outcome.ts';
import { checkOptions, type VerifyOptions, withHeads } from './verify-options.ts';
import { verifyTrail } from './verify-trail.ts';
import { evidenceClaims, type Stated, statedBy } from './witness-verdict.ts';

const SEGMENT_LIMITS: SegmentLimits = { records: 50_000, bytes: 16_000_000 };

/**
 * Verifies an archive end to end: every record line, hash, tile, bundle, checkpoint and key, and that nothing is there
 * that should not be. Reads on after a problem; memory does not grow with the number of records.
 *
 * @throws `usage`: no trusted key; a range without exactly one trail, beyond it, or together with `previous`. `not_found`:
 *   there is no trail at all. The errors of the store when it cannot be listed. The signal's reason once it is aborted.
 * @example
 * const objects = await FolderObjects.openReadOnly('archive');
 * const report = await verifyArchive(objects, { trust: parseTrustedKeys(await readFile('log.pem', 'utf8')) });
 * console.log(report.verdict);
 */
export async function verifyArchive(objects: Objects, given: VerifyOptions): Promise<Report> {
  checkOptions(given);
  const options = withHeads(given);
  const startedAt = Date.now();
  const findings = new Findings();
  const inventory = await takeInventory(objects, options.trails, findings);
  if (inventory.trails.size === 0 && inventory.keyFiles.size === 0 && (options.previous ?? []).length === 0) {
    throw new SealtrailError(
      'not_found',
      'there is no trail here: is this the folder or prefix of an archive, and has anything been archived yet?',
    );
  }
  const evidence = new Evidence(objects, inventory.oldest, findings);
  const keys = await readArchiveKeys(inventory.keyFiles, evidence, findings);
  const logName = await findLogName(objects, inventory, options.trust, options.logName);
  if (logName !== undefined) checkKeyNames(keys, logName.name, findings);
  const previous = judgePrevious(options.previous ?? [], options.trust, logName?.name, inventory, options.trails);
  const authorities = await authoritiesOf(options);
  const run = new ArchiveRun(objects, options, inventory, keys, logName, previous, authorities);
  const outcomes = await run.verifyTrails();
  const mlDsa = await run.judgeMlDsa(outcomes, evidence, findings);
  const expected = await run.expectTrails(outcomes, findings);
  const found = {
    options,
    outcomes,
    mlDsa,
    expected,
    findings,
    stated: run.stated,
    inventory,
    keys,
    logName,
    previous,
  };
  return archiveReport(found, startedAt);
}

const UNSTATED =
  'which trails there should be: `_system`, which records each as it begins, is not here or names none. Trusted keys and keys/ were compared';

/** Few ask, and the verifier is loaded sooner without. @throws `malformed_key` */
async function authoritiesOf({ authorities }: VerifyOptions): Promise<Authorities | undefined> {
  if (authorities === undefined) return undefined;
  return (await import('../../tsp/authorities.ts')).parseAuthorities(authorities);
}

/** One verification under way. */
class ArchiveRun {
  readonly #objects: Objects;
  readonly #options: VerifyOptions;
  readonly #inventory: Inventory;
  readonly #keys: ArchiveKeys;
  readonly #logName: LogName | undefined;
  readonly #previous: readonly Previous[];
  readonly #progress: ProgressMeter;
  readonly #authorities: Authorities | undefined;
  #stated: Stated = statedBy(undefined);

  /** The statements of the trail of heads, once the trails are verified. */
  get stated(): Stated {
    return this.#stated;
  }

  constructor(
    objects: Objects,
    options: VerifyOptions,
    inventory: Inventory,
    keys: ArchiveKeys,
    logName: LogName | undefined,
    previous: readonly Previous[],
    authorities: Authorities | undefined,
  ) {
    this.#objects = objects;
    this.#options = options;
    this.#inventory = inventory;
    this.#keys = keys;
    this.#logName = logName;
    this.#previous = previous;
    this.#authorities = authorities;
    const totals = [...inventory.trails.values()].map(({ trail, segments }) => [trail, segments.end()] as const);
    this.#progress = new ProgressMeter(options.onProgress, totals);
  }

  async verifyTrails(): Promise<TrailOutcome[]> {
    const { workers, signal } = this.#options;
    if (workers === undefined) return this.#verifyWith((job) => this.#runHere(job), 1);
    const pool = new WorkerPool(workers);
    const stop = (): void => void pool.close();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      // Some more parts than workers, so that none is idle while the last part of a trail is done.
      const run: RunShard = (job) =>
        pool.run(job, (records, problems) => this.#progress.advance(job.trail, job.span, records, problems));
      return await this.#verifyWith(run, 4 * workers.count);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
      await pool.close();
    }
  }

  /** Trails by name; with workers some at the same time, so that small ones keep all of them busy. The heads come first. */
  async #verifyWith(run: RunShard, parts: number): Promise<TrailOutcome[]> {
    const trails = [...this.#inventory.trails.values()];
    const headsAt = trails.findIndex(({ trail }) => trail === HEADS_TRAIL);
    const outcomes = new Array<TrailOutcome | undefined>(trails.length).fill(undefined);
    const verify = async (at: number, extra: readonly Claim[] = []): Promise<void> => {
      this.#options.signal?.throwIfAborted();
      const trail = trails[at];
      if (trail !== undefined) outcomes[at] = await verifyTrail(trail, this.#contextOf(trail.trail, run, parts, extra));
    };
    await verify(headsAt);
    this.#stated = statedBy(outcomes[headsAt]);
    const entries = trails.keys();
    const lane = async (): Promise<void> => {
      for (const at of entries) if (at !== headsAt) await verify(at);
    };
    await Promise.all(Array.from({ length: parts }, lane));
    // Rare: what a witness showed the log is held against the heads, like a checkpoint that an auditor kept.
    const system = outcomes.find((outcome) => outcome?.coverage.trail === SYSTEM_TRAIL);
    const evidence = evidenceClaims(system, this.#options.trust, this.#logName?.name ?? 'unknown');
    if (evidence.length > 0) await verify(headsAt, evidence);
    return outcomes.filter((outcome) => outcome !== undefined);
  }

  #runHere(job: ShardJob): Promise<ShardResult> {
    const { signal } = this.#options;
    return verifyShard(this.#objects, job, {
      ...defined({ signal }),
      onRecords: (records, problems) => this.#progress.advance(job.trail, job.span, records, problems),
    });
  }

  #contextOf(trail: string, run: RunShard, parts: number, extra: readonly Claim[]): TrailContext {
    const { trust, range, policy, segmentLimits = SEGMENT_LIMITS } = this.#options;
    const stated = range === undefined ? this.#stated.claimOf(trail) : undefined;
    const origin = this.#originOf(trail);
    return {
      objects: this.#objects,
      oldest: this.#inventory.oldest,
      trust,
      origin,
      archiveKeys: this.#archiveKeysOf(origin),
      keyFiles: this.#keys.complete,
      ...defined({ range }),
      previous: [
        ...this.#previous.flatMap((kept) => (kept.trail === trail && kept.claim ? [kept.claim] : [])),
        ...(stated === undefined ? [] : [stated]),
        ...extra,
      ],
      ...(policy !== undefined && { policy, timeAt: this.#stated.witnessedOf(trail) }),
      ...defined({ authorities: this.#authorities }),
      segmentLimits,
      parts,
      onScope: (records) => this.#progress.expect(trail, records),
      run,
    };
  }

  #originOf(trail: string): string {
    return `${this.#logName?.name ?? 'unknown'}/${trail}`;
  }

  /** The ID of a P-256 key does not depend on its name, so all trails share the file (C2SP signed-note, type 0x02). */
  #archiveKeysOf(origin: string): Verifier[] {
    return this.#keys.verifiers
      .filter(({ name, algorithm }) => algorithm === 'ecdsa-p256' || name === origin)
      .map(({ spki }) => verifierFromSpki(origin, spki));
  }

  /** Looks for the lines of the log's ML-DSA-44 key, once it is known how far the trails are proven. */
  async judgeMlDsa(
    outcomes: readonly TrailOutcome[],
    evidence: Evidence,
    findings: Findings,
  ): Promise<ReadonlyMap<string, number>> {
    const { mlDsaKeys, range } = this.#options;
    const under = new Map<string, number>();
    if (mlDsaKeys === undefined || range !== undefined) return under;
    for (const { coverage } of outcomes) {
      const inventory = this.#inventory.trails.get(coverage.trail);
      if (inventory === undefined) continue;
      const origin = this.#originOf(coverage.trail);
      const size = await judgeMlDsa(inventory, evidence, mlDsaKeys, origin, coverage.covered.to, findings);
      under.set(coverage.trail, size);
    }
    return under;
  }

  /** Compares the trails with what says that there should be, and reports those that are missing. */
  async expectTrails(outcomes: readonly TrailOutcome[], findings: Findings): Promise<Expected> {
    const { trust, trails } = this.#options;
    if (trails !== undefined) return { skipped: [{ why: 'any other trail of the archive: it was not asked for' }] };
    const begun = new Set(outcomes.flatMap((outcome) => [...outcome.begun]));
    const stated = this.#stated.trails;
    const witnesses = { trust, logName: this.#logName?.name, archived: this.#keys.verifiers, begun, stated };
    const list = expectedTrails(witnesses, (trail) => this.#inventory.trails.has(trail));
    const skipped: Skipped[] = [
      ...(begun.size === 0 && stated.length === 0 ? [{ why: UNSTATED }] : []),
      ...(await listLeftovers(this.#objects)),
    ];
    for (const expected of list.filter(({ isThere }) => !isThere)) {
      const { trail } = expected;
      if (await hasArrived(this.#objects, trail)) skipped.push({ trail, why: 'archived while the verification ran' });
      else findings.add(missingTrail(expected));
    }
    return { list, skipped };
  }
}
