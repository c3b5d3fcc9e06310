import type { FilterName } from './query.ts';

/** The format of {@link AnswerProof}. */
export const ANSWER_FORMAT = 'sealtrail-answer/v1';

/** A proof that a page leaves nothing out, in plain JSON (docs/spec.md, "Proofs of answers"). Hashes and leaves are in base64. */
export interface AnswerProof {
  readonly format: typeof ANSWER_FORMAT;
  readonly trail: string;
  /** The filters as they were applied: with masked forms of what was asked for. */
  readonly filters: Readonly<Partial<Record<FilterName, readonly string[]>>>;
  /** Unix milliseconds; `from` and `to` by the server's clock, `timeFrom` and `timeTo` by the producer's. */
  readonly period: AnswerPeriod;
  /** The records `[from, to)`, of which the answer has every one that passes. */
  readonly range: { readonly from: number; readonly to: number };
  /** The numbers of the records in the answer, ascending. */
  readonly matches: readonly number[];
  /** Lines of records, ascending: those in the answer, those that could have been, and those on either side of a period. */
  readonly records: readonly string[];
  /** The signed checkpoint that they are under. */
  readonly checkpoint: string;
  /** That the records are under the checkpoint. */
  readonly proof: readonly string[];
  /** What the index says of the records that are not shown; absent if all are shown. */
  readonly index?: IndexProof;
}

/** Bounds of a period. */
export interface AnswerPeriod {
  readonly from?: number;
  readonly to?: number;
  readonly timeFrom?: number;
  readonly timeTo?: number;
}

/** What the index says. */
export interface IndexProof {
  /** The signed checkpoint of the trail `_index`. */
  readonly checkpoint: string;
  /** The line of the record in `_index` that states the runs, and its audit path. */
  readonly record: string;
  readonly proof: readonly string[];
  /** Consecutive runs, from the one with the number `first` on, and that they are of the index. */
  readonly first: number;
  readonly runs: readonly string[];
  readonly runsProof: readonly string[];
  /** For each run, each indexed filter and each of its terms: its leaves. Without terms the filter rules out nothing. */
  readonly answers: readonly (readonly (readonly LeafProof[])[])[];
}

/** Consecutive leaves of a run: those of a term, and the ones on either side. */
export interface LeafProof {
  /** The number of the first. */
  readonly first: number;
  readonly leaves: readonly string[];
  readonly proof: readonly string[];
}
