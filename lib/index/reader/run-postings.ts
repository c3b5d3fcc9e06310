import type { Table } from '../../store/ports.ts';
import {
  BLOCKS_FINGERPRINT,
  type FoundPostings,
  findPostings,
  type PostingsPart,
  readPart,
} from '../format/postings.ts';
import { classOf, endOf, type Run } from '../format/runs.ts';

/** Maximum runs of the top class read together; other classes never have more. */
const GROUP_RUNS = 16;

/** The runs that overlap the records `[low, high)`, in ascending groups of one class each. */
export function runGroups(runs: readonly Run[], low: number, high: number): Run[][] {
  const groups: Run[][] = [];
  for (const run of runs) {
    if (endOf(run) <= low || run.first >= high) continue;
    const group = groups.at(-1);
    const isSame = group !== undefined && classOf(group[0]?.size ?? 0) === classOf(run.size);
    if (isSame && group.length < GROUP_RUNS) group.push(run);
    else groups.push([run]);
  }
  return groups;
}

/** Thrown when a merge removes a run during a read. Its records are in another run by now. */
export class MergedAway extends Error {
  override readonly name = 'MergedAway';
}

/** The records of one run that match the fingerprints of one filter. */
export class RunPostings {
  readonly #table: Table;
  readonly #trail: string;
  readonly #run: Run;
  readonly #found: readonly FoundPostings[];
  /** The last part read of each long list, since its neighbours are likely to be read next. */
  readonly #last = new Map<FoundPostings, { readonly part: PostingsPart; readonly seqs: readonly number[] }>();
  /** The number of records; a record with several of the values counts several times. */
  readonly count: number;

  constructor(table: Table, trail: string, run: Run, found: readonly FoundPostings[]) {
    this.#table = table;
    this.#trail = trail;
    this.#run = run;
    this.#found = found;
    this.count = found.reduce((sum, entry) => sum + ('seqs' in entry ? entry.seqs.length : countOf(entry.parts)), 0);
  }

  /** Where parts begin, ascending. The run is read in these windows, so as not to read more than needed. */
  windows(): number[] {
    const starts = this.#found.flatMap((entry) => ('seqs' in entry ? [] : entry.parts.map((part) => part.first)));
    return [...new Set([this.#run.first, ...starts])].sort((a, b) => a - b);
  }

  /** The number of items that {@link within} would read. */
  partsWithin(from: number, to: number): number {
    return this.#found.reduce(
      (sum, entry) => sum + ('seqs' in entry ? 0 : overlapping(entry.parts, from, to).length),
      0,
    );
  }

  /** The records in `[from, to)`, ascending, without duplicates. @throws {@link MergedAway} */
  async within(from: number, to: number): Promise<readonly number[]> {
    const lists: (readonly number[])[] = [];
    for (const entry of this.#found) {
      if ('seqs' in entry) lists.push(slice(entry.seqs, from, to));
      else
        for (const part of overlapping(entry.parts, from, to))
          lists.push(slice(await this.#read(entry, part), from, to));
    }
    const [only] = lists;
    if (lists.length === 1 && only !== undefined) return only;
    return [...new Set(lists.flat())].sort((a, b) => a - b);
  }

  /** The last record up to and including `seq`, if any. @throws {@link MergedAway} */
  async upTo(seq: number): Promise<number | undefined> {
    let last: number | undefined;
    for (const entry of this.#found) {
      const part = 'seqs' in entry ? undefined : entry.parts.findLast(({ first }) => first <= seq);
      const seqs = 'seqs' in entry ? entry.seqs : part === undefined ? [] : await this.#read(entry, part);
      const found = seqs[indexOf(seqs, seq + 1) - 1];
      if (found !== undefined && (last === undefined || found > last)) last = found;
    }
    return last;
  }

  async #read(entry: Extract<FoundPostings, { parts: unknown }>, part: PostingsPart): Promise<readonly number[]> {
    const last = this.#last.get(entry);
    if (last?.part === part) return last.seqs;
    const seqs = await readPart(this.#table, this.#trail, this.#run, entry.fingerprint, part);
    if (seqs === undefined) throw new MergedAway();
    this.#last.set(entry, { part, seqs });
    return seqs;
  }
}

/** A run's entries for the records of a search. */
export interface FoundInRun {
  /** One entry for each filter; none of them is empty. */
  readonly filters: readonly RunPostings[];
  /** The first records of the run's blocks. */
  readonly blocks: RunPostings;
}

/**
 * Reads the entries of runs for a search's filters.
 *
 * @param runs consecutive runs of one class
 * @param fingerprints for each filter, those of its values
 * @returns by the run's first record; omits runs that cannot have a match
 */
export async function readRuns(
  table: Table,
  trail: string,
  runs: readonly Run[],
  fingerprints: readonly (readonly number[])[],
): Promise<ReadonlyMap<number, FoundInRun>> {
  const find = (wanted: readonly number[], among: readonly Run[]) =>
    Promise.all(wanted.map((fingerprint) => findPostings(table, trail, among, fingerprint)));
  const found = await Promise.all(fingerprints.map((wanted) => find(wanted, runs)));
  const mayMatch = ({ first }: Run) => found.every((filter) => filter.some((values) => values.has(first)));
  const matching = runs.filter(mayMatch);
  const [oldest, newest] = [matching[0], matching.at(-1)];
  if (oldest === undefined || newest === undefined) return new Map();
  // A rare value is in few runs: reading the blocks of all the others would take longer than finding it.
  const blocks = await find([BLOCKS_FINGERPRINT], runs.slice(runs.indexOf(oldest), runs.indexOf(newest) + 1));
  const postingsOf = (run: Run, of: readonly ReadonlyMap<number, FoundPostings>[]) => {
    const inRun = of.flatMap((values) => values.get(run.first) ?? []);
    return new RunPostings(table, trail, run, inRun);
  };
  return new Map(
    matching.map((run) => [
      run.first,
      { filters: found.map((filter) => postingsOf(run, filter)), blocks: postingsOf(run, blocks) },
    ]),
  );
}

const countOf = (parts: readonly PostingsPart[]): number => parts.reduce((sum, part) => sum + part.count, 0);

/** The parts that overlap `[from, to)`. A part extends to the first record of the next. */
function overlapping(parts: readonly PostingsPart[], from: number, to: number): readonly PostingsPart[] {
  return parts.filter((part, i) => part.first < to && (parts[i + 1]?.first ?? Number.POSITIVE_INFINITY) > from);
}

function slice(seqs: readonly number[], from: number, to: number): readonly number[] {
  const [start, end] = [indexOf(seqs, from), indexOf(seqs, to)];
  return start === 0 && end === seqs.length ? seqs : seqs.slice(start, end);
}

/** Lower bound: the index of the first number >= `seq`. */
function indexOf(seqs: readonly number[], seq: number): number {
  let [low, high] = [0, seqs.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((seqs[middle] ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
