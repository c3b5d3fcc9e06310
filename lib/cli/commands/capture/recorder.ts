import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { ActionLog } from '../../../agents/action-log.ts';
import { defined } from '../../../base/defined.ts';
import type { AnyName } from '../../../client/event/event.ts';
import { credentialChain } from '../../../client/http/credential-chain.ts';
import { SignedHttp } from '../../../client/http/http.ts';
import { createAuditLogger } from '../../../client/logger/create.ts';
import type { AuditLogger } from '../../../client/logger/logger.ts';
import { ApiSink } from '../../../client/sinks/api-sink.ts';
import type { EventContext } from '../../../contract/event.ts';
import { printable } from '../../output/table.ts';
import type { Terminal } from '../../output/terminal.ts';
import { integer, type ServerOptions, serverOf, trailName, withServer } from '../../shell/shell.ts';
import { DeliveryThread } from './delivery-thread.ts';

/** Options of the commands that log what an agent does. */
export interface CaptureOptions extends ServerOptions {
  readonly trail: string;
  readonly agent?: string;
  readonly tenant?: string;
  readonly project?: string;
  readonly content?: true;
  readonly failClosed?: true;
  readonly logTimeout: number;
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
    .option('--log-timeout <ms>', 'how long a call waits to be logged', integer('--log-timeout', 1, 600_000), 5000)
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
  /** Sends the remaining events, or leaves them in the spool; reports the rest on stderr. Never throws. */
  close(): Promise<void>;
}

/** Milliseconds that the outcome of a call waits for the next call, to share its batch. */
const BATCH_DELAY = 25;

/** How a recorder sends. */
interface RecorderOptions {
  /** Milliseconds for the end: what the log has not answered by then stays in the spool. @default 2,000 */
  readonly flushTimeout?: number;
  /** True if a thread of its own sends, so that calls do not wait for it: not for a process that ends at once. @default false */
  readonly hasThread?: boolean;
}

export function openRecorder(
  terminal: Terminal,
  options: CaptureOptions,
  { flushTimeout = 2000, hasThread = false }: RecorderOptions = {},
): Recorder {
  const server = serverOf(terminal, options);
  const complain = (message: string): void => {
    terminal.stderr.write(`sealtrail: ${message.split('\n').map(printable).join(' ')}\n`);
  };
  const onError = (error: Error): void => complain(error.message);
  const { trail, failClosed = false, logTimeout } = options;
  const spool = options.spool ?? spoolFolder(terminal, server.endpoint, options);
  const start = { ...server, trail, checkpoint: join(spool, `${trail}.checkpoint`) };
  const thread = hasThread ? new DeliveryThread(start, onError) : undefined;
  const sink = new ApiSink({
    ...{ trail, spool, flushTimeout, batchDelay: BATCH_DELAY, onError, onAlarm: onError },
    http: new SignedHttp({ ...defined(server), credentials: credentialChain(server.credentials), attempts: 1 }),
    onRecovery: ({ attempts }) => complain(`the log answers again, after ${attempts} attempts`),
    ...defined({ deliverer: thread }),
  });
  const audit = createAuditLogger<AnyName>({ sinks: [sink], onError });
  return {
    audit,
    actions: new ActionLog({ audit, failClosed, logTimeout, onTrouble: complain }),
    context: defined({ tenant: options.tenant, project: options.project }),
    close: async () => {
      // What the log has not answered is no loss: it lies in the spool.
      await audit
        .close()
        .catch((error: Error) => complain(`${error.message}; the next process sends what is in ${spool}`));
      await thread?.terminate();
    },
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
