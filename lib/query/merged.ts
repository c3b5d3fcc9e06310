import { parseRecord } from '../log/record.ts';
import type { Position } from './cursor.ts';
import { type Match, type Page, type Query, sourcesOf } from './query.ts';

/** A record that was found in one of several trails. */
export interface TrailMatch extends Match {
  readonly trail: string;
}

/** An answer to a query of several trails. */
export interface MergedPage extends Omit<Page, 'asOf' | 'matches'> {
  readonly matches: readonly TrailMatch[];
  /** By trail, as {@link Page.asOf}. */
  readonly asOf: Readonly<Record<string, number>>;
}

/** A page of one trail, and where it ends. */
export interface Part extends Omit<Page, 'cursor'> {
  readonly next: Position;
}

/** Reads up to `limit` matches of a trail, from a position on. */
export type ReadPart = (trail: string, limit: number, at: Position | undefined) => Promise<Part>;

/** What a merge came to: a page, and for each trail where to go on. */
export interface Merged extends Omit<MergedPage, 'cursor'> {
  readonly next: readonly Position[];
}

/**
 * Merges trails by the time at which records were received; what came in the same millisecond by the trail's name, then
 * by number. Where to go on is kept for each trail, so that no record is missed or comes twice, whatever the clocks of
 * the processes that append to different trails say.
 *
 * @param trails in ascending order, none twice
 * @param at where the page before ended, for each of the trails
 */
export async function mergePage(
  trails: readonly string[],
  { order, limit }: Pick<Query, 'order' | 'limit'>,
  at: readonly Position[] | undefined,
  read: ReadPart,
): Promise<Merged> {
  const atOnce = Math.min(limit, Math.ceil((2 * limit) / trails.length));
  const isDown = order === 'newest';
  const streams = trails.map((trail, i) => new Stream(trail, isDown, at?.[i], (from) => read(trail, atOnce, from)));
  const matches: TrailMatch[] = [];
  do {
    await Promise.all(streams.map((stream) => stream.fill()));
    // What is still hidden in a trail may be next: nothing of the others may go before it.
    while (matches.length < limit && streams.every((stream) => stream.first !== undefined || !stream.hasMore)) {
      const next = nextOf(streams, isDown);
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

function nextOf(streams: readonly Stream[], isDown: boolean): Stream | undefined {
  let found: Stream | undefined;
  // In ascending order of names: of equals the first one going up, the last one going down.
  for (const stream of streams) {
    const time = stream.first?.receivedAt;
    const best = found?.first?.receivedAt;
    if (time === undefined) continue;
    if (best === undefined || (isDown ? time >= best : time < best)) found = stream;
  }
  return found;
}

interface Waiting {
  readonly match: Match;
  readonly receivedAt: number;
}

/** The matches of one trail, read some at a time. */
class Stream {
  readonly trail: string;
  readonly #isDown: boolean;
  readonly #read: (at: Position | undefined) => Promise<Part>;
  #waiting: Waiting[] = [];
  #taken = 0;
  #next: Position | undefined;
  #asOf = 0;
  #isSpent = false;
  hasMore = true;

  constructor(trail: string, isDown: boolean, at: Position | undefined, read: (at?: Position) => Promise<Part>) {
    this.trail = trail;
    this.#isDown = isDown;
    this.#next = at;
    this.#read = read;
  }

  get asOf(): number {
    return this.#asOf;
  }

  /** The next match, as far as it is known. */
  get first(): Waiting | undefined {
    return this.#waiting[this.#taken];
  }

  /** Whether the next match is not known, and reading on is within what one page may cost. */
  get mayFill(): boolean {
    return this.first === undefined && this.hasMore && !this.#isSpent;
  }

  /** Where the next page goes on. */
  get position(): Position {
    const seq = this.first?.match.seq;
    if (seq === undefined) return this.#next ?? { seq: 0, asOf: this.#asOf };
    return { seq: this.#isDown ? seq + 1 : seq, asOf: this.#asOf };
  }

  async fill(): Promise<void> {
    if (!this.mayFill) return;
    const { matches, asOf, more, next } = await this.#read(this.#next);
    this.#waiting = matches.map((match) => ({ match, receivedAt: parseRecord(match.line).receivedAt }));
    this.#taken = 0;
    this.#asOf = asOf;
    this.#next = next;
    this.hasMore = more;
    // One that came to nothing was cut short, as it had cost enough.
    this.#isSpent = matches.length === 0;
  }

  take(): TrailMatch {
    const next = this.#waiting[this.#taken++];
    if (next === undefined) throw new RangeError(`nothing of trail ${this.trail} is waiting`);
    return { ...next.match, trail: this.trail };
  }
}
