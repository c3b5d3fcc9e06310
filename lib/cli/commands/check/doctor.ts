import type { SignedHttp } from '../../../client/http/http.ts';
import type { Check } from '../../doctor/check.ts';
import { printable, wrap } from '../../output/table.ts';
import { type Format, labelled, type Output, plural, widthOf, write, writeLines } from '../../output/terminal.ts';
import { EXIT } from '../../shell/exit.ts';
import { assertServerNode } from '../../shell/server-node.ts';
import { connect, type Install, type ServerOptions, withJson, withServer } from '../../shell/shell.ts';

interface Options extends ServerOptions {
  readonly json?: true;
}

/** How each state is printed. */
const LABELS: Readonly<Record<Check['state'], readonly [Format, string]>> = {
  ok: ['green', 'ok'],
  warning: ['yellow', 'warning'],
  problem: ['red', 'problem'],
  unknown: ['yellow', 'unknown'],
};

export const installDoctor: Install = (program, shell) => {
  withJson(
    withServer(
      program
        .command('doctor')
        .argument('[dir]', 'a data folder; without it, the server is checked')
        .summary('check a data folder, or a server and the way to it')
        .description(
          'With a folder: its configuration, access, keys, permissions and disk. Without: the server that the options or\n' +
            'the environment name, the credentials, the clock, and how far each trail is signed. Nothing is changed, and no\n' +
            'record is verified: use "verify" for that. Exit code 1 if there is a problem.',
        ),
    ),
  ).action(async (dir: string | undefined, options: Options) => {
    const { terminal } = shell;
    const checks = dir === undefined ? await lookAtServer(connect(terminal, options)) : await lookAtFolder(dir);
    if (checks.some(({ state }) => state === 'problem')) shell.exitCode = EXIT.wrong;
    if (options.json) return write(terminal.stdout, `${JSON.stringify({ checks })}\n`);
    await writeLines(terminal.stdout, [...checks.flatMap((check) => lines(terminal.stdout, check)), verdict(checks)]);
  });
};

// Both are imported when they are needed: the other commands start faster, and on a Node that cannot open a folder.

async function lookAtServer(http: SignedHttp): Promise<Check[]> {
  const { checkServer } = await import('../../doctor/server-checks.ts');
  return checkServer(http);
}

async function lookAtFolder(dir: string): Promise<Check[]> {
  assertServerNode('sealtrail doctor DIR');
  const { checkFolder } = await import('../../doctor/folder-checks.ts');
  return checkFolder(dir);
}

function lines(out: Output, { what, state, message, advice }: Check): string[] {
  const [format, label] = LABELS[state];
  const indent = label.length + 2;
  const advised =
    advice?.split('\n').flatMap((line) => wrap(printable(line), Math.max(20, widthOf(out) - indent))) ?? [];
  return [...labelled(out, format, label, `${what}: ${message}`), ...advised.map((line) => ' '.repeat(indent) + line)];
}

function verdict(checks: readonly Check[]): string {
  const problems = checks.filter(({ state }) => state === 'problem').length;
  const warnings = checks.filter(({ state }) => state === 'warning' || state === 'unknown').length;
  return `\n${plural(checks.length, 'check')}: ${plural(problems, 'problem')}, ${plural(warnings, 'warning')}.`;
}
