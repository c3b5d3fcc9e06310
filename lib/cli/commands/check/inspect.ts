import { SealtrailError } from '../../../log/error.ts';
import { type Description, describeFile } from '../../inspect/describe-file.ts';
import { printable } from '../../output/table.ts';
import { count, painter, plural, type Terminal, write, writeData, writeLines } from '../../output/terminal.ts';
import { type Install, withJson } from '../../shell/shell.ts';
import { readBytes } from '../../shell/trust.ts';

interface Options {
  readonly lines?: true;
  readonly json?: true;
}

/** Values shown of a list, such as the hashes of a tile, unless JSON is asked for. */
const MAX_SHOWN = 8;

export const installInspect: Install = (program, shell) => {
  withJson(
    program
      .command('inspect')
      .argument('<files...>', 'files of an archive, proofs, receipts, keys, export manifests')
      .summary('show what a file of a log holds')
      .description(
        'Shows what files hold: a checkpoint or other signed note, a tile, an entry bundle, a segment of records, a record\n' +
          'line, a proof, a receipt, a key file, an export manifest. It describes and does not verify: use "verify",\n' +
          '"verify-proof" or "verify-export" for a verdict.',
      )
      .option('--lines', 'print the record lines that the file holds, and nothing else'),
  ).action(async (files: readonly string[], options: Options) => {
    for (const file of files) {
      const description = described(file, await readBytes(file, 'the file'));
      await show(shell.terminal, file, description, options, files.length > 1);
    }
  });
};

/** The error names the file, of which there may be several. */
function described(file: string, bytes: Uint8Array): Description {
  try {
    return describeFile(file, bytes);
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    throw new SealtrailError(error.code, `${file}: ${error.message}`, { cause: error });
  }
}

async function show(
  { stdout }: Terminal,
  file: string,
  { kind, fields, lines = [] }: Description,
  { json, lines: onlyLines }: Options,
  isOneOfMany: boolean,
): Promise<void> {
  if (onlyLines) return writeData(stdout, lines);
  if (json) return write(stdout, `${JSON.stringify({ file, kind, ...fields })}\n`);
  const paint = painter(stdout);
  const width = Math.max(...Object.keys(fields).map((name) => name.length));
  await writeLines(stdout, [
    paint('bold', printable(isOneOfMany ? `${kind}: ${file}` : kind)),
    ...Object.entries(fields).flatMap(([name, value]) =>
      shownValues(value).map((text, at) => `  ${(at === 0 ? name : '').padEnd(width)}  ${printable(text)}`),
    ),
  ]);
}

function shownValues(value: Description['fields'][string]): readonly string[] {
  if (typeof value === 'number') return [count(value)];
  if (typeof value === 'string') return [value];
  if (value.length <= MAX_SHOWN) return value.length === 0 ? ['none'] : value;
  return [...value.slice(0, MAX_SHOWN), `and ${plural(value.length - MAX_SHOWN, 'other')}: --json has them all`];
}
