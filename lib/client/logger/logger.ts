import { SEVERITIES, type Severity } from '../../contract/vocabulary.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject, parseJson } from '../../log/json.ts';
import { invalidEvent } from '../delivery/rejection.ts';
import { type LogEvent, type PreparedEvent, prepareEvent, type TooLarge } from '../event/event.ts';
import { demandOptions } from '../event/options.ts';
import { asError, type EventReceipt, type Sink } from '../event/sink.ts';
import type { LogReader } from '../read/reader.ts';
import { AuditCalls } from './calls.ts';
import { contextualized, type SharedContext, withContext } from './context.ts';
import { LogHandle } from './handle.ts';
import { type Mirror, mirrorEvent } from './mirror.ts';

/** Looks at an event before it is logged: false leaves it out, another event takes its place, anything else lets it pass. */
export type Filter = (event: LogEvent) => FilterResult | Promise<FilterResult>;
type FilterResult = boolean | LogEvent | undefined;
/** Is told of every event that goes to the sinks. */
export type Handler = (event: Readonly<Record<string, unknown>>) => unknown;
/** How a logger behaves, whatever its sinks are. */
export interface LoggerOptions {
  /** Leaves out events below this severity. @default debug */
  readonly level?: Severity;
  /** In this order. One that throws lets the event pass: a bug in a filter must not lose events. */
  readonly filters?: readonly Filter[];
  readonly handlers?: readonly Handler[];
  /** Gets a line of text and the event at `debug`, `info`, `warn` (or `warning`) or `error` by severity; pino gets the event first. */
  readonly mirror?: Mirror;
  /** `throw`: `log` throws, with the field. `record`: an `audit.invalid_event` with the reason is logged instead. @default throw */
  readonly invalid?: 'throw' | 'record';
  /** What happens to an event over 32,512 bytes: its details are cut, with a note, or it is invalid. @default cut */
  readonly tooLarge?: TooLarge;
  /** For every event that does not say otherwise. */
  readonly context?: SharedContext;
  /** Told of all that goes wrong. @default a warning of the process */
  readonly onError?: (error: Error) => void;
  /** Closes the logger on SIGTERM and when the process has nothing left to do. @default false */
  readonly closeOnExit?: boolean;
}

/** Logs events to one sink or several. Made by {@link createAuditLogger}. */
export class AuditLogger extends AuditCalls {
  readonly #sinks: readonly Sink[];
  readonly #options: LoggerOptions;
  readonly #reader: LogReader | undefined;
  /** Events that wait for a filter, in order. */
  #waiting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** @throws `usage` without a sink, or where an option cannot be */
  constructor(sinks: readonly Sink[], options: LoggerOptions = {}, reader?: LogReader) {
    super();
    if (sinks.length === 0)
      throw new SealtrailError('usage', 'a logger needs a sink: api, file, memory or one of your own');
    demandOptions(options, { level: SEVERITIES, invalid: ['throw', 'record'], tooLarge: ['cut', 'refuse'] });
    this.#sinks = sinks;
    this.#options = options;
    this.#reader = reader;
    if (options.closeOnExit === true) {
      process.once('SIGTERM', this.#onSigterm);
      process.once('beforeExit', this.#onExit);
    }
  }

  /**
   * Logs an event, and returns at once. The event is taken as it is now.
   *
   * @throws `invalid_event`, `record_too_large` (unless `invalid` says otherwise), `store_full` by choice
   *
   * @example
   * const handle = audit.log({ type: 'invoice.paid', actor: { id: 'alice' } });
   * const receipt = await handle.receipt; // only where it matters
   */
  log(event: LogEvent): LogHandle {
    if (this.#closing !== undefined) throw new SealtrailError('unavailable', 'the logger is closed');
    const handle = new LogHandle();
    const { filters = [], context } = this.#options;
    // Prepared even where a filter will look at it: a mistake fails at the call, and later changes do not show.
    const full = isObject(event) ? contextualized(event, context) : event;
    const prepared = this.#prepare(full);
    if (filters.length === 0 && this.#waiting === undefined) this.#pass(prepared, handle);
    else this.#filter(prepared, handle);
    return handle;
  }

  /**
   * Logs an event and waits for its receipt.
   *
   * @throws as `log`, and what became of it where it did not reach the log
   * @example const receipt = await audit.logAndSeal({ type: 'invoice.paid' });
   */
  async logAndSeal(event: LogEvent): Promise<EventReceipt | undefined> {
    const handle = this.log(event);
    const receipt = handle.receipt;
    // Only so that it does not wait for others to share its batch: the receipt says what became of it.
    this.#flushAll().catch(() => undefined);
    return receipt;
  }

  /**
   * Waits until what was logged so far is safe.
   *
   * @throws `unavailable` where something is not, saying how much
   *
   * @example await audit.flush();
   */
  async flush(): Promise<void> {
    await this.#flushAll();
  }

  /**
   * Flushes, and lets go of everything; calls after the first one get its result.
   *
   * @throws as `flush`
   *
   * @example
   * const audit = createAuditLogger({ memory: {} });
   * await audit.close();
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /**
   * As the function {@link withContext}.
   *
   * @example audit.withContext({ session: 's-1' }, () => audit.log({ type: 'invoice.paid' }));
   */
  withContext<T>(context: SharedContext, fn: () => T): T {
    return withContext(context, fn);
  }

  /**
   * Questions to the log.
   *
   * @throws `usage` where no sink is a log
   *
   * @example const [newest] = await audit.reader.recent(1);
   */
  get reader(): LogReader {
    if (this.#reader === undefined) throw new SealtrailError('usage', 'only a logger with an api can be asked');
    return this.#reader;
  }

  #prepare(event: LogEvent): PreparedEvent {
    const { invalid = 'throw', tooLarge = 'cut' } = this.#options;
    try {
      return prepareEvent(event, tooLarge);
    } catch (error) {
      if (invalid === 'throw') throw error;
      this.#report(error);
      // The cast: invalidEvent makes an event that is none of the application's business.
      return prepareEvent(invalidEvent(event, asError(error).message) as unknown as LogEvent);
    }
  }

  #filter(prepared: PreparedEvent, handle: LogHandle): void {
    const run = async (): Promise<void> => {
      let event = parseJson(prepared.json) as LogEvent; // which it was
      for (const filter of this.#options.filters ?? []) {
        try {
          const result = await filter(event);
          if (result === false) return handle.landed();
          if (result !== true && isObject(result)) event = { ...result, id: result.id ?? prepared.id };
        } catch (error) {
          this.#report(error);
        }
      }
      try {
        this.#pass(prepareEvent(event, this.#options.tooLarge), handle);
      } catch (error) {
        this.#report(error);
        handle.fail(asError(error));
      }
    };
    const waiting = (this.#waiting ?? Promise.resolve()).then(run).finally(() => {
      if (this.#waiting === waiting) this.#waiting = undefined;
    });
    this.#waiting = waiting;
    handle.accepted = waiting;
  }

  #pass(event: PreparedEvent, handle: LogHandle): void {
    const { level = 'debug', handlers = [], mirror } = this.#options;
    if (SEVERITIES.indexOf(event.severity) < SEVERITIES.indexOf(level)) {
      handle.landed();
      return;
    }
    const waits: Promise<void>[] = [];
    for (const sink of this.#sinks) {
      const entry = handle.entry(event);
      const wait = sink.write(entry);
      if (wait !== undefined) waits.push(wait);
    }
    if (waits.length > 0) handle.accepted = Promise.all(waits).then(() => undefined);
    handle.landed();
    for (const handler of handlers)
      this.#tell(() => handler(parseJson(event.json) as Readonly<Record<string, unknown>>));
    if (mirror !== undefined) this.#tell(() => mirrorEvent(mirror, event));
  }

  #tell(call: () => unknown): void {
    try {
      const result = call();
      if (result instanceof Promise) result.catch((error: unknown) => this.#report(error));
    } catch (error) {
      this.#report(error);
    }
  }

  async #flushAll(): Promise<void> {
    await this.#waiting;
    const results = await Promise.allSettled(this.#sinks.map((sink) => sink.flush()));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #close(): Promise<void> {
    process.off('SIGTERM', this.#onSigterm);
    process.off('beforeExit', this.#onExit);
    await this.#waiting;
    const results = await Promise.allSettled(this.#sinks.map((sink) => sink.close()));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  readonly #onExit = (): void => {
    this.close().catch((error: unknown) => this.#report(error));
  };

  readonly #onSigterm = (): void => {
    const end = (): void => {
      // Without this logger's listener the signal would have ended the process: unless others want it, it still does.
      if (process.listenerCount('SIGTERM') === 0) process.kill(process.pid, 'SIGTERM');
    };
    this.close()
      .catch((error: unknown) => this.#report(error))
      .finally(end);
  };

  #report(thrown: unknown): void {
    const error = asError(thrown);
    try {
      if (this.#options.onError === undefined) process.emitWarning(error);
      else this.#options.onError(error);
    } catch (cause) {
      process.emitWarning(asError(cause)); // A bug in onError must not become one of the application.
    }
  }
}
