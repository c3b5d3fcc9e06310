import type { PrivacyPolicy } from '../event/privacy.ts';
import { readHead } from '../ledger/commit.ts';
import type { Table } from '../store/ports.ts';
import { Cursors } from './cursor.ts';
import { RecordFilter } from './filter.ts';
import type { Page, Query } from './query.ts';
import { RecentBlocks } from './recent-blocks.ts';
import { Search, type SearchContext } from './search.ts';
import { seqAt, type TrailEnd } from './times.ts';

/** What {@link Queries} work with. */
export interface QueriesOptions {
  readonly table: Table;
  /** Authenticates cursors: at least 16 bytes, the same in every process that answers queries. */
  readonly secret: Uint8Array;
  /** The policy that a trail's events go through. @default nothing is masked */
  readonly policy?: (trail: string) => Pick<PrivacyPolicy, 'pii'>;
  /** Records that one page may look at, about. Beyond that it ends early, with a cursor. @default 50,000 */
  readonly budget?: number;
}

const BUDGET = 50_000;

/** Answers questions about the records of a trail, from the index where it reaches and from the ledger beyond it. */
export class Queries {
  readonly #table: Table;
  readonly #cursors: Cursors;
  readonly #policy: NonNullable<QueriesOptions['policy']>;
  readonly #budget: number;
  readonly #blocks: RecentBlocks;

  constructor({ table, secret, policy, budget = BUDGET }: QueriesOptions) {
    this.#table = table;
    this.#cursors = new Cursors(secret);
    this.#policy = policy ?? (() => ({ pii: 'include' }));
    this.#budget = budget;
    this.#blocks = new RecentBlocks(table);
  }

  /**
   * One page of the records that a query asks for. Every event that was acknowledged before the call is seen, indexed
   * or not; none comes twice on the pages of one query, however the trail grows and the index changes meanwhile.
   *
   * A trail that does not exist is an empty one.
   *
   * @throws `invalid_cursor`; `store_corrupt` rather than an answer that lacks a record; the Table's errors
   *
   * @example
   * const query = parseQuery(new URLSearchParams('actor=alice'));
   * const page = await queries.page('orders', query);
   * const next = page.more ? await queries.page('orders', { ...query, cursor: page.cursor }) : undefined;
   */
  async page(trail: string, query: Query): Promise<Page> {
    const filter = new RecordFilter(query.filters, this.#policy(trail));
    const question = JSON.stringify([query.order, query.from ?? null, query.to ?? null, filter.text]);
    const at = query.cursor === undefined ? undefined : this.#cursors.open(trail, question, query.cursor);
    const head = await readHead(this.#table, trail);
    const isDown = query.order === 'newest';
    const asOf = isDown ? Math.min(at?.asOf ?? head.size, head.size) : head.size;
    let { low, high } = await this.#range(trail, head, query);
    high = Math.min(high, asOf);
    if (at !== undefined && isDown) high = Math.min(high, at.seq);
    if (at !== undefined && !isDown) low = Math.max(low, at.seq);
    const search = new Search(this.#context(trail, filter, query), low, high);
    await search.run();
    const page = { matches: search.matches, asOf };
    if (!search.hasMore) return { ...page, more: false };
    const seq = isDown ? search.high : search.low;
    return { ...page, more: true, cursor: this.#cursors.seal(trail, question, { seq, asOf }) };
  }

  /** The records of a period: from `low` to before `high`. */
  async #range(trail: string, end: TrailEnd, { from, to }: Pick<Query, 'from' | 'to'>) {
    const low = from === undefined ? 0 : await seqAt(this.#table, trail, end, from);
    const high = to === undefined ? end.size : await seqAt(this.#table, trail, end, to);
    return { low, high };
  }

  #context(trail: string, filter: RecordFilter, { order, limit }: Pick<Query, 'order' | 'limit'>): SearchContext {
    return { table: this.#table, blocks: this.#blocks, trail, filter, order, limit, budget: this.#budget };
  }
}
