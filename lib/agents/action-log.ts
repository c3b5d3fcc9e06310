import type { LogEvent } from '../client/event/event.ts';
import type { Fields } from '../client/logger/calls.ts';
import type { LogHandle } from '../client/logger/handle.ts';

/** The part of an {@link AuditLogger} that actions are logged with. */
export interface ActionSink {
  log(event: LogEvent): LogHandle;
  logNow(event: LogEvent): LogHandle;
}

/** How actions are logged. */
export interface ActionLogOptions {
  readonly audit: ActionSink;
  /**
   * True if an action must wait for the log, and not go on without it. Otherwise it waits for the spool, and goes on where even
   * that takes too long.
   */
  readonly failClosed: boolean;
  /** How long an action waits for its request to be logged, in milliseconds. */
  readonly logTimeout: number;
  /** Called when an action goes on, or is refused, although its request is not safe yet. One English sentence. */
  readonly onTrouble: (message: string) => void;
}

/** Logs an agent's request before it is carried out, and its outcome. */
export class ActionLog {
  readonly #options: ActionLogOptions;

  constructor(options: ActionLogOptions) {
    this.#options = options;
  }

  /**
   * Logs `action.requested` and waits until it is safe: in the log with `failClosed`, else in the spool.
   *
   * @param action its id, which its outcome repeats as `context.action`
   * @returns why the action must not go on; undefined where it may
   */
  async requested(action: string, fields: Fields): Promise<string | undefined> {
    const { audit, failClosed, onTrouble } = this.#options;
    const event = { ...fields, type: 'action.requested', context: { ...fields.context, action } };
    const why = await this.#unsafe(() => audit.logNow(event));
    if (why === undefined) return undefined;
    onTrouble(`${failClosed ? 'refused' : 'let through'} unlogged: ${fields.action ?? 'an action'}: ${why}`);
    if (!failClosed) return undefined;
    // The request is on its way, and may be logged later: its outcome then shows that it was not carried out.
    const details = { ...fields.details, reasons: [`not logged in time: ${why}`] };
    audit.log({ ...event, type: 'action.denied', decision: 'deny', details });
    return why;
  }

  /** Logs how an action ended: `action.executed` with the outcome `success`, else `action.failed`. Waits for nothing. */
  ended(action: string, durationMs: number | undefined, fields: Fields): void {
    const { outcome = 'success' } = fields;
    const type = outcome === 'success' ? 'action.executed' : 'action.failed';
    const details = { ...(durationMs === undefined ? {} : { durationMs }), ...fields.details };
    this.#options.audit.log({ ...fields, type, outcome, details, context: { ...fields.context, action } });
  }

  /** Logs anything else. Waits for nothing. */
  note(event: LogEvent): void {
    this.#options.audit.log(event);
  }

  async #unsafe(log: () => LogHandle): Promise<string | undefined> {
    const { failClosed, logTimeout } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`it took longer than ${logTimeout} ms to log it`), logTimeout);
    });
    try {
      const handle = log();
      const safe = failClosed ? handle.receipt : handle.kept;
      return await Promise.race([safe.then(() => undefined), late]);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      clearTimeout(timer);
    }
  }
}
