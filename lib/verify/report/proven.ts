import { isNote, PROBLEM_KINDS, type Problem, type ProblemKind } from './problem.ts';
import type { Span } from './report.ts';

/**
 * How many records were proven: covered by a trusted root, and none that a problem of damage is about. Where more problems
 * were found than are listed, each of those counts as one record.
 *
 * @param counts of the problems, by kind, those that are not listed included
 */
export function provenRecords(
  covered: Span,
  problems: readonly Problem[],
  counts: Readonly<Partial<Record<ProblemKind, number>>>,
): number {
  const spans = problems
    .filter(({ kind, seq }) => PROBLEM_KINDS[kind] === 'damage' && seq !== undefined)
    .map(({ seq = 0, lastSeq = seq }) => [Math.max(seq, covered.from), Math.min(lastSeq + 1, covered.to)] as const)
    .sort(([a], [b]) => a - b);
  let doubted = 0;
  let reached = covered.from;
  for (const [from, to] of spans) {
    doubted += Math.max(0, to - Math.max(from, reached));
    reached = Math.max(reached, to);
  }
  const damage = Object.entries(counts).filter(([kind]) =>
    problems.some((one) => one.kind === kind && one.seq !== undefined && !isNote(one.kind)),
  );
  const found = damage.reduce((sum, [, count]) => sum + (count ?? 0), 0);
  const listed = problems.filter(({ kind, seq }) => seq !== undefined && !isNote(kind)).length;
  const unlisted = Math.max(0, found - listed);
  return Math.max(0, covered.to - covered.from - doubted - unlisted);
}
