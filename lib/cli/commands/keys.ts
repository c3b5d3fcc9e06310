import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { fetchKeys } from '../../client/log-view.ts';
import { SealtrailError } from '../../log/error.ts';
import { pemOf, type Verifier } from '../../log/note.ts';
import { fingerprintOf, keyIdText } from '../../verify/trust.ts';
import { type RotationOptions, retire, rotate } from '../rotation.ts';
import { collect, connect, type Install, type ServerOptions, withJson, withServer } from '../shell.ts';
import { renderTable } from '../table.ts';
import { painter, type Terminal, widthOf, write, writeLines } from '../terminal.ts';
import { trailOf } from '../trust.ts';

interface Options extends ServerOptions {
  readonly trail?: string[];
  readonly export?: string;
  readonly json?: true;
}

export const installKeys: Install = (program, shell) => {
  const command = program
    .command('keys')
    .summary("show and export the log's public keys")
    .description(
      "Shows the log's public keys: fingerprints to compare with ones published elsewhere, a PEM for any crypto tool,\n" +
        'and for each trail a vkey for tools that read C2SP signed notes.',
    )
    .option('--trail <name>', 'only of this trail; repeat it for several (default: all that you may read)', collect)
    .option('--export <dir>', 'write log.pem (all trails) and <trail>.vkey into this folder');
  withJson(withServer(command)).action((options: Options) => keys(shell.terminal, options));
  const step = (
    name: string,
    summary: string,
    run: (terminal: Terminal, options: RotationOptions) => Promise<void>,
  ) => {
    const added = command.command(name).summary(summary).description(`Key rotation: ${summary}. Stop the log first.`);
    withJson(added.requiredOption('--data <dir>', 'the data folder of the log'))
      // `--json` belongs to `keys` too, which may take it first.
      .action((_: unknown, own: Command) => run(shell.terminal, own.optsWithGlobals()));
  };
  step('rotate', 'make a second key, which signs beside the first from the next start on', rotate);
  step('retire', 'let the second key sign alone', retire);
};

async function keys(terminal: Terminal, options: Options): Promise<void> {
  const http = connect(terminal, options);
  const verifiers = await fetchKeys(http, options.trail, terminal.signal);
  const files = options.export === undefined ? [] : await exportKeys(options.export, verifiers);
  const { stdout } = terminal;
  if (options.json) {
    const shown = verifiers.map((key) => ({
      trail: trailOf(key.name),
      name: key.name,
      keyId: keyIdText(key.keyId),
      algorithm: key.algorithm,
      fingerprint: fingerprintOf(key.spki),
      vkey: key.vkey,
      pem: pemOf(key),
    }));
    return write(stdout, `${JSON.stringify({ keys: shown, files })}\n`);
  }
  if (verifiers.length === 0)
    return write(stdout, 'No trail yet, or none that you may read: there are no keys to show.\n');
  const paint = painter(stdout);
  for (const key of distinct(verifiers)) {
    const lines = [`${paint('bold', key.algorithm)} key, SHA-256 fingerprint:`, fingerprintOf(key.spki), pemOf(key)];
    await writeLines(stdout, lines);
  }
  const columns = [
    { title: 'trail', rigid: true },
    { title: 'vkey', rigid: true },
  ];
  const rows = verifiers.map((key) => [trailOf(key.name), key.vkey]);
  await writeLines(
    stdout,
    renderTable(columns, rows, widthOf(stdout), (heading) => paint('bold', heading)),
  );
  if (files.length > 0) await writeLines(stdout, ['', ...files.map((file) => `wrote ${file}`)]);
}

/** One key signs for all trails, under the name of each: here every key once. */
function distinct(verifiers: readonly Verifier[]): Verifier[] {
  return [...new Map(verifiers.map((key) => [fingerprintOf(key.spki), key])).values()];
}

async function exportKeys(folder: string, verifiers: readonly Verifier[]): Promise<string[]> {
  const texts = new Map<string, string>();
  const pems = distinct(verifiers).map(
    (key) => `# ${key.algorithm}, SHA-256 fingerprint ${fingerprintOf(key.spki)}\n${pemOf(key)}`,
  );
  if (pems.length > 0) texts.set('log.pem', pems.join(''));
  for (const key of verifiers) {
    const file = `${trailOf(key.name)}.vkey`;
    texts.set(file, `${texts.get(file) ?? ''}${key.vkey}\n`);
  }
  try {
    await mkdir(folder, { recursive: true });
    for (const [file, text] of texts) await writeFile(join(folder, file), text);
  } catch (cause) {
    throw new SealtrailError('usage', `cannot write to ${folder}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  return [...texts.keys()].map((file) => join(folder, file));
}
