import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { ExportManifest, ExportRequest } from '../../contract/exports.ts';
import { FILTER_NAMES } from '../../contract/query.ts';
import { SealtrailError } from '../../log/error.ts';
import { CSV_HEADER, csvRow } from '../../question/csv.ts';
import { momentIn, numbersIn } from '../../question/moments.ts';
import { meantValues } from '../../question/selection.ts';
import { assertFree, type ExportFiles, manifestFileOf } from './exporting.ts';
import { type AskSink, SinkMasks } from './kept-records.ts';
import type { LogRecord } from './reader.ts';

/** How a file begins, how each record stands in it, and how it ends. */
interface Layout {
  readonly head: string;
  readonly record: (line: string, isFirst: boolean) => string;
  readonly tail: string;
}

const LAYOUTS: Readonly<Record<string, Layout>> = {
  ndjson: { head: '', record: (line) => `${line}\n`, tail: '' },
  json: { head: '[', record: (line, isFirst) => `${isFirst ? '\n' : ',\n'}${line}`, tail: '\n]\n' },
  csv: { head: CSV_HEADER, record: csvRow, tail: '' },
};

/**
 * Writes every record of a sink that passes the filters to a file, and a manifest beside it. There is no checkpoint to prove anything
 * by, so the manifest's is empty, and `sealtrail verify-export` says so.
 *
 * @throws `usage` for a format that only a log makes, and where the file is there already
 */
export async function exportSink(
  ask: AskSink,
  trail: string,
  file: string,
  { format, compression = 'none', ...filters }: ExportRequest,
  signal: AbortSignal,
): Promise<{ readonly manifest: ExportManifest; readonly files: ExportFiles }> {
  const layout = Object.hasOwn(LAYOUTS, format) ? LAYOUTS[format] : undefined;
  if (layout === undefined) {
    const message = `format: a sink exports ${Object.keys(LAYOUTS).join(', ')}; ${format} comes from a log only`;
    throw new SealtrailError('usage', message, { field: 'format' });
  }
  await assertFree(file);
  const requestedAt = Date.now();
  const found: { records: number; first?: number; last?: number } = { records: 0 };
  const masks = new SinkMasks(filters);
  const records = ask({ ...filters, order: 'oldest' });
  const part = `${file}.unfinished-${randomUUID()}`;
  try {
    const chunks = chunksOf(records, layout, (record) => {
      found.records += 1;
      found.first ??= record.seq;
      found.last = record.seq;
      masks.see(record);
    });
    const target = createWriteStream(part, { flags: 'wx' });
    await (compression === 'gzip'
      ? pipeline(chunks, createGzip(), target, { signal })
      : pipeline(chunks, target, { signal }));
    const manifest: ExportManifest = {
      ...{ v: 1, id: randomUUID().replaceAll('-', ''), log: '', trail, format, compression },
      filters: Object.fromEntries(
        FILTER_NAMES.flatMap((name) =>
          filters[name] === undefined ? [] : [[name, meantValues(name, [filters[name]].flat().map(String))]],
        ),
      ),
      ...masks.found,
      ...periodOf(filters, requestedAt),
      ...numbersOf(filters),
      ...found,
      ...{ checkpoint: '', file: await hashFile(part), requestedBy: 'local', requestedAt, finishedAt: Date.now() },
    };
    await writeFile(manifestFileOf(file), `${JSON.stringify(manifest, null, 2)}\n`, { flag: 'wx' });
    await rename(part, file);
    return { manifest, files: { file, manifest: manifestFileOf(file) } };
  } finally {
    await rm(part, { force: true });
  }
}

async function* chunksOf(
  records: AsyncIterable<LogRecord>,
  { head, record: write, tail }: Layout,
  onRecord: (record: LogRecord) => void,
): AsyncGenerator<string, void, void> {
  yield head;
  let isFirst = true;
  for await (const record of records) {
    yield write(JSON.stringify(record), isFirst);
    isFirst = false;
    onRecord(record);
  }
  yield tail;
}

function periodOf(
  { from, to, timeFrom, timeTo, tz }: Omit<ExportRequest, 'format' | 'compression'>,
  now: number,
): Pick<ExportManifest, 'from' | 'to' | 'timeFrom' | 'timeTo'> {
  const asked = Object.entries({ from, to, timeFrom, timeTo });
  return Object.fromEntries(
    asked.flatMap(([name, time]) => (time === undefined ? [] : [[name, momentIn(String(time), { now, zone: tz })]])),
  );
}

function numbersOf({ seq }: Pick<ExportRequest, 'seq'>): Pick<ExportManifest, 'seqs'> {
  const seqs = seq === undefined ? undefined : numbersIn(String(seq));
  return seqs === undefined ? {} : { seqs };
}

async function hashFile(path: string): Promise<ExportManifest['file']> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { bytes: (await stat(path)).size, sha256: hash.digest('hex') };
}
