import { SealtrailError } from '../../../log/error.ts';
import { nearNames } from '../../../question/near.ts';
import { renderTable } from '../../output/table.ts';
import { painter, widthOf, write, writeLines } from '../../output/terminal.ts';
import type { ExitCode } from '../../shell/exit.ts';
import type { Install, Shell } from '../../shell/shell.ts';
import { forgetQuestion, savedQuestions } from './saved.ts';

export const installAsk: Install = (program, shell) => {
  program
    .command('ask')
    .argument('[name]', 'the name of a saved question; without it, all are listed')
    .argument('[options...]', 'options besides those that were saved, such as --since 1h')
    .summary('ask a question that was saved with --save NAME')
    .description(
      'Runs a question that was saved before: sealtrail query orders --outcome denied --save denials, then sealtrail ask denials.',
    )
    .option('--forget', 'remove it instead')
    .allowUnknownOption()
    .action((name: string | undefined, more: readonly string[], options: { readonly forget?: true }) =>
      ask(shell, name, more, options),
    );
};

async function ask(
  shell: Shell,
  name: string | undefined,
  more: readonly string[],
  { forget }: { readonly forget?: true },
): Promise<void> {
  const { terminal } = shell;
  if (name === undefined) return list(shell);
  if (forget) return forgetQuestion(terminal, name);
  const questions = await savedQuestions(terminal);
  const words = Object.hasOwn(questions, name) ? questions[name] : undefined;
  if (words === undefined) {
    const near = nearNames(name, Object.keys(questions));
    const hint = near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : ' "sealtrail ask" lists them.';
    throw new SealtrailError('not_found', `there is no saved question ${name}.${hint}`);
  }
  const code = await shell.run([...words, ...more], terminal);
  // The cast: every command ends with one of these.
  shell.exitCode = code as ExitCode;
}

async function list({ terminal }: Shell): Promise<void> {
  const { stdout } = terminal;
  const questions = Object.entries(await savedQuestions(terminal));
  if (questions.length === 0) return write(stdout, 'No question is saved yet: add --save NAME to one.\n');
  const rows = questions.map(([name, words]) => [name, words.map(quoted).join(' ')]);
  const columns = [{ title: 'name', rigid: true }, { title: 'question' }] as const;
  await writeLines(
    stdout,
    renderTable(columns, rows, widthOf(stdout), (text) => painter(stdout)('bold', text)),
  );
}

/** A word as a shell takes it. */
const quoted = (word: string): string => (/^[\w./:@=,+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
