import type { Leaf } from '../format/leaf.ts';
import { spansOf } from '../format/leaf.ts';
import { endOf } from '../format/runs.ts';
import { clipSpans, countSpans, NO_SPANS, pushSpan, type Spans, unionSpans } from '../format/spans.ts';
import { compareKeys, type TermKey } from '../format/term.ts';
import type { Group, RunFile } from './run-file.ts';

/** Groups that are read at once with the first: fewer reads for what is short. */
const FEW_GROUPS = 2;
/** Records of a group that was not read, about: for choosing the narrowest of several lists. */
const GROUP_RECORDS = 8192;

/** A key's records in one group, read when needed. */
interface Segment {
  /** No record of the segment comes before. */
  readonly from: number;
  readonly group: Group;
  spans?: Promise<Spans>;
}

/** The records of a run that are filed under one key. */
class KeyPostings {
  readonly #file: RunFile;
  readonly #key: TermKey;
  readonly segments: readonly Segment[];
  /** Their number, if all were read. */
  count: number | undefined;

  private constructor(file: RunFile, key: TermKey, groups: readonly Group[]) {
    this.#file = file;
    this.#key = key;
    this.segments = groups.map((group) => ({
      from: compareKeys(group.key, key) === 0 ? group.first : file.run.first,
      group,
    }));
  }

  static async find(file: RunFile, key: TermKey): Promise<KeyPostings> {
    const groups = await file.findGroups(key);
    const postings = new KeyPostings(file, key, groups);
    if (groups.length > FEW_GROUPS) return postings;
    const leaves = await file.leaves(groups);
    postings.count = 0;
    for (const [n, segment] of postings.segments.entries()) {
      const spans = postings.#spansIn(leaves[n] ?? []);
      segment.spans = Promise.resolve(spans);
      postings.count += countSpans(spans);
    }
    return postings;
  }

  /** The records in `[from, to)`. */
  async within(from: number, to: number): Promise<Spans> {
    const needed = this.#overlapping(from, to);
    const found: number[] = [];
    for (const segment of needed) {
      segment.spans ??= this.#load(segment);
      const spans = clipSpans(await segment.spans, from, to);
      for (let i = 0; i < spans.length; i += 2) pushSpan(found, spans[i] ?? 0, spans[i + 1] ?? 0);
    }
    return found;
  }

  /** How many groups {@link within} would read. */
  unread(from: number, to: number): number {
    return this.#overlapping(from, to).filter(({ spans }) => spans === undefined).length;
  }

  #overlapping(from: number, to: number): readonly Segment[] {
    return this.segments.filter(
      (segment, n) => segment.from < to && (this.segments[n + 1]?.from ?? Number.POSITIVE_INFINITY) > from,
    );
  }

  async #load({ group }: Segment): Promise<Spans> {
    const [leaves = []] = await this.#file.leaves([group]);
    return this.#spansIn(leaves);
  }

  #spansIn(leaves: readonly Leaf[]): Spans {
    const { run } = this.#file;
    const spans: number[] = [];
    for (const leaf of leaves) {
      if (compareKeys(leaf.key, this.#key) !== 0) continue;
      const more = spansOf(leaf.body, run.first, endOf(run));
      for (let i = 0; i < more.length; i += 2) pushSpan(spans, more[i] ?? 0, more[i + 1] ?? 0);
    }
    return spans;
  }
}

/**
 * The records of a run that are filed under any of some keys.
 *
 * Its methods throw as those of {@link RunFile}.
 */
export class RunPostings {
  readonly #run: RunFile['run'];
  readonly #found: readonly KeyPostings[];

  private constructor(file: RunFile, found: readonly KeyPostings[]) {
    this.#run = file.run;
    this.#found = found;
  }

  static async find(file: RunFile, keys: readonly TermKey[]): Promise<RunPostings> {
    const found = await Promise.all(keys.map((key) => KeyPostings.find(file, key)));
    return new RunPostings(
      file,
      found.filter(({ count }) => count !== 0),
    );
  }

  /** True if no record is filed under them. */
  get isEmpty(): boolean {
    return this.#found.length === 0;
  }

  /** About how many records; a record with several of the values counts several times. */
  get count(): number {
    return this.#found.reduce((sum, { count, segments }) => sum + (count ?? segments.length * GROUP_RECORDS), 0);
  }

  /** Where groups begin that are not read yet, ascending. The run is read in these windows, so as not to read more than needed. */
  windows(): number[] {
    const starts = this.#found
      .filter(({ count }) => count === undefined)
      .flatMap(({ segments }) => segments.map(({ from }) => from));
    return [...new Set([this.#run.first, ...starts])].sort((a, b) => a - b);
  }

  /** How many groups {@link within} would read. */
  unread(from: number, to: number): number {
    return this.#found.reduce((sum, postings) => sum + postings.unread(from, to), 0);
  }

  /** The records in `[from, to)`. */
  async within(from: number, to: number): Promise<Spans> {
    if (this.isEmpty || from >= to) return NO_SPANS;
    return unionSpans(await Promise.all(this.#found.map((postings) => postings.within(from, to))));
  }
}

/** A run's records for each filter of a search; none of them is empty. */
export interface FoundInRun {
  readonly file: RunFile;
  readonly filters: readonly RunPostings[];
}

/**
 * Finds a run's records for the filters of a search.
 *
 * @param keys for each filter, those of its values
 * @returns undefined if the run cannot have a match
 * @throws as the methods of {@link RunFile}
 */
export async function findInRun(file: RunFile, keys: readonly (readonly TermKey[])[]): Promise<FoundInRun | undefined> {
  const filters = await Promise.all(keys.map((some) => RunPostings.find(file, some)));
  return filters.some(({ isEmpty }) => isEmpty) ? undefined : { file, filters };
}
