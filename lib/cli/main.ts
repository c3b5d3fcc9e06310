import { Command, CommanderError } from 'commander';
import { SealtrailError } from '../log/error.ts';
import { installActivity } from './commands/activity.ts';
import { installAppend } from './commands/append.ts';
import { installDemo } from './commands/demo.ts';
import { installExport } from './commands/export.ts';
import { installHold } from './commands/hold.ts';
import { installKeys } from './commands/keys.ts';
import { installProof } from './commands/proof.ts';
import { installHistory, installQuery, installTimeline } from './commands/query.ts';
import { installSeal } from './commands/seal.ts';
import { installServe } from './commands/serve.ts';
import { installSummary } from './commands/summary.ts';
import { installTail } from './commands/tail.ts';
import { installVerify } from './commands/verify.ts';
import { installVerifyExport } from './commands/verify-export.ts';
import { installVerifyProof } from './commands/verify-proof.ts';
import { adviceOn, EXIT, EXIT_HELP, exitCodeFor } from './exit.ts';
import { type Install, Shell } from './shell.ts';
import { printable } from './table.ts';
import { painter, type Terminal, widthOf } from './terminal.ts';
import { version } from './version.ts';

const COMMANDS: readonly Install[] = [
  installServe,
  installAppend,
  installQuery,
  installTimeline,
  installHistory,
  installActivity,
  installSummary,
  installTail,
  installExport,
  installProof,
  installVerify,
  installVerifyProof,
  installVerifyExport,
  installSeal,
  installHold,
  installKeys,
  installDemo,
];

const ENVIRONMENT_HELP = `
Environment:
  SEALTRAIL_ENDPOINT           where the server is
  AWS_PROFILE, AWS_REGION,     who asks, as for any AWS program; credentials also
  AWS_SHARED_CREDENTIALS_FILE  come from the rest of the AWS credential chain
  NO_COLOR                     no colour
`;

/**
 * Runs one command line and returns its exit code (see {@link EXIT}). Never throws, never ends the process.
 *
 * @param args the words after the program's name
 */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const shell = new Shell(terminal, main);
  const program = buildProgram(shell);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return shell.exitCode;
  } catch (error) {
    return explain(error, terminal, args.includes('--json'));
  }
}

function buildProgram(shell: Shell): Command {
  const { stdout, stderr } = shell.terminal;
  const program = new Command('sealtrail')
    .description('A tamper-evident audit log that anyone can verify without trusting it.')
    .version(version(), '--version', 'say which version this is')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => Math.min(widthOf(stdout), 120),
      getErrHelpWidth: () => Math.min(widthOf(stderr), 120),
      getOutHasColors: () => stdout.isTTY === true,
      getErrHasColors: () => stderr.isTTY === true,
    })
    .showHelpAfterError('Run it with --help to see how it is used.')
    .addHelpText('after', ENVIRONMENT_HELP + EXIT_HELP);
  for (const install of COMMANDS) install(program, shell);
  return program;
}

/** Says on stderr what went wrong and what to do about it. */
function explain(error: unknown, terminal: Terminal, json: boolean): number {
  // Commander has written its message or the help already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failed;
  // Whoever read our output has seen enough: `sealtrail query | head`.
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return EXIT.ok;
  if (terminal.signal.aborted) return EXIT.interrupted;
  if (json) {
    const { code, field } = error instanceof SealtrailError ? error : { code: 'internal', field: undefined };
    terminal.stderr.write(`${JSON.stringify({ error: { code, message: messageOf(error), field } })}\n`);
    return exitCodeFor(error);
  }
  const paint = painter(terminal.stderr);
  terminal.stderr.write(`${paint('red', 'sealtrail:')} ${messageOf(error).split('\n').map(printable).join('\n')}\n`);
  const advice = error instanceof SealtrailError ? adviceOn(error) : undefined;
  if (advice !== undefined) terminal.stderr.write(`${advice}\n`);
  return exitCodeFor(error);
}

function messageOf(error: unknown): string {
  if (error instanceof SealtrailError) return error.message;
  // A mistake of ours, or of the system's: the stack is what a bug report needs.
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
