import { appendLeaves, EMPTY_FRONTIER } from '../../log/frontier.ts';
import { type Hash, sha256 } from '../../log/hash.ts';
import type { DownloadWriter } from '../../store/ports.ts';
import { eachLeaf, hashLeaf, type Leaf, MAX_LEAF_BYTES, putLeaf } from '../format/leaf.ts';
import {
  CHUNK_RECORDS,
  encodeHeader,
  encodePage,
  GROUP_LEAVES,
  type GroupFence,
  PAGE_GROUPS,
  type PageFence,
  type StoredRun,
  sumOf,
} from '../format/run-layout.ts';
import type { Run } from '../format/runs.ts';
import type { Spans } from '../format/spans.ts';
import type { TermKey } from '../format/term.ts';
import { VarintWriter } from '../format/varint.ts';

/** Bytes gathered before they are written. */
const BUFFER_BYTES = 1_048_576;
/** Bytes that there is room for at first. */
const FIRST_BYTES = 8192;

const NO_BYTES = new Uint8Array();

/** A run, and the name of its file. */
export type NamedRun = Pick<StoredRun, 'first' | 'size' | 'name'>;

/** The contents of a run's file besides its leaves. */
export interface RunExtras {
  /** The encoded counts. */
  readonly counts: Uint8Array;
  /** The first records of its blocks, ascending. */
  readonly blocks: Iterable<number>;
}

/** Writes the file of a run, term by term, in bounded memory: what grows with it are 50 bytes for each 32 leaves. */
export class RunWriter {
  readonly #run: NamedRun;
  readonly #file: DownloadWriter;
  #buffer: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #filled = 0;
  #groupBytes = 0;
  #group: Hash[] = [];
  #groupStart = 0;
  #first: Leaf | undefined;
  #previous: TermKey | undefined;
  #fences: GroupFence[] = [];
  readonly #pages: PageFence[] = [];
  readonly #pageBodies: Buffer[] = [];
  #leaves = 0;

  constructor(run: NamedRun, file: DownloadWriter) {
    this.#run = run;
    this.#file = file;
  }

  /**
   * Adds a term with all of its records: terms in ascending order of their keys, each once.
   *
   * @returns whether {@link flush} must be called before more is added. Most calls need no wait, and there are millions.
   */
  add(key: TermKey, spans: Spans): boolean {
    eachLeaf(key, spans, this.#run.first, this.#addLeaf);
    return this.#filled >= BUFFER_BYTES;
  }

  /** Writes what was gathered, but for a group that is under way. */
  async flush(): Promise<void> {
    const whole = this.#first === undefined ? this.#filled : this.#groupStart;
    const bytes = Buffer.from(this.#buffer.subarray(0, whole));
    this.#buffer.copyWithin(0, whole, this.#filled);
    this.#filled -= whole;
    this.#groupStart = 0;
    if (bytes.length > 0) await this.#file.write(bytes);
  }

  /** Writes the rest, without finishing the file. */
  async end({ counts, blocks }: RunExtras): Promise<StoredRun> {
    if (this.#group.length > 0) this.#endGroup();
    if (this.#fences.length > 0) this.#endPage();
    await this.flush();
    const pages = Buffer.concat(this.#pageBodies);
    const chunks = hintChunks(this.#run, blocks);
    const content = {
      pages: this.#pages,
      pageBytes: pages.length,
      countBytes: counts.length,
      chunks: chunks.map(({ length }) => length),
    };
    const header = encodeHeader(this.#run, this.#leaves, content);
    const hints = Buffer.concat(chunks);
    for (const part of [pages, counts, hints, header]) if (part.length > 0) await this.#file.write(part);
    return {
      ...this.#run,
      leaves: this.#leaves,
      // A page is a complete subtree, but for the last: the tree over their hashes has the root of the tree over the leaves.
      root: rootOf(this.#pages),
      counts: sha256(counts),
      header: sha256(header),
      bytes: this.#groupBytes + pages.length + counts.length + hints.length + header.length,
      headerBytes: header.length,
      hintBytes: hints.length,
    };
  }

  readonly #addLeaf = (leaf: Leaf): void => {
    if (this.#first === undefined) {
      this.#first = { ...leaf, body: NO_BYTES };
      this.#groupStart = this.#filled;
      this.#previous = undefined;
    }
    if (this.#filled + MAX_LEAF_BYTES > this.#buffer.length) this.#buffer = widened(this.#buffer);
    this.#filled = putLeaf(this.#buffer, this.#filled, leaf, this.#previous);
    this.#previous = leaf.key;
    this.#group.push(hashLeaf(leaf));
    this.#leaves += 1;
    if (this.#group.length === GROUP_LEAVES) this.#endGroup();
  };

  #endGroup(): void {
    if (this.#first === undefined) return;
    const { key, first } = this.#first;
    const length = this.#filled - this.#groupStart;
    this.#groupBytes += length;
    const sum = sumOf(this.#buffer.subarray(this.#groupStart, this.#filled));
    this.#fences.push({ key, first, length, hash: appendLeaves(EMPTY_FRONTIER, this.#group).root, sum });
    this.#group = [];
    this.#first = undefined;
    if (this.#fences.length === PAGE_GROUPS) this.#endPage();
  }

  #endPage(): void {
    const [fence] = this.#fences;
    if (fence === undefined) return;
    const body = encodePage(this.#fences, this.#run.first);
    const hash = rootOf(this.#fences);
    const groupBytes = this.#fences.reduce((sum, { length }) => sum + length, 0);
    this.#pages.push({ key: fence.key, first: fence.first, length: body.length, hash, groupBytes, sum: sha256(body) });
    this.#pageBodies.push(body);
    this.#fences = [];
  }
}

/** The root over consecutive complete subtrees, the last perhaps incomplete (RFC 6962 section 2.1). */
const rootOf = (parts: readonly { readonly hash: Hash }[]): Hash =>
  appendLeaves(
    EMPTY_FRONTIER,
    parts.map(({ hash }) => hash),
  ).root;

function widened(buffer: Buffer): Buffer {
  const wider = Buffer.allocUnsafe(2 * buffer.length);
  buffer.copy(wider);
  return wider;
}

/** The first records of blocks, in chunks: each begins with the block that holds the chunk's first record. */
function hintChunks({ first, size }: Run, blocks: Iterable<number>): Uint8Array[] {
  const starts = [...blocks];
  const chunks: Uint8Array[] = [];
  for (let [from, next] = [first, 0]; from < first + size; from += CHUNK_RECORDS) {
    const writer = new VarintWriter();
    while ((starts[next + 1] ?? Number.POSITIVE_INFINITY) <= from) next += 1;
    let last = first;
    for (let n = next; n < starts.length && (starts[n] ?? 0) < from + CHUNK_RECORDS; n++) {
      writer.put((starts[n] ?? 0) - last);
      last = starts[n] ?? 0;
    }
    chunks.push(writer.bytes());
  }
  return chunks;
}
