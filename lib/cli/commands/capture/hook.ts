import { hookEvent } from '../../../agents/hooks/hook-event.ts';
import { logHook } from '../../../agents/hooks/log-hook.ts';
import { SealtrailError } from '../../../log/error.ts';
import type { Input } from '../../output/terminal.ts';
import type { Install, Shell } from '../../shell/shell.ts';
import { type CaptureOptions, openRecorder, withCapture } from './recorder.ts';

/** A hook's exit codes, as agents read them: 2 blocks the call, anything else but 0 is shown and blocks nothing. */
const HOOK_EXIT = { failed: 1, block: 2 } as const;
/** Milliseconds that the log has to answer: what it has not answered by then stays in the spool for the next hook. */
const FLUSH_TIMEOUT = 1000;
/** Most bytes of an event. */
const MAX_BYTES = 64 * 1024 * 1024;

export const installHook: Install = (program, shell) => {
  const command = program
    .command('hook')
    .summary("log what a command-line agent's hook tells")
    .description(
      'Reads the event of a hook as JSON on standard input, as Claude Code, Gemini CLI and others write it, and logs it:\n' +
        'PreToolUse as action.requested, PostToolUse as action.executed, others as agent.… and prompt.submitted.\n' +
        'Prints nothing. Exit code 0; 1 where it could not be logged; with --fail-closed 2 then, which blocks the call.',
    );
  withCapture(command).action((options: CaptureOptions) => hook(shell, options));
};

async function hook(shell: Shell, options: CaptureOptions): Promise<void> {
  const { terminal } = shell;
  const { agent = 'agent', content = false, failClosed = false, tenant, project } = options;
  try {
    const event = hookEvent(await readText(terminal.stdin), { agent, content, tenant, project });
    const recorder = openRecorder(terminal, options, { flushTimeout: FLUSH_TIMEOUT });
    const why = await logHook(event, recorder.actions);
    await recorder.close();
    if (why !== undefined) shell.exitCode = HOOK_EXIT.block;
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    terminal.stderr.write(`sealtrail: ${error.message}\n`);
    shell.exitCode = failClosed ? HOOK_EXIT.block : HOOK_EXIT.failed;
  }
}

async function readText(stdin: Input): Promise<string> {
  const parts: Buffer[] = [];
  let held = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    held += bytes.length;
    if (held > MAX_BYTES)
      throw new SealtrailError('invalid_json', `the event of a hook has more than ${MAX_BYTES} bytes`);
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString('utf8');
}
