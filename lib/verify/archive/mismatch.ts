import type { ProblemKind } from '../report/problem.ts';
import type { Mismatch } from '../shards/shard-job.ts';

/** The meaning of a root that the records do not give. */
export interface MismatchProblem {
  readonly kind: ProblemKind;
  readonly message: string;
  readonly seq: number;
  readonly lastSeq?: number;
}

/** @param matched the largest size whose signed root the records give */
export function mismatchProblem({ size, source, after }: Mismatch, matched: number | undefined): MismatchProblem {
  const seq = Math.min(after ?? 0, Math.max(size - 1, 0));
  const where = { seq, ...(size - 1 > seq && { lastSeq: size - 1 }) };
  if (source === 'previous') {
    const message = `the records do not give the root of the checkpoint of size ${size} that was kept`;
    return { kind: 'history_rewritten', message, ...where };
  }
  if (source === 'stated') {
    const message = `the records do not give the root that _heads states for size ${size}`;
    return { kind: 'history_rewritten', message, ...where };
  }
  if (matched !== undefined && size <= matched) {
    const message = `the root signed for size ${size} is another than that of a later checkpoint: two histories were signed`;
    return { kind: 'fork', message, ...where };
  }
  return { kind: 'root_mismatch', message: `the records do not give the root signed for size ${size}`, ...where };
}
