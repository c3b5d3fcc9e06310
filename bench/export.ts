import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXPORT_FORMATS, type ExportFormat } from '../lib/contract/exports.ts';
import { Exports } from '../lib/export/exports.ts';
import { Indexer } from '../lib/followers/indexing/indexer.ts';
import { Ledger } from '../lib/ledger/ledger.ts';
import { nodeReader } from '../lib/ledger/tree/nodes.ts';
import { Queries } from '../lib/query/queries.ts';
import { FolderDownloads } from '../lib/store/folder/downloads.ts';
import { FolderFiles } from '../lib/store/folder/files.ts';
import { KeyFileSigner } from '../lib/store/keyfile/signer.ts';
import { SqliteTable } from '../lib/store/sqlite/table.ts';
import { fill, TRAIL } from './query.ts';
import type { Figure } from './report.ts';

/** Exports of a whole trail from SQLite to files, as in the embedded server, including proofs and checks. */

const GOALS: Partial<Record<ExportFormat, string>> = { ndjson: '100,000 records/s', csv: '50,000 records/s' };

export async function benchExport(events = 1_000_000): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sealtrail-bench-'));
  const table = await SqliteTable.open(join(folder, 'ledger.db'));
  try {
    await fill(table, events);
    const files = await FolderFiles.open(join(folder, 'index'));
    await new Indexer({ table, files }).run(TRAIL, { force: true });
    const signer = await KeyFileSigner.create(join(folder, 'key.pem'), 'ed25519');
    const ledger = new Ledger({ table, signers: [signer], logName: 'bench' });
    await ledger.seal(TRAIL);
    const figures: Figure[] = [];
    for (const format of EXPORT_FORMATS)
      figures.push(await measure(format, { table, files }, ledger, join(folder, format)));
    return figures;
  } finally {
    await table.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(
  format: ExportFormat,
  { table, files }: { readonly table: SqliteTable; readonly files: FolderFiles },
  ledger: Ledger,
  folder: string,
): Promise<Figure> {
  const nodes = (trail: string) => nodeReader({ table, ledger }, trail);
  const exports = new Exports({
    ...{ table, ledger, nodes, logName: 'bench' },
    queries: new Queries({ table, files, secret: new Uint8Array(32) }),
    downloads: await FolderDownloads.open(folder, { secret: new Uint8Array(32), path: '/' }),
    start: async () => undefined,
    onError: (error) => {
      throw error;
    },
  });
  const { id } = await exports.request(TRAIL, { format, compression: 'none', filters: {} }, { name: 'bench' });
  let highest = 0;
  const watch = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss);
  }, 100);
  const started = performance.now();
  await exports.run(TRAIL, id);
  const seconds = (performance.now() - started) / 1000;
  clearInterval(watch);
  const { manifest } = (await exports.get(TRAIL, id)) ?? {};
  const records = manifest?.records ?? 0;
  const { size } = await stat(join(folder, TRAIL, id, '1', 'file'));
  return {
    what: `export of ${records} records as ${format}`,
    goal: GOALS[format] ?? 'none set',
    measured: {
      'records/s': Math.round(records / seconds),
      'MB/s': Math.round(size / seconds / 1e6),
      'highest resident MB': Math.round(highest / 1e6),
    },
  };
}
