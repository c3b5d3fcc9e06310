import { Command, CommanderError } from 'commander';
import { SealtrailError } from '../log/error.ts';
import { printable } from './output/table.ts';
import { painter, shownOn, type Terminal, widthOf } from './output/terminal.ts';
import { adviceOn, EXIT, EXIT_HELP, exitCodeFor } from './shell/exit.ts';
import { type Install, Shell } from './shell/shell.ts';
import { version } from './shell/version.ts';

/** By name, in the order of the help. Loaded when named: a verifier need not hold in memory what a query needs. */
const COMMANDS: Readonly<Record<string, () => Promise<Install>>> = {
  init: async () => (await import('./commands/operate/init.ts')).installInit,
  serve: async () => (await import('./commands/operate/serve.ts')).installServe,
  append: async () => (await import('./commands/operate/append.ts')).installAppend,
  query: async () => (await import('./commands/ask/query.ts')).installQuery,
  show: async () => (await import('./commands/ask/show.ts')).installShow,
  trails: async () => (await import('./commands/ask/trails.ts')).installTrails,
  timeline: async () => (await import('./commands/ask/query.ts')).installTimeline,
  history: async () => (await import('./commands/ask/query.ts')).installHistory,
  activity: async () => (await import('./commands/ask/activity.ts')).installActivity,
  summary: async () => (await import('./commands/ask/summary.ts')).installSummary,
  tail: async () => (await import('./commands/ask/tail.ts')).installTail,
  ask: async () => (await import('./commands/ask/ask.ts')).installAsk,
  console: async () => (await import('./commands/ask/console.ts')).installConsole,
  export: async () => (await import('./commands/ask/export.ts')).installExport,
  proof: async () => (await import('./commands/check/proof.ts')).installProof,
  verify: async () => (await import('./commands/check/verify.ts')).installVerify,
  witnessed: async () => (await import('./commands/check/witnessed.ts')).installWitnessed,
  'verify-proof': async () => (await import('./commands/check/verify-proof.ts')).installVerifyProof,
  'verify-answer': async () => (await import('./commands/check/verify-answer.ts')).installVerifyAnswer,
  'verify-stream': async () => (await import('./commands/check/verify-stream.ts')).installVerifyStream,
  'verify-receipt': async () => (await import('./commands/check/verify-receipt.ts')).installVerifyReceipt,
  'verify-export': async () => (await import('./commands/check/verify-export.ts')).installVerifyExport,
  'verify-trail': async () => (await import('./commands/check/verify-trail.ts')).installVerifyTrail,
  witness: async () => (await import('./commands/operate/witness.ts')).installWitness,
  seal: async () => (await import('./commands/operate/seal.ts')).installSeal,
  forwarding: async () => (await import('./commands/operate/forwarding.ts')).installForwarding,
  hold: async () => (await import('./commands/operate/hold.ts')).installHold,
  spool: async () => (await import('./commands/operate/spool.ts')).installSpool,
  rebuild: async () => (await import('./commands/operate/rebuild.ts')).installRebuild,
  doctor: async () => (await import('./commands/check/doctor.ts')).installDoctor,
  inspect: async () => (await import('./commands/check/inspect.ts')).installInspect,
  redact: async () => (await import('./commands/check/redact.ts')).installRedact,
  mcp: async () => (await import('./commands/capture/mcp.ts')).installMcp,
  import: async () => (await import('./commands/capture/import.ts')).installImport,
  hook: async () => (await import('./commands/capture/hook.ts')).installHook,
  keys: async () => (await import('./commands/operate/keys.ts')).installKeys,
  completion: async () => (await import('./commands/operate/completion.ts')).installCompletion,
  demo: async () => (await import('./commands/operate/demo.ts')).installDemo,
};

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
  try {
    const program = buildProgram(shell, await commandsFor(args));
    program.hook('preAction', (_, command) => saveIfAsked(command, args, terminal));
    await program.parseAsync([...args], { from: 'user' });
    return shell.exitCode;
  } catch (error) {
    return explain(error, terminal, args);
  }
}

/** Saves the question that a command line asks, where it says so. */
async function saveIfAsked(command: Command, args: readonly string[], terminal: Terminal): Promise<void> {
  const { save } = command.opts();
  if (typeof save !== 'string') return;
  const { saveQuestion } = await import('./commands/ask/saved.ts');
  await saveQuestion(terminal, save, args);
}

/** The one that is named; all of them where help or completion is wanted, or none of them is meant. */
function commandsFor([name = '']: readonly string[]): Promise<Install[]> {
  const named = Object.hasOwn(COMMANDS, name) && name !== 'completion' ? COMMANDS[name] : undefined;
  return Promise.all((named === undefined ? Object.values(COMMANDS) : [named]).map((load) => load()));
}

function buildProgram(shell: Shell, commands: readonly Install[]): Command {
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
  for (const install of commands) install(program, shell);
  return program;
}

/** The commands that only show. The exit code of any other is a verdict, or says that its work was done. */
const SHOWING: ReadonlySet<string> = new Set([
  ...['query', 'show', 'trails', 'timeline', 'history', 'activity', 'summary', 'tail', 'ask'],
  ...['inspect', 'completion', 'help', '--help', '-h', '--version'],
]);

/** True if a command line neither proves nor checks anything: then its reader may stop early. */
const onlyShows = ([name = 'help', ...options]: readonly string[]): boolean =>
  SHOWING.has(name) && !options.some((option) => /^--(proof|key|policy)/.test(option));

/** Says on stderr what went wrong and what to do about it. */
function explain(error: unknown, terminal: Terminal, args: readonly string[]): number {
  // Commander has written its message or the help already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failed;
  // The reader of our output has seen enough: `sealtrail query | head`. A verdict that was not written is not ok.
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') {
    return onlyShows(args) ? EXIT.ok : EXIT.failed;
  }
  if (terminal.signal.aborted) return EXIT.interrupted;
  if (args.includes('--json')) {
    const { code, field } = error instanceof SealtrailError ? error : { code: 'internal', field: undefined };
    const text = JSON.stringify({ error: { code, message: messageOf(error), field } });
    terminal.stderr.write(shownOn(terminal.stderr, `${text}\n`));
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
