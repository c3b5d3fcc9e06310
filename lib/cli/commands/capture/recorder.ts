import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { ActionLog } from '../../../agents/action-log.ts';
import { defined } from '../../../base/defined.ts';
import type { AnyName } from '../../../client/event/event.ts';
import { credentialChain } from '../../../client/http/credential-chain.ts';
import { createAuditLogger } from '../../../client/logger/create.ts';
import type { AuditLogger } from '../../../client/logger/logger.ts';
import type { EventContext } from '../../../contract/event.ts';
import { printable } from '../../output/table.ts';
import type { Terminal } from '../../output/terminal.ts';
import { integer, type ServerOptions, serverOf, trailName, withServer } from '../../shell/shell.ts';

/** Options of the commands that log what an agent does. */
export interface CaptureOptions extends ServerOptions {
  readonly trail: string;
  readonly agent?: string;
  readonly tenant?: string;
  readonly project?: string;
  readonly content?: true;
  readonly failClosed?: true;
  readonly patience: number;
  readonly spool?: string;
}

/** Adds them. */
export function withCapture(command: Command): Command {
  return withServer(command)
    .requiredOption('--trail <trail>', 'the trail to log to', trailName)
    .option('--agent <name>', 'what the agent is called in the log (default: as it calls itself)')
    .option('--tenant <name>', 'the customer on whose behalf it acts')
    .option('--project <name>', 'the project it works on')
    .option('--content', 'log arguments and results too, redacted; their digests are logged in any case')
    .option('--fail-closed', 'refuse what cannot be logged (default: keep it in the spool and go on)')
    .option('--patience <ms>', 'how long a call waits to be logged', integer('--patience', 1, 600_000), 5000)
    .option(
      '--spool <dir>',
      'where events lie until the log has them (default: a folder per log and trail in the state folder)',
    );
}

/** A logger for what an agent does, and the rules by which it waits. */
export interface Recorder {
  readonly audit: AuditLogger<AnyName>;
  readonly actions: ActionLog;
  /** For every event. */
  readonly context: EventContext;
  /** Sends what is left, or leaves it in the spool; says on stderr what was neither. Never throws. */
  close(): Promise<void>;
}

/** Milliseconds that the outcome of a call waits for the next call, to share its batch. */
const BATCH_DELAY = 25;

/** @param patience milliseconds for the end: what the log has not answered by then stays in the spool */
export function openRecorder(terminal: Terminal, options: CaptureOptions, patience = 2000): Recorder {
  const { endpoint, region, credentials } = serverOf(terminal, options);
  const complain = (message: string): void => {
    terminal.stderr.write(`sealtrail: ${message.split('\n').map(printable).join(' ')}\n`);
  };
  const spool = options.spool ?? spoolFolder(terminal, endpoint, options);
  const audit = createAuditLogger<AnyName>({
    api: {
      ...{ trail: options.trail, endpoint, credentials: credentialChain(credentials), spool, patience },
      ...{
        batchDelay: BATCH_DELAY,
        onRecovery: ({ attempts }) => complain(`the log answers again, after ${attempts} attempts`),
      },
      ...defined({ region }),
    },
    onError: (error) => complain(error.message),
  });
  const { failClosed = false, patience: wait } = options;
  return {
    audit,
    actions: new ActionLog({ audit, failClosed, patience: wait, onTrouble: complain }),
    context: defined({ tenant: options.tenant, project: options.project }),
    close: () =>
      audit.close().catch((error: unknown) => complain(error instanceof Error ? error.message : String(error))),
  };
}

/** A spool belongs to one trail of one log and to one principal. */
function spoolFolder(
  { env }: Terminal,
  endpoint: string,
  { trail, profile = env.AWS_PROFILE }: CaptureOptions,
): string {
  const state = env.XDG_STATE_HOME ?? join(env.HOME ?? homedir(), '.local', 'state');
  const whose = createHash('sha256')
    .update(`${endpoint}\n${profile ?? ''}`)
    .digest('hex')
    .slice(0, 12);
  return join(state, 'sealtrail', 'spool', `${trail}-${whose}`);
}
