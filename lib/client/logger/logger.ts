import { SEVERITIES, type Severity } from '../../contract/vocabulary.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject, parseJson } from '../../log/json.ts';
import {
  type AnyName,
  type Invalid,
  type LogEvent,
  type PreparedEvent,
  prepareEvent,
  scrubbed,
  type TooLarge,
} from '../event/event.ts';
import { type EventPrivacy, type Scrubbing, scrubbing } from '../event/event-privacy.ts';
import { assertOptions } from '../event/options.ts';
import { asError, type EventReceipt, type Sink, withResolvers } from '../event/sink.ts';
import { toSerializable } from '../event/to-serializable.ts';
import type { KeepingSink } from '../read/kept-records.ts';
import type { AuditReader } from '../read/reader.ts';
import { SinkReader } from '../read/sink-reader.ts';
import { AuditCalls } from './calls.ts';
import { contextualized, type SharedContext, withContext } from './context.ts';
import { LogHandle } from './handle.ts';
import { type Mirror, mirrorEvent } from './mirror.ts';

/** Looks at an event before it is logged: false leaves it out, another event takes its place, anything else lets it pass. */
export type Filter = (event: LogEvent) => FilterResult | Promise<FilterResult>;
type FilterResult = boolean | LogEvent | undefined;
/** Called for every event that goes to the sinks. */
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
  /**
   * The treatment of an event with an unknown field, or a value that does not fit its field. `fit`: it is kept in
   * another form, `converted` lists the places, and `onError` hears of each field once. `throw`: `log` throws, with the
   * field. For tests: in production, a caller who sends such a value would keep it from being logged.
   *
   * @default fit
   */
  readonly invalid?: Invalid;
  /** The treatment of an event over 32,512 bytes: its details are cut, with a note, or `log` throws. @default cut */
  readonly tooLarge?: TooLarge;
  /** Secrets and personal data that are taken out before an event goes anywhere. @default as a log does by default */
  readonly privacy?: EventPrivacy | 'off';
  /** True if anything is logged. @default true */
  readonly enabled?: boolean;
  /** For every event that does not say otherwise. */
  readonly context?: SharedContext;
  /** Called for all that goes wrong. @default a warning of the process */
  readonly onError?: (error: Error) => void;
  /** Closes the logger on SIGTERM and when the process has nothing left to do. @default false */
  readonly closeOnExit?: boolean;
}

/** Fields whose misuse is reported, at most. */
const MAX_REPORTED = 100;
/** How long `flush` and `close` wait for handlers, in milliseconds. */
const HANDLERS_MS = 10_000;

/**
 * Logs events to one sink or several. Made by {@link createAuditLogger}.
 *
 * @typeParam Name of the types of events that may be logged
 */
export class AuditLogger<Name extends string = AnyName> extends AuditCalls<Name> {
  readonly #sinks: readonly Sink[];
  readonly #options: LoggerOptions;
  #reader: AuditReader | undefined;
  readonly #scrubbing: Scrubbing | undefined;
  readonly #filters: Filter[];
  readonly #handlers: Handler[];
  /** Fields whose misuse was reported. */
  readonly #unfit = new Set<string>();
  /** Events that wait for a filter, in order. */
  #waiting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Calls of handlers and of the mirror that go on. */
  readonly #handling = new Set<Promise<void>>();

  /** @throws `usage` without a sink, or where an option cannot be */
  constructor(sinks: readonly Sink[], options: LoggerOptions = {}, reader?: AuditReader) {
    super();
    if (sinks.length === 0)
      throw new SealtrailError('usage', 'a logger needs a sink: api, file, memory or one of your own');
    assertOptions(options, { level: SEVERITIES, invalid: ['fit', 'throw'], tooLarge: ['cut', 'refuse'] });
    this.#sinks = sinks;
    this.#options = options;
    this.#reader = reader;
    this.#filters = [...(options.filters ?? [])];
    this.#handlers = [...(options.handlers ?? [])];
    const hasLog = sinks.some(({ isLog }) => isLog === true);
    this.#scrubbing = options.privacy === 'off' ? undefined : scrubbing(options.privacy ?? {}, hasLog);
    if (options.closeOnExit === true) {
      process.once('SIGTERM', this.#onSigterm);
      process.once('beforeExit', this.#onExit);
    }
  }

  /**
   * Logs an event, and returns at once. The event is taken as it is now.
   *
   * @param choices other than the logger's, for this event
   * @throws by choice only: `invalid_event`, `record_too_large`, `store_full`; `unavailable` once the logger is closed
   *
   * @example
   * const handle = audit.log({ type: 'invoice.paid', actor: { id: 'alice' } });
   * const receipt = await handle.receipt; // only where it matters
   */
  log(event: LogEvent<Name>, choices: Pick<LoggerOptions, 'invalid' | 'tooLarge'> = {}): LogHandle {
    if (this.#closing !== undefined) throw new SealtrailError('unavailable', 'the logger is closed');
    const handle = new LogHandle();
    if (this.#options.enabled === false) {
      handle.landed();
      return handle;
    }
    const isFiltered = this.#filters.length > 0 || this.#waiting !== undefined;
    // Prepared even where a filter will look at it: a mistake fails at the call, and later changes do not show.
    const prepared = prepareEvent(this.#inContext(event), {
      ...{ invalid: choices.invalid ?? this.#options.invalid, tooLarge: choices.tooLarge ?? this.#options.tooLarge },
      ...{ scrub: isFiltered ? undefined : this.#scrubbing?.always, onUnfit: this.#onUnfit },
    });
    if (isFiltered) this.#filter(prepared, handle);
    else this.#pass(prepared, handle);
    return handle;
  }

  /**
   * As {@link log}, but without waiting for other events to share its batch: for an event that something waits for.
   *
   * @throws as `log`
   * @example await audit.logNow({ type: 'action.requested' }).kept; // from here on a crash does not lose it
   */
  logNow(event: LogEvent<Name>): LogHandle {
    const handle = this.log(event);
    for (const sink of this.#sinks) sink.hurry?.();
    return handle;
  }

  /** Adds a handler, which is called for every event from now on. @example audit.addHandler(console.log); */
  addHandler(handler: Handler): void {
    this.#handlers.push(handler);
  }

  /** Removes a handler. @returns whether it was there @example audit.removeHandler(console.log); */
  removeHandler(handler: Handler): boolean {
    return removeFrom(this.#handlers, handler);
  }

  /** A filter that looks at every event from now on, after the others. It sees secrets. @example audit.addFilter(({ type }) => type !== 'data.read'); */
  addFilter(filter: Filter): void {
    this.#filters.push(filter);
  }

  /** Removes a filter. @returns whether it was there @example audit.removeFilter(() => true); */
  removeFilter(filter: Filter): boolean {
    return removeFrom(this.#filters, filter);
  }

  /**
   * Logs an event and waits for its receipt.
   *
   * @throws as `log`, and the reason if it did not reach the log
   * @example const receipt = await audit.logAndSeal({ type: 'invoice.paid' });
   */
  async logAndSeal(event: LogEvent<Name>): Promise<EventReceipt | undefined> {
    const handle = this.log(event);
    const receipt = handle.receipt;
    // Only so that it does not wait for others to share its batch: the receipt has the outcome.
    this.#settleAll('flush').catch(() => undefined);
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
    await this.#settleAll('flush');
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
   * Questions to the log; without an api, to what the file or the memory sink keeps, or one of your own with `kept`. They are the
   * same, and so are their answers; but nothing proves what a sink says.
   *
   * @throws `usage` where no sink can be asked
   *
   * @example const [newest] = await audit.reader.recent(1);
   */
  get reader(): AuditReader {
    if (this.#reader !== undefined) return this.#reader;
    const sink = this.#sinks.find((one): one is KeepingSink => one.kept !== undefined);
    if (sink === undefined)
      throw new SealtrailError('usage', 'none of the sinks can be asked: an api, a file or memory can');
    this.#reader = new SinkReader(sink, { settle: () => this.#settle(sink), onError: (error) => this.#report(error) });
    return this.#reader;
  }

  async #settle(sink: Sink): Promise<void> {
    await this.#waiting;
    await sink.flush();
  }

  #inContext(event: LogEvent): LogEvent {
    const { context } = this.#options;
    try {
      return isObject(event) ? contextualized(event, context) : event;
    } catch {
      // A getter or a proxy that throws. The cast: what it is instead is checked with the rest.
      const read = toSerializable(event) as LogEvent;
      return isObject(read) ? contextualized(read, context) : read;
    }
  }

  readonly #onUnfit = (error: SealtrailError): void => {
    const field = error.field ?? '';
    // Callers may choose the names of fields.
    if (this.#unfit.has(field) || this.#unfit.size >= MAX_REPORTED) return;
    this.#unfit.add(field);
    const message = `an event did not fit and was logged in another form: ${error.message}`;
    this.#report(new SealtrailError('invalid_event', message, { cause: error, field }));
  };

  #filter(prepared: PreparedEvent, handle: LogHandle): void {
    const run = async (): Promise<void> => {
      let event = parseJson(prepared.json) as LogEvent; // which it was
      for (const filter of [...this.#filters]) {
        try {
          const result = await filter(event);
          if (result === false) return handle.landed();
          if (result !== true && isObject(result)) event = { ...result, id: result.id ?? prepared.id };
        } catch (error) {
          this.#report(error);
        }
      }
      try {
        // Too late to throw: what a filter made of the event is logged as it fits.
        this.#pass(prepareEvent(event, { scrub: this.#scrubbing?.always, onUnfit: this.#onUnfit }), handle);
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
    const { level = 'debug', mirror } = this.#options;
    if (SEVERITIES.indexOf(event.severity) < SEVERITIES.indexOf(level)) {
      handle.landed();
      return;
    }
    const local = this.#masked(event);
    const waits: Promise<void>[] = [];
    const refusals: unknown[] = [];
    for (const sink of this.#sinks) {
      try {
        const wait = sink.write(handle.entry(sink.isLog === true ? event : local));
        if (wait !== undefined) waits.push(wait);
      } catch (error) {
        refusals.push(error); // The other sinks take it all the same.
      }
    }
    if (refusals.length > 0) throw refusals[0];
    if (waits.length > 0) handle.accepted = Promise.all(waits).then(() => undefined);
    handle.landed();
    for (const handler of [...this.#handlers])
      this.#tell(() => handler(parseJson(local.json) as Readonly<Record<string, unknown>>));
    if (mirror !== undefined) this.#tell(() => mirrorEvent(mirror, local));
  }

  /** The event for a value that is not a log. Most loggers have nothing but a log. */
  #masked(event: PreparedEvent): PreparedEvent {
    const mask = this.#scrubbing?.locally;
    const isNeeded =
      this.#handlers.length > 0 ||
      this.#options.mirror !== undefined ||
      this.#sinks.some(({ isLog }) => isLog !== true);
    return mask === undefined || !isNeeded ? event : scrubbed(event, mask);
  }

  #tell(call: () => unknown): void {
    try {
      const result = call();
      if (!(result instanceof Promise)) return;
      const telling: Promise<void> = result
        .catch((error: unknown) => this.#report(error))
        .then(() => void this.#handling.delete(telling));
      this.#handling.add(telling);
    } catch (error) {
      this.#report(error);
    }
  }

  /** Flushes or closes all that an event goes to. @throws what the first of them throws, once all have come to their end */
  async #settleAll(how: 'flush' | 'close'): Promise<void> {
    await this.#waiting;
    const results = await Promise.allSettled([...this.#sinks.map((sink) => sink[how]()), this.#handlersDone()]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** @throws `unavailable` where handlers or the mirror have not come to their end in time */
  async #handlersDone(): Promise<void> {
    const all = Promise.all(this.#handling);
    const { promise: late, resolve } = withResolvers();
    const timer = setTimeout(resolve, HANDLERS_MS);
    await Promise.race([all, late]);
    clearTimeout(timer);
    const { size } = this.#handling;
    if (size > 0) throw new SealtrailError('unavailable', `handlers still run: ${size}`);
  }

  async #close(): Promise<void> {
    process.off('SIGTERM', this.#onSigterm);
    process.off('beforeExit', this.#onExit);
    await this.#settleAll('close');
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

function removeFrom<T>(list: T[], item: T): boolean {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}
