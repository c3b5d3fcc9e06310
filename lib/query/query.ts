import type { Dimension } from '../contract/dimensions.ts';
import type { QueryOrder, RecordSources } from '../contract/query.ts';
import type { Block } from '../ledger/items/block.ts';
import type { Hash } from '../log/hash.ts';

/**
 * What to look for, and how. All filters must hold; of several values of one filter, any.
 *
 * Besides whole values, `type` takes groups: `auth.*` stands for every type that begins with `auth.`.
 */
export interface Query extends Period {
  readonly filters: Filters;
  /** By the server's clock, inclusive. Default: from the first record. */
  readonly from?: number;
  /** By the server's clock, exclusive. Default: to the newest record. */
  readonly to?: number;
  readonly order: QueryOrder;
  /** Most records of the page, 1 to `MAX_LIMIT`. */
  readonly limit: number;
  /** Where to go on: the `cursor` of the page before, with everything but the limit as it was there. */
  readonly cursor?: string;
}

/** A stretch of time, Unix milliseconds: `from` inclusive, `to` exclusive. */
export interface Period {
  readonly from?: number;
  readonly to?: number;
}

/** Values by dimension, at least one each. */
export interface Filters extends Readonly<Partial<Record<Dimension, readonly string[]>>> {
  /** By the producer's clock. Records whose event does not say when it happened are in no such period. */
  readonly time?: Period;
}

/** A record that was found. */
export interface Match {
  readonly seq: number;
  /** Its line, as sealed. */
  readonly line: string;
  /** The line's leaf hash, where it was computed when the record was read. */
  readonly leaf?: Hash;
  /** It has left the hot store and was read from the archive. */
  readonly archived?: true;
}

/** A record of a block as it is answered with, by its number. */
export function matchOf(block: Block, seq: number): Match {
  const line = block.lines[seq - block.first];
  const leaf = block.leaves[seq - block.first];
  if (line === undefined || leaf === undefined) throw new RangeError(`block ${block.first} has no record ${seq}`);
  return block.archived === undefined ? { seq, line, leaf } : { seq, line, leaf, archived: true };
}

/** An answer to a query. */
export interface Page {
  readonly matches: readonly Match[];
  /** How many of the matches came from the hot store, and how many from the archive. */
  readonly sources: RecordSources;
  /**
   * The trail's size for which this holds: of records 0 to `asOf - 1` none is missing up to where the page ends. With
   * the newest first, later pages keep to the size that the first one saw; with the oldest first, they see what is new.
   */
  readonly asOf: number;
  /**
   * Whether to go on. A page may have fewer records than its limit, or none, and yet not be the last: the work of one
   * call is bounded.
   */
  readonly more: boolean;
  /**
   * Where to go on; there when `more` is true. With the oldest first it is there even at the end, for what may still be
   * appended.
   */
  readonly cursor?: string;
}

/** Where matches came from. */
export function sourcesOf(matches: readonly Match[]): Page['sources'] {
  const archive = matches.filter(({ archived }) => archived).length;
  return { hot: matches.length - archive, archive };
}
