import { createHash } from 'node:crypto';
import { Argument } from 'commander';
import { IMPORT_SOURCES, type ImportSourceName } from '../../../import/sources.ts';
import { SealtrailError } from '../../../log/error.ts';
import { printable } from '../../output/table.ts';
import { count, labelled, Progress, plural, shownOn, write, writeLines } from '../../output/terminal.ts';
import { EXIT } from '../../shell/exit.ts';
import {
  connect,
  type Install,
  type ServerOptions,
  type Shell,
  trailName,
  withJson,
  withServer,
} from '../../shell/shell.ts';
import { logKeys } from '../../shell/trust.ts';
import type { Batch, Refusal } from '../../upload/input.ts';
import { openInput } from '../../upload/open-input.ts';
import { Upload } from '../../upload/upload.ts';
import { FreshBatches, idsIn, importedEvents } from './import-events.ts';

interface Options extends ServerOptions {
  readonly trail: string;
  readonly key?: string;
  readonly json?: true;
}

/** The outcome of the records of all files. */
interface Tally {
  imported: number;
  present: number;
  refused: number;
}

export const installImport: Install = (program, shell) => {
  const sources = Object.entries(IMPORT_SOURCES).map(([name, { holds }]) => `  ${name.padEnd(11)}${holds}`);
  const command = program
    .command('import')
    .addArgument(new Argument('<source>', 'what the files hold').choices(Object.keys(IMPORT_SOURCES)))
    .argument('<file...>', 'the files, in gzip or not; - is standard input')
    .summary('append audit records of other systems')
    .description(
      `Appends the records of other systems as events, each once, however often a file is imported:\n${sources.join('\n')}\n` +
        "An event's id is made of the source's own id, and what the trail has already is left out; so the credentials must\n" +
        'allow to append and to query. Each event keeps the whole record in its details.',
    )
    .requiredOption('--trail <trail>', 'the trail to append to', trailName)
    .option(
      '--key <file>',
      "the log's public key (vkey or PEM) to check receipts with (default: ask the server for it)",
    );
  withJson(withServer(command)).action((source: ImportSourceName, files: string[], options: Options) =>
    importFiles(shell, source, files, options),
  );
};

async function importFiles(
  shell: Shell,
  source: ImportSourceName,
  files: readonly string[],
  options: Options,
): Promise<void> {
  const { terminal } = shell;
  const { stdout, stderr } = terminal;
  const http = connect(terminal, options);
  const { trust } = await logKeys(http, options.trail, options.key);
  const tally: Tally = { imported: 0, present: 0, refused: 0 };
  const progress = new Progress(stderr);
  const onRefusal = ({ where, error }: Refusal): void => {
    tally.refused += 1;
    progress.clear();
    stderr.write(shownOn(stderr, `${printable(`refused: ${where}: ${error.message}`)}\n`));
  };
  for (const file of files) {
    const fresh = new FreshBatches(idsIn(http, options.trail, terminal.signal));
    const upload = new Upload(http, {
      ...{ trail: options.trail, trust, parallel: 1, signal: terminal.signal, lenient: true, onRefusal },
      // Two imports of the same records at once are one, too.
      key: (batch: Batch) =>
        `import-${createHash('sha256')
          .update(batch.events.map(({ json }) => json).join('\n'))
          .digest('hex')
          .slice(0, 40)}`,
    });
    try {
      const events = importedEvents(openInput(terminal, file).chunks, IMPORT_SOURCES[source], onRefusal);
      for await (const { receipt } of upload.run(fresh.of(events))) {
        if (receipt.replayed) tally.present += receipt.count;
        else tally.imported += receipt.count;
        progress.show(() => `${plural(tally.imported, 'event')} imported`);
      }
    } catch (error) {
      throw named(error, file);
    } finally {
      progress.clear();
      tally.present += fresh.skipped;
    }
  }
  if (tally.refused > 0) shell.exitCode = EXIT.failed;
  if (options.json) return write(stdout, `${JSON.stringify({ trail: options.trail, source, ...tally })}\n`);
  const { imported, present, refused } = tally;
  await writeLines(stdout, [
    ...labelled(stdout, 'green', 'imported', `${plural(imported, 'event')} to ${options.trail}`),
    ...(present === 0
      ? []
      : labelled(stdout, 'bold', 'known   ', `${count(present)} that the trail had already, left out`)),
    ...(refused === 0
      ? []
      : labelled(stdout, 'red', 'refused ', `${count(refused)}, each named on stderr with the reason`)),
  ]);
}

/** Adds the file's name to an error. */
function named(error: unknown, file: string): unknown {
  if (!(error instanceof SealtrailError) || (error.code !== 'invalid_json' && error.code !== 'record_too_large'))
    return error;
  return new SealtrailError(error.code, `${file}: ${error.message}`, { cause: error });
}
