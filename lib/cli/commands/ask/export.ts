import { Option } from 'commander';
import {
  askForExport,
  assertFree,
  awaitExport,
  type ExportFiles,
  keepExport,
  manifestFileOf,
} from '../../../client/read/exporting.ts';
import { EXPORT_FORMATS, type ExportFormat, type ExportReply } from '../../../contract/exports.ts';
import { SealtrailError } from '../../../log/error.ts';
import { maskedSentence } from '../../output/pages.ts';
import { bytes, count, labelled, Progress, painter, plural, write, writeLines } from '../../output/terminal.ts';
import { filtersOf, withFilters } from '../../shell/filters.ts';
import {
  connect,
  type Install,
  type ServerOptions,
  type Shell,
  trailName,
  withJson,
  withServer,
} from '../../shell/shell.ts';

interface Options extends ServerOptions, Readonly<Record<string, unknown>> {
  readonly format: ExportFormat;
  readonly output: string;
  readonly gzip?: true;
  readonly resume?: string;
  readonly json?: true;
}

export const installExport: Install = (program, shell) => {
  const command = program
    .command('export')
    .argument('<trail>', 'the trail', trailName)
    .summary('write records to a file, with a manifest and proofs')
    .description(
      'Writes every record that passes the filters to a file, and beside it FILE.manifest.json, which says what is in it,\n' +
        'and of NDJSON, where they are needed, FILE.proof, by which each line is a record of the log, and FILE.complete,\n' +
        'by which no other passes the filters: "sealtrail verify-export FILE" checks them offline.',
    )
    .requiredOption('--output <file>', 'where to; must not be there yet')
    .addOption(new Option('--format <name>', 'how to write').choices([...EXPORT_FORMATS]).default('ndjson'))
    .option('--gzip', 'compress the file (not Parquet, which is compressed in itself)')
    .option('--resume <id>', 'fetch an export that was asked for before');
  withServer(withJson(withFilters(command))).action((trail: string, options: Options) =>
    exportTrail(shell, trail, options),
  );
};

async function exportTrail(shell: Shell, trail: string, options: Options): Promise<void> {
  const { terminal } = shell;
  const { signal, stdout, stderr } = terminal;
  const http = connect(terminal, options);
  await assertFree(options.output);
  const id = options.resume ?? (await askForExport(http, trail, requestOf(options), signal)).id;
  if (!/^[0-9a-f]{32}$/.test(id))
    throw new SealtrailError('usage', '--resume takes the id of an export: 32 hex digits');
  const progress = new Progress(stderr);
  let isOver = false;
  try {
    const found = await awaitExport(http, trail, id, signal, (one) => {
      isOver = one.state === 'failed' || one.state === 'expired';
      progress.show(() => progressOf(one));
    });
    const total = found.manifest?.file.bytes ?? 0;
    const files = await keepExport(http, found, options.output, signal, (done) =>
      progress.show(() => `downloading: ${bytes(done)} of ${bytes(total)}`),
    );
    progress.clear();
    if (options.json) return await write(stdout, `${JSON.stringify({ files, manifest: found.manifest })}\n`);
    await writeLines(stdout, labelled(stdout, 'green', 'ok', sentenceOn(found, files)));
    for (const one of found.manifest?.masked ?? []) stderr.write(`${painter(stderr)('dim', maskedSentence(one))}\n`);
  } catch (error) {
    progress.clear();
    // On the server it goes on, also after it was stopped in the middle.
    if (signal.aborted || (!isOver && isTransient(error)))
      await write(stderr, `Go on with: sealtrail export ${trail} --output ${options.output} --resume ${id}\n`);
    throw error;
  }
}

/** True if the same command may get further later: the server was away, or here nothing could be written. */
const isTransient = (error: unknown): boolean =>
  error instanceof SealtrailError && ['unavailable', 'throttled', 'usage'].includes(error.code);

function requestOf(options: Options): Readonly<Record<string, unknown>> {
  const compression = options.gzip ? { compression: 'gzip' } : {};
  return { format: options.format, ...compression, ...filtersOf(options) };
}

function progressOf({ state, progress }: ExportReply): string {
  if (state === 'queued') return 'waiting for its turn';
  if (progress === undefined) return state === 'running' ? 'beginning' : 'written';
  const share = progress.of === 0 ? 1 : progress.at / progress.of;
  return `${plural(progress.records, 'record')} written, ${count(Math.floor(share * 100))} % of the trail looked at`;
}

function sentenceOn({ manifest }: ExportReply, { file, proof, complete }: ExportFiles): string {
  const written = `${plural(manifest?.records ?? 0, 'record')} in ${file} (${bytes(manifest?.file.bytes ?? 0)})`;
  const beside = [manifestFileOf(file), proof, complete].filter((name) => name !== undefined);
  return `${written}, with ${new Intl.ListFormat('en').format(beside)}.`;
}
