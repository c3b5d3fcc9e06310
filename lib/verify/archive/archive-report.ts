import { hash } from 'node:crypto';
import { defined } from '../../base/defined.ts';
import type { Inventory } from '../evidence/inventory.ts';
import type { Findings } from '../report/findings.ts';
import type { Problem } from '../report/problem.ts';
import { provenRecords } from '../report/proven.ts';
import type { Coverage, ExpectedTrail, Report, Skipped } from '../report/report.ts';
import { TimelineCounter } from '../report/timeline.ts';
import { keyUses, reportUnvouched } from './key-uses.ts';
import type { LogName } from './log-name.ts';
import { type Previous, previousResult } from './previous.ts';
import type { ArchiveKeys } from './published-keys.ts';
import { reportLost, sinceOf } from './since-report.ts';
import type { TrailOutcome } from './trail-outcome.ts';
import type { VerifyOptions } from './verify-options.ts';
import { verdictOf } from './verify-trail.ts';
import { forkedStatements, judgeWitnesses, type Stated } from './witness-verdict.ts';

/** The trails that there should be, as far as all were asked for, and what cannot be said of them. */
export interface Expected {
  readonly list?: readonly ExpectedTrail[];
  readonly skipped: readonly Skipped[];
}

/** Everything that a verification found. */
export interface Found {
  readonly options: VerifyOptions;
  readonly outcomes: readonly TrailOutcome[];
  /** Records under a line of the log's ML-DSA-44 key, by trail. */
  readonly mlDsa: ReadonlyMap<string, number>;
  readonly expected: Expected;
  /** Findings about the archive as a whole; those of the trails are added to them. */
  readonly findings: Findings;
  readonly stated: Stated;
  readonly inventory: Inventory;
  readonly keys: ArchiveKeys;
  readonly logName: LogName | undefined;
  readonly previous: readonly Previous[];
}

/** The report of a verification that began at `startedAt`, Unix milliseconds. */
export function archiveReport(found: Found, startedAt: number): Report {
  const { options, outcomes, expected, findings, stated, inventory, keys, logName, previous } = found;
  const { source = 'archive', trails, range, earlier, policy, trust } = options;
  for (const { heads } of outcomes) for (const problem of forkedStatements(heads)) findings.add(problem);
  const witnessed = policy && judgeWitnesses(policy, outcomes, stated, startedAt);
  for (const problem of witnessed?.problems ?? []) findings.add(problem);
  const coverages = outcomes.map((outcome) => coverageOf(outcome, found));
  const timeline = mergeOutcomes(found);
  const uses = keyUses(outcomes, trust, keys.verifiers, trails === undefined);
  if (earlier !== undefined && range === undefined) reportLost(earlier, coverages, findings);
  if (range === undefined) reportUnvouched(uses, trust, findings);
  const outcomeOf = new Map(outcomes.map((outcome) => [outcome.coverage.trail, outcome]));
  return {
    format: 'sealtrail-verification/1',
    verdict: verdictOf(findings.kinds()),
    source,
    digest: digestOf(inventory.digest, coverages),
    startedAt,
    finishedAt: Date.now(),
    ...(logName && { logName: logName.name, logNameFrom: logName.from }),
    ...(trails && { scope: { trails, ...defined({ range }) } }),
    trails: coverages,
    ...defined({ expectedTrails: expected.list }),
    skipped: [...expected.skipped, ...outcomes.flatMap(({ skipped }) => skipped), ...(witnessed?.skipped ?? [])],
    problems: findings.list(),
    problemCounts: findings.counts(),
    keys: uses,
    previous: previous.map((kept) => {
      const outcome = outcomeOf.get(kept.trail ?? '');
      return previousResult(kept, outcome?.coverage, outcome?.contradicted.has(kept.name) ?? false);
    }),
    ...(witnessed && { witnesses: witnessed.report }),
    ...(earlier && { since: sinceOf(earlier, coverages, findings.list()) }),
    ...defined({ timeline }),
  };
}

/** The coverage of a trail. What was found around it counts for it too, such as an object that does not belong there. */
function coverageOf(
  { coverage, findings: own }: TrailOutcome,
  { findings, stated, mlDsa, options: { policy } }: Found,
): Coverage {
  const kinds = [...own.kinds(), ...findings.kindsOf(coverage.trail)];
  const proven = provenRecords(coverage.covered, own.list(), own.counts());
  const cosigned = policy && { witnessed: stated.witnessedOf(coverage.trail) };
  const second = defined({ mlDsa: mlDsa.get(coverage.trail) });
  return { ...coverage, proven, ...cosigned, ...second, verdict: verdictOf(kinds) };
}

/** Adds the findings of the trails and of kept checkpoints to those of the archive. */
function mergeOutcomes({ outcomes, previous, findings }: Found): Report['timeline'] {
  const timeline = new TimelineCounter();
  for (const outcome of outcomes) {
    const problems = outcome.findings.list().map((one) => saysWhatIsSigned(one, outcome));
    findings.merge(problems, outcome.findings.counts());
    timeline.merge(outcome.timeline);
  }
  for (const { problems } of previous) for (const problem of problems) findings.add(problem);
  return timeline.finish();
}

/** Of copies that differ, the one that the signed root covers; without a proven root, that is unknown. */
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
