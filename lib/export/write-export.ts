import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import type { ExportManifest } from '../contract/exports.ts';
import type { StoredCheckpoint } from '../ledger/checkpoints.ts';
import { type Checkpoint, parseCheckpoint } from '../log/checkpoint.ts';
import { SealtrailError } from '../log/error.ts';
import { parseNote } from '../log/note.ts';
import type { NodeReader } from '../log/tree.ts';
import type { Queries } from '../query/queries.ts';
import type { Match } from '../query/query.ts';
import { SeenMasks } from '../question/masks.ts';
import type { DownloadWriter } from '../store/ports.ts';
import { type ExportSpec, queryOfExport } from './export-job.ts';
import { openEncoder } from './formats/encoders.ts';
import { Evidence } from './line-proofs.ts';

/** Where an export's records come from. */
export interface ExportSource {
  readonly queries: Pick<Queries, 'all' | 'masked' | 'provenAll'>;
  readonly nodes: NodeReader;
  readonly logName: string;
  readonly trail: string;
  /** Covers every record that may be exported. */
  readonly checkpoint: StoredCheckpoint;
}

/** Where it goes. Neither is finished here. */
export interface ExportTarget {
  readonly file: DownloadWriter;
  /** Where the proof goes; undefined where there is none. */
  readonly proof?: DownloadWriter;
  /** Where the proof goes that no record is left out; undefined where there is none. */
  readonly complete?: DownloadWriter;
}

/** How far an export has come. */
export interface ExportProgress {
  /** Records written. */
  readonly records: number;
  /** Records before this one have been looked at. */
  readonly at: number;
  /** Records to look at. */
  readonly of: number;
}

/** The contents of a finished export, as its manifest gives them. */
export type Written = Pick<
  ExportManifest,
  'masked' | 'records' | 'first' | 'last' | 'checkpoint' | 'file' | 'proof' | 'complete'
>;

/** Names the sequence of records that an export holds: by the trail, its size, and what was asked for. */
function chainOf({ logName, trail }: ExportSource, spec: ExportSpec, { size }: Checkpoint): string {
  const specHash = createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 32);
  return `${logName}/${trail}/${size}/${specHash}`;
}

/** Records, and characters of their lines, that are encoded at once: the event loop turns in between. */
const BATCH_RECORDS = 1000;
const BATCH_CHARACTERS = 1_000_000;

/**
 * Writes an export: every record of the trail below the checkpoint's size that passes the filters, in the order of the
 * log. Memory does not grow with it.
 *
 * @param onProgress told after each batch; what it throws ends the export
 * @throws `store_corrupt` naming what is not readable: an export is never shorter than what was asked for; what the
 *   stores throw
 */
export async function writeExport(
  source: ExportSource,
  spec: ExportSpec,
  target: ExportTarget,
  onProgress: (progress: ExportProgress) => Promise<void>,
): Promise<Written> {
  const checkpoint = parseCheckpoint(parseNote(source.checkpoint.note).text);
  const found: { records: number; first?: number; last?: number } = { records: 0 };
  const masks = new SeenMasks(await source.queries.masked(source.trail, queryOfExport(spec)));
  const evidence = new Evidence(checkpoint.size, source.nodes);
  const proof = target.proof === undefined ? undefined : new Measured(target.proof);
  const complete = target.complete === undefined ? undefined : new Measured(target.complete);
  const encoded = async function* (): AsyncGenerator<Uint8Array, void, void> {
    const encoder = await openEncoder(spec.format, source.logName, chainOf(source, spec, checkpoint));
    for await (const matches of batchesOf(source, spec, complete)) {
      const between = await evidence.add(matches);
      await proof?.write(between);
      const [first, last] = [matches[0], matches.at(-1)];
      if (first === undefined || last === undefined) throw new RangeError('a batch without records');
      found.first ??= first.seq;
      found.last = last.seq;
      found.records += matches.length;
      for (const { line } of matches) masks.see(line);
      yield encoder.add(matches.map(({ line }) => line));
      await onProgress({ records: found.records, at: last.seq + 1, of: checkpoint.size });
      await turn();
    }
    await proof?.write(await evidence.end(checkpoint.root));
    yield encoder.end();
  };
  const file = new Measured(target.file);
  for await (const chunk of packed(encoded(), spec)) await file.write(chunk);
  return {
    ...(masks.found.length > 0 && { masked: masks.found }),
    ...found,
    checkpoint: source.checkpoint.note,
    file: await file.measures(),
    ...(proof === undefined ? {} : { proof: { hashes: evidence.hashes, sha256: (await proof.measures()).sha256 } }),
    ...(complete === undefined || complete.isEmpty ? {} : { complete: await complete.measures() }),
  };
}

/** The records in batches. @param complete where the proof goes that they are all, if it can be had */
async function* batchesOf(
  source: ExportSource,
  spec: ExportSpec,
  complete: Measured | undefined,
): AsyncGenerator<readonly Match[], void, void> {
  const { size } = source.checkpoint;
  let batch: Match[] = [];
  let characters = 0;
  for await (const matches of await matchesOf(source, spec, complete)) {
    for (const match of matches) {
      if (match.seq >= size) break;
      batch.push(match);
      characters += match.line.length;
      if (batch.length < BATCH_RECORDS && characters < BATCH_CHARACTERS) continue;
      yield batch;
      batch = [];
      characters = 0;
    }
    if ((matches.at(-1)?.seq ?? 0) >= size) break;
  }
  if (batch.length > 0) yield batch;
}

async function matchesOf(
  { queries, trail, checkpoint }: ExportSource,
  spec: ExportSpec,
  complete: Measured | undefined,
): Promise<AsyncIterable<readonly Match[]>> {
  const query = queryOfExport(spec);
  const pages = complete && (await queries.provenAll(trail, query, checkpoint));
  if (complete === undefined || pages === undefined) return queries.all(trail, query);
  return (async function* () {
    for await (const { matches, proof } of pages) {
      await complete.write(Buffer.from(`${JSON.stringify(proof)}\n`));
      yield matches;
    }
  })();
}

function packed(chunks: AsyncIterable<Uint8Array>, { compression }: ExportSpec): AsyncIterable<Uint8Array> {
  // A failure in the pipeline surfaces in its reader.
  return compression === 'gzip' ? pipeline(chunks, createGzip(), () => undefined) : chunks;
}

/** A writer that knows what went through it. While it writes, the next bytes are made. */
class Measured {
  readonly #writer: DownloadWriter;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(writer: DownloadWriter) {
    this.#writer = writer;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.#bytes += bytes.length;
    this.#hash.update(bytes);
    await this.#writing;
    this.#writing = this.#writer.write(bytes);
    // It is looked at with the next write, or at the end.
    this.#writing.catch(() => undefined);
  }

  /** The bytes that went through and their hash, once all is written. */
  async measures(): Promise<{ readonly bytes: number; readonly sha256: string }> {
    await this.#writing;
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }
}

/** True if an error may be gone when the same work is done again. */
export const isTransient = (error: unknown): boolean =>
  error instanceof SealtrailError && ['throttled', 'unavailable', 'outcome_unknown', 'store_full'].includes(error.code);
