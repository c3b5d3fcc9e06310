import { type ErrorCode, SealtrailError } from '../../log/error.ts';

/**
 * The faults of an answer's proof:
 *
 * - `form`: it is not written as a proof is
 * - `signature`: a checkpoint is not signed by a trusted key, or of another log
 * - `records`: a record is not in the trail
 * - `runs`: the runs are not those that `_index` states, or not of this trail, or of rules that this version does not know
 * - `coverage`: runs or records are missing from the range that the answer is said to cover
 * - `leaves`: leaves are not those of their run, or not the ones around a term
 * - `candidates`: a record that may pass is not shown
 * - `answer`: the answer has other records than those that pass
 */
export const ANSWER_KINDS = [
  'form',
  'signature',
  'records',
  'runs',
  'coverage',
  'leaves',
  'candidates',
  'answer',
] as const;
/** One of {@link ANSWER_KINDS}. */
export type AnswerKind = (typeof ANSWER_KINDS)[number];

/** An error that names the fault in `field`. */
export const wrong = (
  kind: AnswerKind,
  message: string,
  code: ErrorCode = 'proof_mismatch',
  cause?: unknown,
): SealtrailError =>
  new SealtrailError(code, `the answer's proof does not hold (${kind}): ${message}`, { field: kind, cause });

/** Does a part of a check; what it throws is of a kind. */
export function inKind<T>(kind: AnswerKind, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SealtrailError) || error.field !== undefined) throw error;
    const code = error.code === 'store_corrupt' ? 'malformed_proof' : error.code;
    throw wrong(kind, error.message, code, error);
  }
}
