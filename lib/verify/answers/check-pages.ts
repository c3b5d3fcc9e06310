import type { TrustedKeys } from '../evidence/trust.ts';
import { checkAnswer, type ProvenAnswer } from './check-answer.ts';
import { wrong } from './wrong.ts';

/** An answer of one page or more, as a whole. */
export interface ProvenPages extends Omit<ProvenAnswer, 'records'> {
  readonly pages: number;
  /** The lines of its records, ascending. */
  readonly records: readonly string[];
}

/**
 * Checks the proofs of an answer's pages: of one query, and each page beginning where the one before it ends.
 *
 * @param value the parsed JSON of a file: a proof, or a list of proofs in the order of the pages
 * @throws as {@link checkAnswer}; of the kind `coverage` if pages do not join
 */
export function checkPages(value: unknown, trust: TrustedKeys): ProvenPages {
  const pages = (Array.isArray(value) ? value : [value]).map((page) => checkAnswer(page, trust));
  const ascending = pages.toSorted((a, b) => a.range.from - b.range.from || a.range.to - b.range.to);
  const [first, last] = [ascending[0], ascending.at(-1)];
  if (first === undefined || last === undefined) throw wrong('form', 'it has no page', 'malformed_proof');
  for (const [n, page] of ascending.slice(1).entries()) {
    const before = ascending[n];
    if (questionOf(page) !== questionOf(first)) throw wrong('coverage', 'pages are of different queries');
    if (page.range.from !== before?.range.to) {
      throw wrong('coverage', `no page covers records ${before?.range.to} to ${page.range.from - 1}`);
    }
  }
  return {
    ...last,
    pages: pages.length,
    range: { from: first.range.from, to: last.range.to },
    isFromStart: first.isFromStart,
    isToEnd: last.isToEnd,
    indexed: ascending.reduce((sum, { indexed }) => sum + indexed, 0),
    records: ascending.flatMap(({ records }) => records),
  };
}

const questionOf = ({ origin, filters, period }: ProvenAnswer): string => JSON.stringify([origin, filters, period]);
