import { hash } from 'node:crypto';
import { defined } from '../../base/defined.ts';
import { HEADS_TRAIL, SYSTEM_TRAIL } from '../../contract/system-trails.ts';
import { SealtrailError } from '../../log/error.ts';
import { type Verifier, verifierFromSpki } from '../../log/note.ts';
import type { Policy } from '../../log/policy.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import type { Objects } from '../../store/ports.ts';
import { Evidence } from '../evidence/evidence.ts';
import { type Inventory, takeInventory } from '../evidence/inventory.ts';
import { isKeyName, type TrustedKeys } from '../evidence/trust.ts';
import { Findings } from '../report/findings.ts';
import type { Problem } from '../report/problem.ts';
import { ProgressMeter } from '../report/progress.ts';
import { provenRecords } from '../report/proven.ts';
import type { Coverage, ExpectedTrail, OnProgress, Report, Skipped } from '../report/report.ts';
import { TimelineCounter } from '../report/timeline.ts';
import type { RunSpan } from '../shards/join-shards.ts';
import { verifySpan } from '../shards/shard.ts';
import type { Claim, SegmentLimits, SpanJob, SpanResult } from '../shards/shard-job.ts';
import { type WorkerPlan, WorkerPool } from '../shards/worker-pool.ts';
import { expectedTrails, hasArrived, missingTrail } from './expected-trails.ts';
import { keyUses, reportUnvouched } from './key-uses.ts';
import { leftoversOf } from './leftovers.ts';
import { findLogName, type LogName } from './log-name.ts';
import { judgePrevious, type KeptCheckpoint, type Previous, previousResult } from './previous.ts';
import { type ArchiveKeys, checkKeyNames, readArchiveKeys } from './published-keys.ts';
import { type EarlierReport, reportLost, sinceOf } from './since-report.ts';
import type { TrailContext, TrailOutcome } from './trail-outcome.ts';
import { verdictOf, verifyTrail } from './verify-trail.ts';
import { evidenceClaims, forkedStatements, judgeWitnesses, type Stated, statedBy } from './witness-verdict.ts';

/** What to verify, and on whose word. */
export interface VerifyOptions {
  /** Keys that are trusted; at least one. See `parseTrustedKeys`. */
  readonly trust: TrustedKeys;
  /** Trails to look at. @default all that the archive holds */
  readonly trails?: readonly string[];
  /** Records to look at in the one trail that is named: 0-based, `to` exclusive; without it, to the end. @default all */
  readonly range?: { readonly from: number; readonly to?: number };
  /** The name that the log must have. @default that of the trusted vkeys, else that of the first trusted checkpoint */
  readonly logName?: string;
  /** Checkpoints kept from earlier, which the archive must extend. */
  readonly previous?: readonly KeptCheckpoint[];
  /** Witnesses, and how many of them must have cosigned. @default cosignatures are not judged */
  readonly policy?: Policy;
  /** A report of an earlier verification of the same scope, to compare with. See `parseEarlierReport`. */
  readonly earlier?: EarlierReport;
  /** Work in parallel. @default in this thread */
  readonly workers?: WorkerPlan;
  /** Where the archiver ends a segment. @default 50,000 records or 16,000,000 bytes, as it does */
  readonly segmentLimits?: SegmentLimits;
  /** What the report calls the archive: a folder, an `s3://` address. @default 'archive' */
  readonly source?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

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
  const run = new ArchiveRun(objects, options, inventory, keys, logName, previous);
  const outcomes = await run.verifyTrails();
  const expected = await run.expectTrails(outcomes, findings);
  return run.report(outcomes, expected, findings, startedAt);
}

/** Under a policy the heads are looked at too: only they are cosigned. */
function withHeads(options: VerifyOptions): VerifyOptions {
  const { policy, trails } = options;
  if (policy === undefined || trails === undefined || trails.includes(HEADS_TRAIL)) return options;
  return { ...options, trails: [...trails, HEADS_TRAIL] };
}

function checkOptions({ trust, range, trails, logName, policy, previous = [] }: VerifyOptions): void {
  if (trust.length === 0) throw new SealtrailError('usage', 'a verification needs at least one trusted key');
  if (logName !== undefined && !isKeyName(logName)) {
    throw new SealtrailError('usage', 'the name of a log has no spaces, plus or control characters');
  }
  const odd = trails?.find((trail) => !isTrailName(trail) && !isSystemTrailName(trail));
  if (odd !== undefined) throw new SealtrailError('usage', `${JSON.stringify(odd)} is not the name of a trail`);
  if (range === undefined) return;
  if (policy !== undefined) throw new SealtrailError('usage', 'witnesses cosign whole trails, not a range');
  if (trails?.length !== 1) throw new SealtrailError('usage', 'a range of records needs exactly one trail');
  const { from, to = Number.POSITIVE_INFINITY } = range;
  if (from < 0 || from >= to) {
    throw new SealtrailError('usage', `a range goes from a record up to a later one, not from ${from} to ${to}`);
  }
  if (previous.length > 0)
    throw new SealtrailError('usage', 'a kept checkpoint is compared with a whole trail, not a range');
}

/** Of copies that differ, the one that the signed root covers; where no root was proven, nobody knows. */
function saysWhatIsSigned(problem: Problem, { coverage: { covered } }: TrailOutcome): Problem {
  const { kind, seq = -1 } = problem;
  if (kind !== 'record_mismatch' || seq < covered.from || seq >= covered.to) return problem;
  return { ...problem, message: `${problem.message}. The signatures cover the other copies` };
}

/** See {@link Report.digest}. */
function digestOf(listing: string, trails: readonly Coverage[]): string {
  const roots = trails.map(({ trail, newest }) => [trail, newest?.size, newest?.root]);
  return hash('sha256', JSON.stringify([listing, roots]), 'hex');
}

/** The trails that there should be, as far as all were asked for, and what cannot be said of them. */
interface Expected {
  readonly list?: readonly ExpectedTrail[];
  readonly skipped: readonly Skipped[];
}

const UNSTATED =
  'which trails there should be: `_system`, which records each as it begins, is not here or names none. Trusted keys and keys/ were compared';

/** One verification under way. */
class ArchiveRun {
  readonly #objects: Objects;
  readonly #options: VerifyOptions;
  readonly #inventory: Inventory;
  readonly #keys: ArchiveKeys;
  readonly #logName: LogName | undefined;
  readonly #previous: readonly Previous[];
  readonly #progress: ProgressMeter;
  #stated: Stated = statedBy(undefined);

  constructor(
    objects: Objects,
    options: VerifyOptions,
    inventory: Inventory,
    keys: ArchiveKeys,
    logName: LogName | undefined,
    previous: readonly Previous[],
  ) {
    this.#objects = objects;
    this.#options = options;
    this.#inventory = inventory;
    this.#keys = keys;
    this.#logName = logName;
    this.#previous = previous;
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
      const run: RunSpan = (job) =>
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
  async #verifyWith(run: RunSpan, parts: number): Promise<TrailOutcome[]> {
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

  #runHere(job: SpanJob): Promise<SpanResult> {
    const { signal } = this.#options;
    return verifySpan(this.#objects, job, {
      ...defined({ signal }),
      onRecords: (records, problems) => this.#progress.advance(job.trail, job.span, records, problems),
    });
  }

  #contextOf(trail: string, run: RunSpan, parts: number, extra: readonly Claim[]): TrailContext {
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
      ...(await leftoversOf(this.#objects)),
    ];
    for (const expected of list.filter(({ isThere }) => !isThere)) {
      const { trail } = expected;
      if (await hasArrived(this.#objects, trail)) skipped.push({ trail, why: 'archived while the verification ran' });
      else findings.add(missingTrail(expected));
    }
    return { list, skipped };
  }

  report(
    outcomes: readonly TrailOutcome[],
    { list: expected, skipped: unstated }: Expected,
    findings: Findings,
    startedAt: number,
  ): Report {
    const { source = 'archive', trails, range, earlier, policy } = this.#options;
    for (const { heads } of outcomes) for (const problem of forkedStatements(heads)) findings.add(problem);
    const witnessed = policy && judgeWitnesses(policy, outcomes, this.#stated, startedAt);
    for (const problem of witnessed?.problems ?? []) findings.add(problem);
    const timeline = new TimelineCounter();
    // What was found around a trail counts for it too, such as an object that does not belong there.
    const coverages = outcomes.map(({ coverage, findings: own }) => {
      const kinds = [...own.kinds(), ...findings.kindsOf(coverage.trail)];
      const proven = provenRecords(coverage.covered, own.list(), own.counts());
      const cosigned = policy && { witnessed: this.#stated.witnessedOf(coverage.trail) };
      return { ...coverage, proven, ...cosigned, verdict: verdictOf(kinds) };
    });
    const problemsOf = new Map<string, TrailOutcome>();
    for (const outcome of outcomes) {
      findings.merge(
        outcome.findings.list().map((one) => saysWhatIsSigned(one, outcome)),
        outcome.findings.counts(),
      );
      timeline.merge(outcome.timeline);
      problemsOf.set(outcome.coverage.trail, outcome);
    }
    for (const { problems } of this.#previous) for (const problem of problems) findings.add(problem);
    const skipped: Skipped[] = [
      ...unstated,
      ...outcomes.flatMap((outcome) => outcome.skipped),
      ...(witnessed?.skipped ?? []),
    ];
    const uses = keyUses(outcomes, this.#options.trust, this.#keys.verifiers, trails === undefined);
    if (earlier !== undefined && range === undefined) reportLost(earlier, coverages, findings);
    if (range === undefined) reportUnvouched(uses, this.#options.trust, findings);
    const plot = timeline.finish();
    return {
      format: 'sealtrail-verification/1',
      verdict: verdictOf(findings.kinds()),
      source,
      digest: digestOf(this.#inventory.digest, coverages),
      startedAt,
      finishedAt: Date.now(),
      ...(this.#logName === undefined ? {} : { logName: this.#logName.name, logNameFrom: this.#logName.from }),
      ...(trails === undefined ? {} : { scope: { trails, ...defined({ range }) } }),
      trails: coverages,
      ...defined({ expectedTrails: expected }),
      skipped,
      problems: findings.list(),
      problemCounts: findings.counts(),
      keys: uses,
      previous: this.#previous.map((kept) => {
        const outcome = problemsOf.get(kept.trail ?? '');
        return previousResult(kept, outcome?.coverage, outcome?.contradicted.has(kept.name) ?? false);
      }),
      ...(witnessed && { witnesses: witnessed.report }),
      ...(earlier !== undefined && { since: sinceOf(earlier, coverages, findings.list()) }),
      ...defined({ timeline: plot }),
    };
  }
}
