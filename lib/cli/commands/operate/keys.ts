import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { defined } from '../../../base/defined.ts';
import { fetchKeys, type NamedKey } from '../../../client/read/log-view.ts';
import { SealtrailError } from '../../../log/error.ts';
import { sameBytes } from '../../../log/hash.ts';
import { pemOf } from '../../../log/note.ts';
import { fingerprintOf, keyIdText, trailOf } from '../../../verify/evidence/trust.ts';
import { renderTable } from '../../output/table.ts';
import { count, painter, type Terminal, widthOf, write, writeLines } from '../../output/terminal.ts';
import { type RotationOptions, retire, rotate } from '../../shell/rotation.ts';
import { collect, connect, type Install, type ServerOptions, withJson, withServer } from '../../shell/shell.ts';

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
        'and for each trail a vkey for tools that read C2SP signed notes. Keys that were retired are shown with the size of\n' +
        'the last checkpoint that they signed.',
    )
    .option('--trail <name>', 'only of this trail; repeat it for several (default: all that you may read)', collect)
    .option('--export <dir>', 'write log.pem (all trails) and <trail>.vkey: key files for --key');
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
  const named = await fetchKeys(http, options.trail, terminal.signal);
  const files = options.export === undefined ? [] : await exportKeys(options.export, named);
  const { stdout } = terminal;
  if (options.json) {
    const [current, retired] = [named.filter(isCurrent), named.filter((key) => !isCurrent(key))];
    return write(stdout, `${JSON.stringify({ keys: current.map(shown), retired: retired.map(shown), files })}\n`);
  }
  if (named.length === 0) return write(stdout, 'No trail yet, or none that you may read: there are no keys to show.\n');
  const paint = painter(stdout);
  for (const key of distinct(named)) {
    const { algorithm, spki } = key.verifier;
    const which = `${paint('bold', algorithm)} key${isCurrent(key) ? '' : ', retired'}, SHA-256 fingerprint:`;
    await writeLines(stdout, [which, fingerprintOf(spki), pemOf(key.verifier)]);
  }
  const columns = [
    { title: 'trail', rigid: true },
    { title: 'sizes', rigid: true },
    { title: 'vkey', rigid: true },
  ];
  const rows = named.map(({ verifier: { name, vkey }, to }) => [
    trailOf(name),
    to === undefined ? 'now' : `to ${count(to)}`,
    vkey,
  ]);
  await writeLines(
    stdout,
    renderTable(columns, rows, widthOf(stdout), (heading) => paint('bold', heading)),
  );
  if (files.length > 0) await writeLines(stdout, ['', ...files.map((file) => `wrote ${file}`)]);
}

const isCurrent = ({ to }: NamedKey): boolean => to === undefined;

function shown({ verifier, to }: NamedKey): object {
  const { name, keyId, algorithm, spki, vkey } = verifier;
  return {
    trail: trailOf(name),
    name,
    keyId: keyIdText(keyId),
    algorithm,
    fingerprint: fingerprintOf(spki),
    vkey,
    pem: pemOf(verifier),
    ...defined({ to }),
  };
}

/** The keys without duplicates: each key signs for all trails, under the name of each. */
function distinct(keys: readonly NamedKey[]): NamedKey[] {
  return [...new Map(keys.map((key) => [fingerprintOf(key.verifier.spki), key])).values()];
}

/**
 * A key file's line for a key and a trail. A retired key must be listed as a vkey with its end, since a PEM is valid for every
 * trail and any size.
 */
const trustLine = ({ verifier: { vkey }, to }: NamedKey): string => (to === undefined ? vkey : `${vkey} to=${to}`);

async function exportKeys(folder: string, keys: readonly NamedKey[]): Promise<string[]> {
  const texts = new Map<string, string>();
  const add = (file: string, text: string): void => void texts.set(file, `${texts.get(file) ?? ''}${text}`);
  const comment = ({ verifier: { algorithm, spki } }: NamedKey): string =>
    `${algorithm}, SHA-256 fingerprint ${fingerprintOf(spki)}\n`;
  // Current keys first: other tools read only the first PEM of a file (RFC 7468 section 2).
  for (const key of distinct(keys.filter(isCurrent))) add('log.pem', `# ${comment(key)}${pemOf(key.verifier)}`);
  const retired = keys.filter((key) => !isCurrent(key));
  for (const key of distinct(retired)) {
    const uses = retired.filter(({ verifier }) => sameBytes(verifier.spki, key.verifier.spki));
    add('log.pem', `# retired: ${comment(key)}${uses.map((use) => `${trustLine(use)}\n`).join('')}`);
  }
  for (const key of keys) add(`${trailOf(key.verifier.name)}.vkey`, `${trustLine(key)}\n`);
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
