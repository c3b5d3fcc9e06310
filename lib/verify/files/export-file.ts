import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { ExportManifest } from '../../contract/exports.ts';
import { isFiltered } from '../../export/formats/manifest-digest.ts';
import { toHex } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { HASH_BYTES, type Hash, leafHash, sameBytes, ZERO_HASH } from '../../log/hash.ts';
import { MAX_RECORD_BYTES, parseRecord } from '../../log/record.ts';
import { nodesBetween, TreeBuilder } from '../../log/tree-builder.ts';
import type { TrustedKeys } from '../evidence/trust.ts';
import { openTrusted, type ProvenCheckpoint } from '../evidence/trusted-note.ts';
import { ExportCoverage } from './export-coverage.ts';
import { ExportFilters } from './export-filters.ts';
import { wholeLines } from './lines.ts';
import { type Vouched, whoVouches } from './manifest-statement.ts';
import { readManifest } from './read-manifest.ts';

/** The form of an export. Streams are read once, from their beginning. */
export interface ExportEvidence {
  /** The manifest's text. */
  readonly manifest: string;
  /** The exported file, as it is. */
  readonly file: AsyncIterable<Uint8Array>;
  /** The proof file; absent where there is none. */
  readonly proof?: AsyncIterable<Uint8Array>;
  /** The proof that no record is left out; absent where there is none. */
  readonly complete?: AsyncIterable<Uint8Array>;
}

/** The known state of an export that passed. Plain JSON. */
export interface ProvenExport extends ProvenCheckpoint {
  readonly trail: string;
  readonly format: ExportManifest['format'];
  readonly records: number;
  /**
   * `records`: every line is a record of the log, byte for byte. `file`: the file is the one that the manifest describes,
   * and no more; only NDJSON holds the records' own bytes.
   */
  readonly proven: 'records' | 'file';
  /**
   * True if nothing is left out. `log`: the export holds every record that the checkpoint covers. `range`: it holds every
   * record from its first to its last. `filters`: it holds every record of its period that passes its filters, as far as the index
   * vouches for it. `unknown`: it was filtered without such a proof, or its records are not proven.
   */
  readonly complete: 'log' | 'range' | 'filters' | 'unknown';
  /** Of `filters`: how many records the index vouches for; `sealtrail verify --index` checks what it says. */
  readonly indexed?: number;
  /** Who vouches for what the manifest says: the log, in a proven record of its own, or no one. */
  readonly vouched: Vouched;
  /** Values of filters that were looked for in masked form, as the manifest says. */
  readonly masked?: ExportManifest['masked'];
  /**
   * Members of the manifest that no one vouches for; none where the log does. Otherwise who asked and when, and, of a file
   * whose records are not proven, everything about them. `filters.<name>`: records were masked there, or this version does
   * not know the filter.
   */
  readonly unproven: readonly string[];
}

/** The facts that only the manifest states, whatever is proven of the records. */
const UNSIGNED = ['id', 'requestedBy', 'requestedAt', 'finishedAt'];
const OF_RECORDS = [
  'filters',
  'masked',
  'from',
  'to',
  'timeFrom',
  'timeTo',
  'seqs',
  'records',
  'first',
  'last',
] as const;

/**
 * Checks an export offline: that the file is the one which the manifest describes, that the manifest's checkpoint is signed
 * by a trusted key, that the log states the manifest, and, of NDJSON, that every line is a record of the log. In constant memory.
 *
 * Whether a filter left out a record that it should have let pass, `complete` says: it takes the proof beside the file.
 *
 * @throws `malformed_proof`, `malformed_note`, `malformed_checkpoint`: it is no export. `bad_signature`, `proof_mismatch`:
 *   it is one, and does not hold; the message names the first thing that is wrong
 *
 * @example
 * const file = createReadStream('orders.ndjson');
 * const manifest = await readFile('orders.ndjson.manifest.json', 'utf8');
 * const { records, complete } = await checkExport({ manifest, file }, parseTrustedKeys(vkey));
 */
export async function checkExport(evidence: ExportEvidence, trust: TrustedKeys): Promise<ProvenExport> {
  const manifest = parseManifest(evidence.manifest);
  const { checkpoint, proven } = openTrusted(manifest.checkpoint, trust);
  const { log, trail, format, records, masked } = manifest;
  if (checkpoint.origin !== `${log}/${trail}`) {
    throw mismatch(`the checkpoint is of ${checkpoint.origin}, the manifest says ${log}/${trail}`);
  }
  const known = { trail, format, records, ...(masked && { masked }), ...proven };
  const vouchedFor = (said: readonly string[]) => {
    const vouched = whoVouches(manifest, trust);
    return { vouched, unproven: vouched === 'log' ? [] : said };
  };
  const file = new Counted(evidence.file);
  if (format !== 'ndjson' || manifest.proof === undefined) {
    for await (const _ of file.chunks());
    file.assertDigest('file', manifest.file);
    const said = OF_RECORDS.filter((member) => manifest[member] !== undefined);
    return { ...known, proven: 'file', complete: 'unknown', ...vouchedFor([...UNSIGNED, ...said]) };
  }
  const { hashes, sha256 } = manifest.proof;
  const proof = new Counted(evidence.proof ?? nothing());
  const tree = new SelectionTree(manifest, checkpoint.size, hashesOf(proof.chunks()));
  const pages = manifest.complete && new Counted(evidence.complete ?? nothing());
  const coverage = pages && new ExportCoverage(pages.chunks(), manifest, trust);
  const lines = wholeLines(plainBytes(file.chunks(), manifest), MAX_RECORD_BYTES, 'a record');
  for await (const line of lines) {
    const seq = await tree.add(line);
    await coverage?.add(seq);
  }
  await tree.finish();
  const covered = await coverage?.finish(checkpoint.size);
  // First what says most: that the file is not the same is true of every change.
  if (!sameBytes(tree.root, checkpoint.root)) {
    throw mismatch('the lines and the proof do not lead to the root that was signed: a line or a hash is not right');
  }
  file.assertDigest('file', manifest.file);
  proof.assertDigest('proof', { bytes: hashes * HASH_BYTES, sha256 });
  if (manifest.complete !== undefined) pages?.assertDigest('proof that no record is left out', manifest.complete);
  const complete = covered === undefined ? completeness(manifest, checkpoint.size) : 'filters';
  return { ...known, proven: 'records', complete, ...covered, ...vouchedFor([...UNSIGNED, ...tree.unproven]) };
}

function completeness(manifest: ExportManifest, size: number): ProvenExport['complete'] {
  if (manifest.records === size) return 'log';
  return !isFiltered(manifest) && manifest.records > 0 ? 'range' : 'unknown';
}

function parseManifest(text: string): ExportManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed('a manifest is JSON', cause);
  }
  return readManifest(value);
}

/** Lines and hashes as they come, put together from the left. */
class SelectionTree {
  readonly #manifest: ExportManifest;
  readonly #size: number;
  readonly #hashes: AsyncIterator<Uint8Array>;
  readonly #tree = new TreeBuilder();
  readonly #filters: ExportFilters;
  #records = 0;
  #last: number | undefined;
  #leaf: Hash = ZERO_HASH;

  constructor(manifest: ExportManifest, size: number, hashes: AsyncIterator<Uint8Array>) {
    this.#manifest = manifest;
    this.#filters = new ExportFilters(manifest);
    this.#size = size;
    this.#hashes = hashes;
  }

  get root(): Uint8Array {
    return this.#tree.root();
  }

  /** See {@link ProvenExport.unproven}. */
  get unproven(): readonly string[] {
    return this.#filters.unproven;
  }

  /** @returns the record's number */
  async add(line: Uint8Array): Promise<number> {
    const number = this.#records + 1;
    const record = recordAt(line, number);
    const { seq, trail, receivedAt, prev } = record;
    const { first, from, to, seqs } = this.#manifest;
    const bad = (why: string) => mismatch(`line ${number}, record ${seq}: ${why}`);
    if (trail !== this.#manifest.trail) throw bad(`it is of trail ${trail}`);
    if (seq >= this.#size) throw bad(`the checkpoint covers ${this.#size} records`);
    if (this.#last === undefined ? seq !== first : seq <= this.#last)
      throw bad('records are missing before it, or it is out of order');
    if (!isFiltered(this.#manifest) && this.#last !== undefined && seq !== this.#last + 1) {
      throw bad(`record ${this.#last + 1} is missing, and nothing was filtered`);
    }
    if (receivedAt < (from ?? 0) || receivedAt >= (to ?? Number.POSITIVE_INFINITY))
      throw bad('it is not of the period');
    if (seqs !== undefined && (seq < seqs.from || seq >= seqs.to))
      throw bad('it is not of the numbers of the manifest');
    const refusal = this.#filters.refusal(record);
    if (refusal !== undefined) throw bad(refusal);
    // The root says whether anything was changed; where two records are neighbours, the chain says what.
    if (this.#last === seq - 1 && toHex(this.#leaf) !== prev) {
      throw bad('it does not follow from the record before: one of the two was changed');
    }
    await this.#skipTo(seq);
    this.#leaf = leafHash(line);
    this.#tree.add(this.#leaf);
    this.#records = number;
    this.#last = seq;
    return seq;
  }

  async finish(): Promise<void> {
    const { records, last, from, to, seqs } = this.#manifest;
    if (this.#records !== records) throw mismatch(`there are ${this.#records} lines, the manifest says ${records}`);
    if (this.#last !== last) throw mismatch(`the last record is ${this.#last}, the manifest says ${last}`);
    const isWhole = !isFiltered(this.#manifest) && from === undefined && to === undefined;
    const whole = Math.max(0, Math.min(this.#size, seqs?.to ?? this.#size) - (seqs?.from ?? 0));
    if (isWhole && records !== whole) {
      throw mismatch(`nothing was filtered, and yet there are ${records} of ${whole} records`);
    }
    await this.#skipTo(this.#size);
    if ((await this.#hashes.next()).done !== true) throw mismatch('the proof has more hashes than are needed');
  }

  async #skipTo(seq: number): Promise<void> {
    if (seq === this.#tree.size) return;
    for (const { level } of nodesBetween(this.#tree.size, seq)) {
      const { value, done } = await this.#hashes.next();
      if (done === true) throw mismatch('the proof has fewer hashes than are needed');
      this.#tree.add(value, level);
    }
  }
}

function recordAt(line: Uint8Array, number: number) {
  try {
    return parseRecord(line);
  } catch (cause) {
    throw new SealtrailError('proof_mismatch', `line ${number} is no record`, { cause });
  }
}

/** Counts and hashes what passes through. */
class Counted {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of this.#source) {
      this.#bytes += chunk.length;
      this.#hash.update(chunk);
      yield chunk;
    }
  }

  assertDigest(what: string, { bytes, sha256 }: { readonly bytes: number; readonly sha256: string }): void {
    if (this.#bytes !== bytes) throw mismatch(`the ${what} has ${this.#bytes} bytes, the manifest says ${bytes}`);
    if (toHex(this.#hash.digest()) !== sha256)
      throw mismatch(`the ${what} does not have the SHA-256 that the manifest states`);
  }
}

async function* plainBytes(chunks: AsyncIterable<Uint8Array>, { compression }: ExportManifest) {
  if (compression === 'none') return yield* chunks;
  try {
    // The generator below gets the pipeline's error too.
    yield* pipeline(chunks, createGunzip(), () => undefined);
  } catch (cause) {
    throw new SealtrailError('proof_mismatch', 'the file is not whole gzip', { cause });
  }
}

async function* hashesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (; at + HASH_BYTES <= bytes.length; at += HASH_BYTES) yield bytes.slice(at, at + HASH_BYTES);
    rest = bytes.subarray(at);
  }
  if (rest.length > 0) throw mismatch('the proof ends within a hash');
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}

const malformed = (message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('malformed_proof', message, { cause });
const mismatch = (message: string): SealtrailError => new SealtrailError('proof_mismatch', message);
