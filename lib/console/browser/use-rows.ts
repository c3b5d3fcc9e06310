import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { parseTrustedKeys, type TrustedKeys } from '../../verify/evidence/trust.ts';
import { type Api, ApiError } from '../data/api.ts';
import type { Memory } from '../data/memory.ts';
import { MergedRows } from '../data/merged.ts';
import { type Period, periodOf, type Question } from '../data/question.ts';
import { Refused } from '../data/refused.ts';
import { newerFirst, type Row } from '../data/rows.ts';
import { type Standing, TrailSource } from '../data/trail-source.ts';

/** The page's state of the requested records. */
export interface Listing {
  readonly rows: readonly Row[];
  readonly standings: readonly Standing[];
  readonly isLoading: boolean;
  readonly isDone: boolean;
  /** The proof that failed: the page turns red. */
  readonly refused?: Refused;
  /** Why the log did not answer. */
  readonly error?: Error;
  /** The period in milliseconds, as it was asked. */
  readonly period: Period & { readonly wrong?: 'from' | 'to' };
}

const NOTHING: Listing = { rows: [], standings: [], isLoading: false, isDone: true, period: {} };
/** How often a live tail looks. */
const TAIL_MS = 2_000;

/** The pinned keys; none where nothing is pinned. @throws `malformed_key` */
export const trustOf = (memory: Memory): TrustedKeys => (memory.keys === '' ? [] : parseTrustedKeys(memory.keys));

/** The listing of a question, with what loads its next page. */
export function useRows(
  api: Api,
  memory: Memory,
  question: Question,
  { isLive, pinned }: { readonly isLive: boolean; readonly pinned: string },
): readonly [Listing, () => void] {
  const [listing, setListing] = useState(NOTHING);
  const run = useRef<Run | undefined>(undefined);
  const { trails, chips, from, to } = question;
  const asked = JSON.stringify([trails, chips, from, to, question.clock === 'utc', pinned]);

  // `asked` is all of the question that selects records.
  useEffect(() => {
    const period = periodOf(question, Date.now());
    if (trails.length === 0 || period.wrong) {
      setListing({ ...NOTHING, period });
      return;
    }
    const started = new Run(api, memory, question, period, setListing);
    run.current = started;
    void started.more();
    return () => started.stop();
  }, [api, memory, asked]);

  // A new question has a run of its own.
  useEffect(() => {
    if (!isLive || to !== '') return;
    const timer = setInterval(() => void (document.hidden ? undefined : run.current?.tail()), TAIL_MS);
    return () => clearInterval(timer);
  }, [isLive, asked]);

  return [listing, useCallback(() => void run.current?.more(), [])];
}

/** One question being answered. */
class Run {
  readonly #api: Api;
  readonly #memory: Memory;
  readonly #question: Question;
  readonly #tell: (listing: Listing) => void;
  readonly #stopped = new AbortController();
  readonly #merged: MergedRows;
  #listing: Listing;
  #isBusy = false;

  constructor(api: Api, memory: Memory, question: Question, period: Period, tell: (listing: Listing) => void) {
    this.#api = api;
    this.#memory = memory;
    this.#question = question;
    this.#tell = tell;
    const checks = { trust: trustOf(memory), memory };
    this.#merged = new MergedRows(
      question.trails.map((trail) => new TrailSource(api, trail, question.chips, period, checks)),
    );
    this.#listing = { ...NOTHING, isDone: false, isLoading: true, period };
    tell(this.#listing);
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** Loads the next rows. */
  async more(): Promise<void> {
    const { isDone, refused, error } = this.#listing;
    if (isDone || refused || error) return;
    await this.#work(async () => {
      const rows = await this.#merged.next(this.#stopped.signal);
      const { isDone: done, standings } = this.#merged;
      this.#update({ rows: [...this.#listing.rows, ...rows], isDone: done, standings });
    });
  }

  /** Looks for records that came since. */
  async tail(): Promise<void> {
    if (this.#listing.refused) return;
    await this.#work(async () => {
      const { trails, chips } = this.#question;
      const checks = { trust: trustOf(this.#memory), memory: this.#memory };
      const found = await Promise.all(
        trails.map(async (trail) => {
          const standing = this.#listing.standings.find((one) => one.trail === trail);
          const newest = this.#listing.rows.find((row) => row.trail === trail)?.seq ?? -1;
          const next = Math.max(newest + 1, standing?.size ?? 0);
          const source = new TrailSource(this.#api, trail, [...chips, { name: 'seq', value: `${next}..` }], {}, checks);
          const rows: Row[] = [];
          while (!source.isDone) rows.push(...(await source.next(this.#stopped.signal)));
          return { rows, standing: source.standing };
        }),
      );
      const rows = found.flatMap((one) => one.rows).sort(newerFirst);
      const standings = found.map(({ standing }, at) => ({
        ...standing,
        isWhole: this.#listing.standings[at]?.isWhole ?? false,
      }));
      this.#update({ rows: [...rows, ...this.#listing.rows], standings });
    });
  }

  async #work(work: () => Promise<void>): Promise<void> {
    if (this.#isBusy || this.#stopped.signal.aborted) return;
    this.#isBusy = true;
    try {
      this.#update({ isLoading: true });
      await work();
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      if (error instanceof Refused) {
        const rows = this.#listing.rows.map((row) => ({ ...row, trust: 'refused' as const }));
        this.#update({ refused: error, rows });
      } else
        this.#update({ error: error instanceof ApiError || error instanceof Error ? error : new Error(String(error)) });
    } finally {
      this.#isBusy = false;
      this.#update({ isLoading: false });
    }
  }

  #update(change: Partial<Listing>): void {
    this.#listing = { ...this.#listing, ...change };
    if (!this.#stopped.signal.aborted) this.#tell(this.#listing);
  }
}
