import type { AnswerProof, Masked, QueryOrder, RecordSources } from '../contract/query.ts';
import type { Block } from '../ledger/items/block.ts';
import type { Hash } from '../log/hash.ts';
import type { NumberRange } from '../question/moments.ts';
import type { FilterValuesByName } from '../question/tests.ts';

/** A query: filters, period, order and page. All filters must hold; what their values mean is in lib/question. */
export interface Query extends Period {
  readonly filters: Filters;
  /** By the server's clock, inclusive. Default: from the first record. */
  readonly from?: number;
  /** By the server's clock, exclusive. Default: to the newest record. */
  readonly to?: number;
  /** Record numbers: `from` inclusive, `to` exclusive. */
  readonly seqs?: NumberRange;
  readonly order: QueryOrder;
  /** Most records of the page, 1 to `MAX_LIMIT`. */
  readonly limit: number;
  /** Where to continue: the `cursor` of the previous page. Everything but the limit must be the same as there. */
  readonly cursor?: string;
}

/** A period in Unix milliseconds: `from` inclusive, `to` exclusive. */
export interface Period {
  readonly from?: number;
  readonly to?: number;
}

/** Values by the filter's name, at least one each, and the producer's clock. */
export interface Filters extends FilterValuesByName {
  /** A period by the producer's clock. Records without a time of their own are in no such period. */
  readonly time?: Period;
}

/** A matching record. */
export interface Match {
  readonly seq: number;
  /** The record line. */
  readonly line: string;
  /** The line's leaf hash, if reading the record computed it. */
  readonly leaf?: Hash;
  /** Set if the record has left the hot store and was read from the archive. */
  readonly archived?: true;
}

/** A record of a block as a match, by its number. */
export function matchOf(block: Block, seq: number): Match {
  const line = block.lines[seq - block.first];
  const leaf = block.leaves[seq - block.first];
  if (line === undefined || leaf === undefined) throw new RangeError(`block ${block.first} has no record ${seq}`);
  return block.archived === undefined ? { seq, line, leaf } : { seq, line, leaf, archived: true };
}

/** A page of a query. */
export interface Page {
  readonly matches: readonly Match[];
  /** The number of matches from the hot store, and from the archive. */
  readonly sources: RecordSources;
  /** Records that were looked at: more than matches where the index does not carry a filter. */
  readonly scanned: number;
  /**
   * The size of the trail that the page reflects: up to its end, none of records 0 to `asOf - 1` is missing. Newest first,
   * later pages keep the size of the first; oldest first, they include new records.
   */
  readonly asOf: number;
  /**
   * True if there is more. A page may have fewer records than its limit, or none, without being the last, because the work
   * of one call is bounded.
   */
  readonly more: boolean;
  /**
   * Where to continue; present if `more` is true. Oldest first, it is present even at the end, for records yet to come.
   */
  readonly cursor?: string;
  /** Values that the filters looked for in masked form; absent where there is none. */
  readonly masked?: readonly Masked[];
}

/** A page with the proof that it leaves nothing out. */
export interface ProvenPage extends Page {
  readonly proof: AnswerProof;
}

/** Counts the sources of matches. */
export function sourcesOf(matches: readonly Match[]): Page['sources'] {
  const archive = matches.filter(({ archived }) => archived).length;
  return { hot: matches.length - archive, archive };
}
