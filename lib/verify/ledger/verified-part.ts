import { defined } from '../../base/defined.ts';
import type {
  VerificationMode,
  VerificationProblem,
  VerificationReport,
  VerifiedRange,
} from '../../contract/verification.ts';
import { MAX_PROBLEMS } from './ledger-report.ts';

/** The findings in a part of a trail. Plain JSON: it is kept between the runs of a verification. */
export interface VerifiedPart
  extends Pick<
    VerificationReport,
    | 'from'
    | 'to'
    | 'archivedFrom'
    | 'archivedTo'
    | 'expired'
    | 'problems'
    | 'moreProblems'
    | 'checkpoint'
    | 'startedAt'
    | 'ms'
  > {
  /** Things that could not be checked on the way, one English sentence each. */
  readonly notes: readonly string[];
  /** The size of the newest checkpoint that was found right. */
  readonly proven: number;
  /** Behind the last record that was compared with a tile of the archive. */
  readonly compared: number;
  /** The head's size; absent where there is no head. */
  readonly head?: number;
  /** See {@link VerificationMark.damagedAt}. */
  readonly damagedAt?: number;
}

/** A finding that each part repeats is listed once. */
const MAX_NOTES = 20;

/** Two parts, the second of which follows the first or overlaps it, as one. */
export function joined(one: VerifiedPart, next: VerifiedPart): VerifiedPart {
  const problems = [...one.problems];
  const known = new Set(problems.map(nameOf));
  for (const problem of next.problems) if (!known.has(nameOf(problem))) problems.push(problem);
  const notes = [...new Set([...one.notes, ...next.notes])].slice(0, MAX_NOTES);
  const checkpoint = next.checkpoint ?? one.checkpoint;
  // What the archive did not have yet when the first part was compared with it, no one has compared.
  const isArchived = one.archivedTo >= one.to;
  const isCompared = one.compared >= next.from;
  return {
    from: one.from,
    to: Math.max(one.to, next.to),
    archivedFrom: Math.min(one.archivedFrom, next.archivedFrom),
    archivedTo: isArchived ? next.archivedTo : one.archivedTo,
    expired: one.expired + next.expired,
    problems: problems.slice(0, MAX_PROBLEMS),
    moreProblems: one.moreProblems + next.moreProblems + Math.max(0, problems.length - MAX_PROBLEMS),
    notes,
    ...defined({ checkpoint, head: next.head, damagedAt: one.damagedAt ?? next.damagedAt }),
    proven: Math.max(one.proven, next.proven),
    compared: isCompared ? Math.max(one.compared, next.compared) : one.compared,
    startedAt: Math.min(one.startedAt, next.startedAt),
    ms: one.ms + next.ms,
  };
}

const nameOf = ({ kind, seq, object, message }: VerificationProblem): string =>
  JSON.stringify([kind, seq, object, message]);

/** The report on all that a part covers. */
export function reportOf(
  trail: string,
  { mode, range }: { readonly mode: VerificationMode; readonly range?: VerifiedRange | undefined },
  part: VerifiedPart,
): VerificationReport {
  const { from, to, archivedFrom, archivedTo, expired, problems, moreProblems, checkpoint, startedAt, ms } = part;
  return {
    trail,
    mode,
    ...defined({ range }),
    verdict: problems.length + moreProblems === 0 ? 'ok' : 'damaged',
    ...{ from, to, archivedFrom, archivedTo, expired, problems, moreProblems },
    notLookedAt: [...part.notes, ...leftOut(range !== undefined, part)],
    ...defined({ checkpoint }),
    ...{ startedAt, ms },
  };
}

/** The limits of an `ok`. */
function leftOut(isRange: boolean, { from, to, head, damagedAt, proven, compared }: VerifiedPart): string[] {
  if (head === undefined) return ['the records: there is no head that says how many there are'];
  const unarchived = isRange ? Math.max(compared, from) : compared;
  const earlier =
    damagedAt === undefined
      ? 'which an earlier verification looked at'
      : `in which one of ${new Date(damagedAt).toISOString()} found damage, and no full one has found it gone`;
  const before = isRange ? OUTSIDE : `of the ledger, ${earlier}`;
  return [
    ...(from > 0 ? [`records 0 to ${from - 1} ${before}`] : []),
    ...(to < head ? [`records ${to} to ${head - 1} and the head, ${OUTSIDE}`] : []),
    ...(proven < to ? [`records ${proven} to ${to - 1} are under no checkpoint that was found right yet`] : []),
    ...(unarchived < to
      ? [`records ${unarchived} to ${to - 1} in the archive: no full tile there holds them yet`]
      : []),
    'the archive’s record files, bundles, partial tiles and tiles above level 0: sealtrail verify reads them',
  ];
}

const OUTSIDE = 'outside of the range that was asked for';
