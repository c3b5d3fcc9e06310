import { setTimeout as sleep } from 'node:timers/promises';
import { defined } from '../base/defined.ts';
import { dimensionsOf } from '../contract/dimensions.ts';
import type { Absence, Masked } from '../contract/query.ts';
import { MAX_LIMIT, MAX_TRAILS } from '../contract/query.ts';
import type { Activity, Summary } from '../contract/summary.ts';
import { RunFiles } from '../index/reader/run-file.ts';
import type { ArchivedRecords } from '../ledger/archived-records.ts';
import type { StoredCheckpoint } from '../ledger/checkpoints.ts';
import { readHead } from '../ledger/commit.ts';
import { SealtrailError } from '../log/error.ts';
import { parseRecord } from '../log/record.ts';
import { findAbsence } from '../question/absences.ts';
import { literalValue } from '../question/patterns.ts';
import type { Files, Table } from '../store/ports.ts';
import { activityOf, countMatches, noActivity } from './activity.ts';
import { countByIndex } from './activity-counts.ts';
import { type CountRequest, countPages, inZone, isCounted } from './counting.ts';
import { Cursors, type Position } from './cursor.ts';
import { type MaskingPolicy, RecordFilter } from './filter.ts';
import { type MergedPage, mergePage, type Part } from './merged.ts';
import { type ProofSources, type ProvenMatches, proveAll, proveAnswer } from './prove-answer.ts';
import { type Filters, type Match, type Page, type Period, type ProvenPage, type Query, sourcesOf } from './query.ts';
import { RecentBlocks } from './recent-blocks.ts';
import { Search, type SearchContext, scan, searched } from './search.ts';
import { readSpan } from './span.ts';
import { bucketOf, type SummaryRequest, summarise } from './summary.ts';
import { seqAt, type TrailEnd } from './times.ts';

/** Options of {@link Queries}. */
export interface QueriesOptions {
  readonly table: Table;
  /** Where the runs of the index are kept. */
  readonly files: Pick<Files, 'read'>;
  /** Authenticates cursors: at least 16 bytes, the same in every process that answers queries. */
  readonly secret: Uint8Array;
  /** The privacy policy of a trail. @default nothing is masked */
  readonly policy?: (trail: string) => MaskingPolicy | Promise<MaskingPolicy>;
  /** Approximate number of records that one page may examine. Beyond that it ends early, with a cursor. @default 50,000 */
  readonly budget?: number;
  /** Reads records that have left the hot store. @default they cannot be read */
  readonly archive?: ArchivedRecords;
  /** Checkpoints and tree nodes, for proofs of answers. @default answers cannot be proven */
  readonly proofs?: Pick<ProofSources, 'ledger' | 'nodes'>;
}

const BUDGET = 50_000;
/** Milliseconds between polls for new records, without a `wait`. */
const POLL_MS = 500;

/** How to follow a trail. */
export interface WatchOptions {
  /** The number of the first record. @default the next one appended */
  readonly from?: number;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
  /** Resolves when there may be new records, and soon after the signal aborts. @default waits half a second */
  readonly wait?: (signal: AbortSignal | undefined) => Promise<void>;
}

async function pause(signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}

/** Queries the records of a trail: from the index as far as it reaches, and from the ledger beyond it. */
export class Queries {
  readonly #table: Table;
  readonly #cursors: Cursors;
  readonly #policy: NonNullable<QueriesOptions['policy']>;
  readonly #budget: number;
  readonly #blocks: RecentBlocks;
  readonly #runs: RunFiles;
  readonly #archive: ArchivedRecords | undefined;
  readonly #proofs: QueriesOptions['proofs'];

  constructor({ table, files, secret, policy, budget = BUDGET, archive, proofs }: QueriesOptions) {
    this.#proofs = proofs;
    this.#table = table;
    this.#cursors = new Cursors(secret);
    this.#policy = policy ?? (() => ({ pii: 'include' }));
    this.#budget = budget;
    this.#blocks = new RecentBlocks(table, archive);
    this.#runs = new RunFiles(files);
    this.#archive = archive;
  }

  /**
   * One page of the records that match a query. It sees every event that was acknowledged before the call, indexed or not;
   * no record appears twice on the pages of one query, even if the trail grows and the index changes meanwhile.
   *
   * A missing trail counts as an empty one.
   *
   * @throws `invalid_cursor`; `store_corrupt` rather than a page that lacks a record; the Table's errors
   *
   * @example
   * const query = parseQuery(new URLSearchParams('actor=alice'));
   * const page = await queries.page('orders', query);
   * const next = page.more ? await queries.page('orders', { ...query, cursor: page.cursor }) : undefined;
   */
  async page(trail: string, query: Query): Promise<Page> {
    const filter = await this.#filter(trail, query);
    const question = questionOf(query, [filter]);
    const [at] = query.cursor === undefined ? [] : this.#cursors.open([trail], question, query.cursor);
    const { next, ...part } = await this.#part(trail, filter, query, at);
    const page = { ...part, ...maskedBy([filter], part.matches), scanned: filter.examined };
    if (query.order === 'newest' && !page.more) return page;
    return { ...page, cursor: this.#cursors.seal([trail], question, [next]) };
  }

  /**
   * Like {@link page}, with the proof that it leaves nothing out, of the records that a checkpoint covers.
   *
   * @throws `unavailable` if no checkpoint covers the trail yet; as {@link page}
   */
  async provenPage(trail: string, query: Query): Promise<ProvenPage> {
    const proofs = this.#proofs;
    if (proofs === undefined) throw new RangeError('these queries have nothing to make proofs from');
    const filter = await this.#filter(trail, query);
    const question = questionOf(query, [filter]);
    const [at] = query.cursor === undefined ? [] : this.#cursors.open([trail], question, query.cursor);
    const head = await readHead(this.#table, trail);
    const checkpoint = await proofs.ledger.checkpoint(trail);
    if (checkpoint === undefined) {
      const message = `no checkpoint covers trail ${trail} yet: ${head.size === 0 ? 'it has no records' : 'try again in a second'}`;
      throw new SealtrailError(head.size === 0 ? 'not_found' : 'unavailable', message, { retryAfter: 1 });
    }
    const isDescending = query.order === 'newest';
    const asOf = isDescending ? Math.min(at?.asOf ?? checkpoint.size, checkpoint.size) : checkpoint.size;
    let { low, high } = await this.#range(trail, head, query);
    high = Math.min(high, asOf);
    if (at !== undefined && isDescending) high = Math.min(high, at.seq);
    if (at !== undefined && !isDescending) low = Math.max(low, at.seq);
    high = Math.max(low, high);
    const sources = { table: this.#table, blocks: this.#blocks, runs: this.#runs, archive: this.#archive, ...proofs };
    const request = { trail, filter, isDescending, limit: query.limit, low, high, size: checkpoint.size };
    const { matches, from, to, proof } = await proveAnswer(sources, request, query, checkpoint);
    const next = { seq: isDescending ? from : to, asOf };
    const more = isDescending ? from > low : to < high;
    const page = {
      ...{ matches, sources: sourcesOf(matches), asOf, more, proof, scanned: filter.examined },
      ...maskedBy([filter], matches),
    };
    return isDescending && !more ? page : { ...page, cursor: this.#cursors.seal([trail], question, [next]) };
  }

  /**
   * All records below a checkpoint's size that match a query, oldest first, page by page, each with the proof that it leaves nothing
   * out, for an asker who has the records: a proof shows only what else may have matched.
   *
   * @returns undefined if a proof would have to show nearly everything: the index does not carry the filters, or not yet the trail
   * @throws as {@link page}
   */
  async provenAll(
    trail: string,
    query: Pick<Query, 'filters' | 'from' | 'to' | 'seqs'>,
    checkpoint: StoredCheckpoint,
  ): Promise<AsyncGenerator<ProvenMatches, void, void> | undefined> {
    const proofs = this.#proofs;
    const filter = await this.#filter(trail, query);
    if (proofs === undefined || !filter.isIndexed) return undefined;
    const head = await readHead(this.#table, trail);
    const range = await this.#range(trail, head, query);
    const high = Math.min(range.high, checkpoint.size);
    const low = Math.min(range.low, high);
    const sources = { table: this.#table, blocks: this.#blocks, runs: this.#runs, archive: this.#archive, ...proofs };
    return proveAll(sources, { trail, filter, low, high, size: checkpoint.size }, query, checkpoint);
  }

  /**
   * One page of the records of several trails, merged by the time at which they were received; otherwise like
   * {@link page}.
   *
   * @param trails 1 to {@link MAX_TRAILS}, in any order
   * @throws as {@link page}
   */
  async readPage(trails: readonly string[], query: Query): Promise<MergedPage> {
    const names = [...new Set(trails)].sort();
    if (names.length === 0 || names.length > MAX_TRAILS) throw new RangeError(`${names.length} trails in one query`);
    const filters = new Map<string, RecordFilter>();
    for (const trail of names) filters.set(trail, await this.#filter(trail, query));
    const question = questionOf(query, [...filters.values()]);
    const at = query.cursor === undefined ? undefined : this.#cursors.open(names, question, query.cursor);
    const budget = Math.ceil(this.#budget / names.length);
    const { next, ...part } = await mergePage(names, query, at, async (trail, limit, from) =>
      this.#part(trail, filters.get(trail) ?? (await this.#filter(trail, query)), { ...query, limit }, from, budget),
    );
    const scanned = [...filters.values()].reduce((sum, { examined }) => sum + examined, 0);
    const page = { ...part, ...maskedBy([...filters.values()], part.matches), scanned };
    if (query.order === 'newest' && !page.more) return page;
    return { ...page, cursor: this.#cursors.seal(names, question, next) };
  }

  async #filter(trail: string, { filters }: Pick<Query, 'filters'>): Promise<RecordFilter> {
    return new RecordFilter(filters, await this.#policy(trail));
  }

  /** A page of a trail from a position, and its end. */
  async #part(
    trail: string,
    filter: RecordFilter,
    query: Query,
    at: Position | undefined,
    budget = this.#budget,
  ): Promise<Part> {
    const head = await readHead(this.#table, trail);
    const isDescending = query.order === 'newest';
    const asOf = isDescending ? Math.min(at?.asOf ?? head.size, head.size) : head.size;
    let { low, high } = await this.#range(trail, head, query);
    high = Math.min(high, asOf);
    if (at !== undefined && isDescending) high = Math.min(high, at.seq);
    if (at !== undefined && !isDescending) low = Math.max(low, at.seq);
    const search = new Search({ ...this.#context(trail, filter, query), budget }, low, high);
    await search.run();
    const { matches } = search;
    const next = { seq: isDescending ? search.high : search.low, asOf };
    return { matches, sources: sourcesOf(matches), asOf, more: search.hasMore, next };
  }

  /**
   * Why no record passes a query: so that a slip of the pen does not look as if nothing had happened.
   *
   * @throws as {@link page}
   */
  async absence(trail: string, query: Pick<Query, 'filters' | 'from' | 'to' | 'seqs'>): Promise<readonly Absence[]> {
    const head = await readHead(this.#table, trail);
    const { low, high } = await this.#range(trail, head, query);
    const one = { order: 'oldest', limit: 1 } as const;
    const at = async (seq: number, filter: RecordFilter): Promise<Match | undefined> => {
      const search = new Search({ ...this.#context(trail, filter, one), budget: 1 }, seq, head.size);
      await search.run();
      return search.matches[0];
    };
    const first = head.size === 0 ? undefined : await at(0, new RecordFilter({}));
    const has = async (filters: Filters): Promise<boolean | undefined> => {
      const { matches, more } = await this.#part(
        trail,
        await this.#filter(trail, { filters }),
        { filters, ...one },
        undefined,
      );
      return matches.length > 0 ? true : more ? undefined : false;
    };
    const context = { trail, head, isInPeriod: low < high, has, counts: (top: number) => this.summary(trail, { top }) };
    return findAbsence({ ...context, first: first && parseRecord(first.line).receivedAt }, query);
  }

  /** The values that a query's filters look for in masked form; `shared` wherever records may have it. @throws the Table's errors */
  async masked(trail: string, query: Pick<Query, 'filters'>): Promise<readonly Masked[]> {
    return (await this.#filter(trail, query)).masked(() => true);
  }

  /**
   * All records that match a query, from the trail as of the call, in constant memory, in non-empty batches.
   *
   * @throws as {@link page}
   */
  async *all(
    trail: string,
    query: Pick<Query, 'filters' | 'order' | 'from' | 'to' | 'seqs'>,
  ): AsyncGenerator<readonly Match[], void, void> {
    const filter = await this.#filter(trail, query);
    const head = await readHead(this.#table, trail);
    const { low, high } = await this.#range(trail, head, query);
    const context = this.#context(trail, filter, { order: query.order, limit: MAX_LIMIT });
    // One scan from end to end: a search per thousand would read the records beyond again and again.
    yield* filter.isIndexed ? searched(context, low, high) : scan(context, low, high);
  }

  /**
   * Yields records as they are appended, from the trail's end or from `options.from`, until the signal aborts.
   *
   * @throws as {@link page}
   *
   * @example
   * for await (const { line } of queries.watch('orders', { severity: ['critical'] }, { signal })) console.log(line);
   */
  async *watch(trail: string, filters: Filters, options: WatchOptions = {}): AsyncGenerator<Match, void, void> {
    const { signal, wait = pause } = options;
    const filter = new RecordFilter(filters, await this.#policy(trail));
    let next = options.from ?? (await readHead(this.#table, trail)).size;
    while (signal?.aborted !== true) {
      const { size } = await readHead(this.#table, trail);
      const search = new Search(this.#context(trail, filter, { order: 'oldest', limit: MAX_LIMIT }), next, size);
      await search.run();
      yield* search.matches;
      next = search.low;
      if (!search.hasMore) await wait(signal);
    }
  }

  /**
   * Counts a trail over a period: from the index's counts alone, or by reading the records that pass filters, as many as one call
   * may: then with a cursor to count on.
   *
   * @throws `invalid_parameter` for a field that cannot be counted by, or for too many buckets; as {@link page}
   */
  async summary(trail: string, request: CountRequest = {}): Promise<Summary> {
    const sources = { table: this.#table, runs: this.#runs, archive: this.#archive };
    const plain = (part: SummaryRequest) => summarise(sources, trail, part);
    if (isCounted(request)) return inZone(request, plain);
    const { filters = {}, seqs, ...period } = request;
    const head = await readHead(this.#table, trail);
    const bucket = bucketOf(await readSpan(this.#table, trail, head, filters.time ?? request, this.#archive), request);
    const query = {
      filters,
      order: 'newest',
      limit: MAX_LIMIT,
      ...defined({ seqs, from: period.from, to: period.to }),
    } as const;
    return countPages(request, bucket, this.#budget, (cursor) =>
      this.page(trail, { ...query, ...defined({ cursor }) }),
    );
  }

  /**
   * The activity of an actor over a period: counted by the index for whole hours in which the actor has many records, and for
   * the rest by reading each record.
   *
   * @throws as {@link page}
   */
  async activity(trail: string, actor: string, period: Period = {}): Promise<Activity> {
    const policy = await this.#policy(trail);
    // What it says is said of one person: nothing of someone else's may be counted.
    const filter = new RecordFilter({ actor: [literalValue(actor)] }, policy, 'own');
    const head = await readHead(this.#table, trail);
    const span = await readSpan(this.#table, trail, head, period, this.#archive);
    const indexed = await countByIndex({ table: this.#table, runs: this.#runs }, trail, filter.valuesOf('actor'), span);
    const { from, to } = indexed ?? { from: span.low, to: span.low };
    const counts = indexed?.counts ?? noActivity();
    const context = this.#context(trail, filter, { order: 'newest', limit: MAX_LIMIT });
    for await (const some of searched(context, to, span.high)) countMatches(counts, some);
    for await (const some of searched(context, span.low, from)) countMatches(counts, some);
    const newest = searched({ ...context, limit: 1 }, span.low, span.high);
    const [last] = (await newest.next()).value ?? [];
    const [masked] = filter.masked(() => true);
    if (masked === undefined) return activityOf(actor, period, counts, last);
    const { shared = '', ...own } = masked;
    const others = { ...context, limit: 1, filter: new RecordFilter({ actor: [literalValue(shared)] }) };
    const isShared = (await searched(others, span.low, span.high).next()).done !== true;
    return { ...activityOf(actor, period, counts, last), masked: isShared ? masked : own };
  }

  /** The records of a period and of a range of numbers: from `low` to before `high`. */
  async #range(trail: string, end: TrailEnd, { from, to, seqs }: Pick<Query, 'from' | 'to' | 'seqs'>) {
    const low = from === undefined ? 0 : await seqAt(this.#table, trail, end, from, this.#archive);
    const high = to === undefined ? end.size : await seqAt(this.#table, trail, end, to, this.#archive);
    const first = Math.max(low, seqs?.from ?? 0);
    return { low: first, high: Math.max(first, Math.min(high, seqs?.to ?? high)) };
  }

  #context(trail: string, filter: RecordFilter, { order, limit }: Pick<Query, 'order' | 'limit'>): SearchContext {
    return {
      table: this.#table,
      blocks: this.#blocks,
      runs: this.#runs,
      archive: this.#archive,
      trail,
      filter,
      order,
      limit,
      budget: this.#budget,
    };
  }
}

/** The masked values that filters looked for, by the records that were found. */
function maskedBy(filters: readonly RecordFilter[], matches: readonly Match[]): Pick<Page, 'masked'> {
  let found: Set<string> | undefined;
  const isShared = (mask: string, filter: string): boolean => {
    found ??= new Set(matches.flatMap(({ line }) => dimensionsOf(parseRecord(line)).map((one) => JSON.stringify(one))));
    return found.has(JSON.stringify([filter, mask]));
  };
  // The trails of a query mask alike, unless one does not mask at all.
  const all = new Map(filters.flatMap((one) => one.masked(isShared)).map((one) => [JSON.stringify(one), one]));
  return all.size === 0 ? {} : { masked: [...all.values()] };
}

/** Everything that an answer depends on besides trails, position and limit, as text. */
const questionOf = ({ order, from, to, seqs }: Query, filters: readonly RecordFilter[]): string =>
  JSON.stringify([
    order,
    from ?? null,
    to ?? null,
    ...(seqs === undefined ? [] : [seqs]),
    ...filters.map(({ text }) => text),
  ]);
