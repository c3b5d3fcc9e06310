import { newerFirst, type Row } from './rows.ts';
import type { Standing, TrailSource } from './trail-source.ts';

/** The rows of several trails, newest first: each trail is asked, and checked, by itself. */
export class MergedRows {
  readonly #sources: readonly { readonly source: TrailSource; readonly waiting: Row[] }[];

  constructor(sources: readonly TrailSource[]) {
    this.#sources = sources.map((source) => ({ source, waiting: [] }));
  }

  get isDone(): boolean {
    return this.#sources.every(({ source, waiting }) => source.isDone && waiting.length === 0);
  }

  get standings(): readonly Standing[] {
    return this.#sources.map(({ source }) => source.standing);
  }

  /**
   * The next rows: those that no trail can have a newer one before. None comes only where there is no more.
   *
   * @throws as {@link TrailSource.next}
   */
  async next(signal?: AbortSignal): Promise<Row[]> {
    const rows: Row[] = [];
    while (rows.length === 0 && !this.isDone) {
      await Promise.all(
        this.#sources.map(async ({ source, waiting }) => {
          // A page may be empty, and not the last one.
          while (waiting.length === 0 && !source.isDone) waiting.push(...(await source.next(signal)));
        }),
      );
      rows.push(...this.#settledRows());
    }
    return rows;
  }

  /** As far as the trail goes that has come least far; all, where none has more. */
  #settledRows(): Row[] {
    const ends = this.#sources.flatMap(({ source, waiting }) => (source.isDone ? [] : waiting.slice(-1)));
    const [end] = ends.sort(newerFirst);
    const taken = this.#sources.flatMap(({ waiting }) => {
      const count = end === undefined ? waiting.length : waiting.filter((row) => newerFirst(row, end) <= 0).length;
      return waiting.splice(0, count);
    });
    return taken.sort(newerFirst);
  }
}
