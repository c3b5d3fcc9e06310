import { LoadingCache } from '../../base/loading-cache.ts';
import { SealtrailError } from '../../log/error.ts';
import { appendLeaves, EMPTY_FRONTIER, type Growth } from '../../log/frontier.ts';
import { type Hash, sameBytes, sha256 } from '../../log/hash.ts';
import type { Files } from '../../store/ports.ts';
import { damaged, type Leaf, readLeaves } from '../format/leaf.ts';
import { decodeCounts, type RunCounts } from '../format/run-counts.ts';
import {
  CHUNK_RECORDS,
  decodeHeader,
  decodePage,
  FEW_HINTS,
  type Fence,
  type GroupFence,
  type Header,
  PAGE_GROUPS,
  runKey,
  type StoredRun,
  sumOf,
} from '../format/run-layout.ts';
import { endOf } from '../format/runs.ts';
import { compareKeys, type TermKey } from '../format/term.ts';
import { VarintReader } from '../format/varint.ts';

/** A group of leaves by its number, with the first of its leaves. */
export interface Group extends GroupFence {
  /** Its number in the run, from 0. */
  readonly number: number;
  /** Where its bytes begin in the file. */
  readonly at: number;
}

/** The cached parts of runs: headers, pages and hints, which never change. */
type Kept = Buffer | Opened | Page;
interface Opened {
  readonly header: Header;
  readonly hints: Buffer | undefined;
  readonly weight: number;
  /** The tree over the pages. */
  readonly tree: () => Growth;
}
interface Page {
  readonly groups: readonly Group[];
  readonly weight: number;
  /** The tree over the groups. */
  readonly tree: () => Growth;
}

/** Bytes that a group takes in memory, about, with its place in a tree. */
const GROUP_WEIGHT = 400;

/** Bytes that readers of one process keep. */
const KEPT_BYTES = 32_000_000;

/** Thrown when a run's file is gone, because it was superseded. Its records are in another run by now. */
export class RunGone extends Error {
  override readonly name = 'RunGone';
}

/** Reads runs, and keeps their small parts. */
export class RunFiles {
  readonly #files: Pick<Files, 'read'>;
  readonly #kept = new LoadingCache<Kept>(KEPT_BYTES, (kept) => (Buffer.isBuffer(kept) ? kept.length : kept.weight));

  constructor(files: Pick<Files, 'read'>) {
    this.#files = files;
  }

  open(trail: string, run: StoredRun): RunFile {
    return new RunFile(run, runKey(trail, run), this.#files, this.#kept);
  }
}

/**
 * One run's file. All that it returns was checked against the sums that the catalogue has of it, except hints.
 *
 * Every method throws {@link RunGone} if the file is gone, `store_corrupt` if it is not what was written, and the errors of
 * {@link Files}.
 */
export class RunFile {
  readonly run: StoredRun;
  readonly key: string;
  readonly #files: Pick<Files, 'read'>;
  readonly #kept: LoadingCache<Kept>;

  constructor(run: StoredRun, key: string, files: Pick<Files, 'read'>, kept: LoadingCache<Kept>) {
    this.run = run;
    this.key = key;
    this.#files = files;
    this.#kept = kept;
  }

  /**
   * The groups that can hold leaves of a key, consecutive, and the number of the run's groups. The first of them begins before
   * any leaf of the key (unless it is the run's first), so all of the key's leaves are in these groups.
   */
  async findGroups(key: TermKey): Promise<readonly Group[]> {
    const { header } = await this.#opened();
    const isBefore = (fence: Fence) => compareKeys(fence.key, key) < 0;
    const isNotAfter = (fence: Fence) => compareKeys(fence.key, key) <= 0;
    const last = lastWhere(header.pages, isNotAfter);
    if (last < 0) return [];
    const found: Group[] = [];
    for (let n = Math.max(0, lastWhere(header.pages, isBefore)); n <= last; n++) {
      const { groups } = await this.#page(n);
      found.push(...groups.slice(Math.max(0, lastWhere(groups, isBefore)), lastWhere(groups, isNotAfter) + 1));
    }
    return found;
  }

  /** The groups of a page; of several, in order. */
  async pageOfGroup(number: number): Promise<readonly Group[]> {
    return (await this.#page(Math.floor(number / PAGE_GROUPS))).groups;
  }

  /** The tree over the hashes of a page's groups. */
  async treeOfPage(number: number): Promise<Growth> {
    return (await this.#page(number)).tree();
  }

  /** The tree over the hashes of the pages. */
  async treeOfPages(): Promise<Growth> {
    return (await this.#opened()).tree();
  }

  /** Begins to read the header, if it is not kept: what goes wrong shows when it is needed. */
  prefetch(): void {
    this.#opened().catch(() => undefined);
  }

  /** The leaves of consecutive groups, by one read. */
  async leaves(groups: readonly Group[]): Promise<Leaf[][]> {
    const [first, last] = [groups[0], groups.at(-1)];
    if (first === undefined || last === undefined) return [];
    const bytes = await this.#read(first.at, last.at + last.length - first.at);
    return this.#guard(() =>
      groups.map(({ at, length, sum }) => {
        const group = bytes.subarray(at - first.at, at - first.at + length);
        if (!sameBytes(sumOf(group), sum)) throw damaged('has a group with other leaves than its page says');
        return readLeaves(group, this.run.first);
      }),
    );
  }

  /** The run's counts. */
  async counts(): Promise<RunCounts> {
    const { header } = await this.#opened();
    const bytes = await this.#read(header.countsAt, header.hintsAt - header.countsAt);
    return this.#guard(() => {
      if (!sameBytes(sha256(bytes), this.run.counts)) throw damaged('has other counts than recorded');
      return decodeCounts(bytes);
    });
  }

  /** The first record of the block that holds a record: a hint. */
  async findBlock(seq: number): Promise<number> {
    const starts = await this.#hints(Math.floor((seq - this.run.first) / CHUNK_RECORDS));
    const reader = new VarintReader(starts);
    let block = this.run.first;
    while (!reader.isAtEnd) {
      const next = block + reader.next();
      if (next > seq) break;
      block = next;
    }
    return block;
  }

  /** The first records of all blocks, ascending. */
  async blocks(): Promise<number[]> {
    const { header } = await this.#opened();
    const starts: number[] = [];
    for (const n of header.chunks.keys()) {
      const reader = new VarintReader(await this.#hints(n));
      for (let block = this.run.first; !reader.isAtEnd; ) {
        block += reader.next();
        if (block > (starts.at(-1) ?? -1)) starts.push(block);
      }
    }
    return starts;
  }

  async #hints(chunk: number): Promise<Buffer> {
    const { header, hints } = await this.#opened();
    const at = header.chunks.slice(0, chunk).reduce((sum, length) => sum + length, 0);
    const length = header.chunks[chunk] ?? 0;
    if (hints !== undefined) return hints.subarray(at, at + length);
    const kept = await this.#kept.get(`${this.key} hints ${chunk}`, () => this.#read(header.hintsAt + at, length));
    return kept as Buffer; // what this key was loaded with
  }

  async #opened(): Promise<Opened> {
    const kept = await this.#kept.get(this.key, async () => {
      const { bytes, headerBytes, hintBytes } = this.run;
      const withHints = hintBytes <= FEW_HINTS ? hintBytes : 0;
      const tail = await this.#read(bytes - headerBytes - withHints, headerBytes + withHints);
      const header = this.#guard(() => decodeHeader(tail.subarray(withHints), this.run));
      return {
        header,
        hints: withHints === hintBytes ? tail.subarray(0, withHints) : undefined,
        weight: 3 * tail.length,
        tree: grown(header.pages),
      };
    });
    return kept as Opened; // what this key was loaded with
  }

  async #page(number: number): Promise<Page> {
    const { header } = await this.#opened();
    const page = header.pages[number];
    if (page === undefined) return { groups: [], weight: 0, tree: grown([]) };
    const kept = await this.#kept.get(`${this.key} ${number}`, async () => {
      const before = header.pages.slice(0, number);
      const sum = (of: 'length' | 'groupBytes') => before.reduce((total, one) => total + one[of], 0);
      const bytes = await this.#read(header.pagesAt + sum('length'), page.length);
      let at = sum('groupBytes');
      const fences = this.#guard(() => decodePage(bytes, page, this.run.first));
      const groups = fences.map((fence, n) => {
        const group = { ...fence, number: number * PAGE_GROUPS + n, at };
        at += fence.length;
        return group;
      });
      return { groups, weight: groups.length * GROUP_WEIGHT, tree: grown(groups) };
    });
    return kept as Page; // what this key was loaded with
  }

  async #read(at: number, length: number): Promise<Buffer> {
    if (length <= 0) return Buffer.alloc(0);
    const bytes = await this.#files.read(this.key, at, length);
    if (bytes === undefined) throw new RunGone(`the file ${this.key} of the query index is gone`);
    if (bytes.length !== length)
      return this.#guard(() => {
        throw damaged('is shorter than recorded');
      });
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Does what may find the file damaged, and names it then. */
  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      const message = `${error.message}: ${this.key} (records ${this.run.first} to ${endOf(this.run) - 1})`;
      throw new SealtrailError(error.code, message, { cause: error });
    }
  }
}

/** The tree over hashes (RFC 6962 section 2.1), made when it is first asked for: most readers never do. */
function grown(parts: readonly { readonly hash: Hash }[]): () => Growth {
  let tree: Growth | undefined;
  return () => {
    tree ??= appendLeaves(
      EMPTY_FRONTIER,
      parts.map(({ hash }) => hash),
    );
    return tree;
  };
}

/** The index of the last of an ascending list that holds; -1 if none does. */
function lastWhere<T>(list: readonly T[], holds: (one: T) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const one = list[middle];
    if (one !== undefined && holds(one)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
