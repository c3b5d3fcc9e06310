import { parseRecord } from '../log/record.ts';
import type { Position } from './cursor.ts';
import { type Match, type Page, type Query, sourcesOf } from './query.ts';

/** A match in one of several trails. */
export interface TrailMatch extends Match {
  readonly trail: string;
}

/** A page of a query over several trails. */
export interface MergedPage extends Omit<Page, 'asOf' | 'matches'> {
  readonly matches: readonly TrailMatch[];
  /** By trail, as {@link Page.asOf}. */
  readonly asOf: Readonly<Record<string, number>>;
}

/** A page of one trail, and its end. */
export interface Part extends Omit<Page, 'cursor' | 'scanned'> {
  readonly next: Position;
}

/** Reads up to `limit` matches of a trail, from a position on. */
export type ReadPart = (trail: string, limit: number, at: Position | undefined) => Promise<Part>;

/** A merged page, and where to continue in each trail. */
export interface Merged extends Omit<MergedPage, 'cursor' | 'scanned'> {
  readonly next: readonly Position[];
}

/**
 * Merges trails by the time at which records were received; records of the same millisecond by trail name, then by number.
 * Each trail has its own position, so no record is missed or repeated, even if the clocks of the processes that append to
 * different trails differ.
 *
 * @param trails in ascending order, none twice
 * @param at the end of the previous page, for each of the trails
 */
export async function mergePage(
  trails: readonly string[],
  { order, limit }: Pick<Query, 'order' | 'limit'>,
  at: readonly Position[] | undefined,
  read: ReadPart,
): Promise<Merged> {
  const atOnce = Math.min(limit, Math.ceil((2 * limit) / trails.length));
  const isDescending = order === 'newest';
  const streams = trails.map(
    (trail, i) => new Stream(trail, isDescending, at?.[i], (from) => read(trail, atOnce, from)),
  );
  const matches: TrailMatch[] = [];
  do {
    await Promise.all(streams.map((stream) => stream.fill()));
    // A trail whose next match is unknown may come first, so the others must wait for it.
    while (matches.length < limit && streams.every((stream) => stream.first !== undefined || !stream.hasMore)) {
      const next = nextOf(streams, isDescending);
      if (next === undefined) break;
      matches.push(next.take());
    }
  } while (matches.length < limit && streams.some((stream) => stream.mayFill));
  return {
    matches,
    sources: sourcesOf(matches),
    asOf: Object.fromEntries(streams.map(({ trail, asOf }) => [trail, asOf])),
    more: streams.some(({ first, hasMore }) => first !== undefined || hasMore),
    next: streams.map((stream) => stream.position),
  };
}

function nextOf(streams: readonly Stream[], isDescending: boolean): Stream | undefined {
  let found: Stream | undefined;
  // In ascending order of names: ties go to the first one when ascending, to the last one when descending.
  for (const stream of streams) {
    const time = stream.first?.receivedAt;
    const best = found?.first?.receivedAt;
    if (time === undefined) continue;
    if (best === undefined || (isDescending ? time >= best : time < best)) found = stream;
  }
  return found;
}

interface Waiting {
  readonly match: Match;
  readonly receivedAt: number;
}

/** The matches of one trail, read in batches. */
class Stream {
  readonly trail: string;
  readonly #isDescending: boolean;
  readonly #read: (at: Position | undefined) => Promise<Part>;
  #waiting: Waiting[] = [];
  #taken = 0;
  #next: Position | undefined;
  #asOf = 0;
  #isSpent = false;
  hasMore = true;

  constructor(trail: string, isDescending: boolean, at: Position | undefined, read: (at?: Position) => Promise<Part>) {
    this.trail = trail;
    this.#isDescending = isDescending;
    this.#next = at;
    this.#read = read;
  }

  get asOf(): number {
    return this.#asOf;
  }

  /** The next match, if known. */
  get first(): Waiting | undefined {
    return this.#waiting[this.#taken];
  }

  /** True if the next match is unknown and the page's budget allows reading on. */
  get mayFill(): boolean {
    return this.first === undefined && this.hasMore && !this.#isSpent;
  }

  /** Where the next page continues. */
  get position(): Position {
    const seq = this.first?.match.seq;
    if (seq === undefined) return this.#next ?? { seq: 0, asOf: this.#asOf };
    return { seq: this.#isDescending ? seq + 1 : seq, asOf: this.#asOf };
  }

  async fill(): Promise<void> {
    if (!this.mayFill) return;
    const { matches, asOf, more, next } = await this.#read(this.#next);
    this.#waiting = matches.map((match) => ({ match, receivedAt: parseRecord(match.line).receivedAt }));
    this.#taken = 0;
    this.#asOf = asOf;
    this.#next = next;
    this.hasMore = more;
    // An empty part was cut short, since it had used up its budget.
    this.#isSpent = matches.length === 0;
  }

  take(): TrailMatch {
    const next = this.#waiting[this.#taken++];
    if (next === undefined) throw new RangeError(`nothing of trail ${this.trail} is waiting`);
    return { ...next.match, trail: this.trail };
  }
}
