import type { EventName } from '../../contract/catalogue.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Outage } from '../delivery/outbox.ts';
import type { AnyName } from '../event/event.ts';
import { assertKnown } from '../event/options.ts';
import { asError, type Sink } from '../event/sink.ts';
import { credentialChain } from '../http/credential-chain.ts';
import { type Credentials, SignedHttp } from '../http/http.ts';
import { LogReader } from '../read/reader.ts';
import { ApiSink, type ApiSinkOptions } from '../sinks/api-sink.ts';
import { FileSink, type FileSinkOptions } from '../sinks/file-sink.ts';
import { MemorySink, type MemorySinkOptions } from '../sinks/memory-sink.ts';
import { AuditLogger, type LoggerOptions } from './logger.ts';

/** Which log to send to, and how. */
export interface ApiOptions extends Omit<ApiSinkOptions, 'http' | 'deliverer'> {
  /** @default the environment variable SEALTRAIL_ENDPOINT */
  readonly endpoint?: string;
  /** @default the AWS SDK's chain of credential providers */
  readonly credentials?: () => Promise<Credentials>;
  /** @default as for {@link SignedHttp} */
  readonly region?: string;
  /** Milliseconds that one attempt may take. @default 30,000 */
  readonly timeout?: number;
  /** @default as for {@link SignedHttp} */
  readonly compress?: boolean;
}

/** The options of a logger: at least one sink. */
export interface AuditLoggerOptions extends LoggerOptions {
  readonly api?: ApiOptions;
  readonly file?: FileSinkOptions;
  readonly memory?: MemorySinkOptions;
  /** Any others. */
  readonly sinks?: readonly Sink[];
}

const BUFFER = { maxEvents: true, maxBytes: true, whenFull: true } as const;

/** Every option, so that one with a slip of the pen is refused: an option of the types that is not here does not compile. */
function assertOnlyKnown(options: AuditLoggerOptions): void {
  const { api, file, memory } = options;
  assertKnown<AuditLoggerOptions>(options, {
    ...{ api: true, file: true, memory: true, sinks: true, level: true, filters: true, handlers: true, mirror: true },
    ...{ invalid: true, tooLarge: true, privacy: true, enabled: true, context: true, onError: true, closeOnExit: true },
  });
  if (api !== undefined) {
    const known = {
      ...{ ...BUFFER, endpoint: true, credentials: true, region: true, timeout: true, compress: true, trail: true },
      ...{ keys: true, spool: true, checkpoint: true, maxSpoolBytes: true, batchEvents: true, batchBytes: true },
      ...{ batchDelay: true, flushTimeout: true, onError: true, onRecovery: true, onAlarm: true },
    } as const;
    assertKnown<ApiOptions>(api, known, 'api.');
  }
  if (file !== undefined) {
    const known = {
      ...BUFFER,
      dir: true,
      prefix: true,
      rotate: true,
      format: true,
      fsync: true,
      keepDays: true,
    } as const;
    assertKnown<FileSinkOptions>(file, { ...known, onError: true, clock: true }, 'file.');
  }
  if (memory !== undefined) assertKnown<MemorySinkOptions>(memory, { limit: true }, 'memory.');
}

/**
 * Makes a logger.
 *
 * @typeParam Own the application's own types of events: where they are named, other names do not compile
 * @throws `usage` where there is no sink, no endpoint for the API, or an option is unknown or cannot be
 *
 * @example
 * const audit = createAuditLogger({ api: { trail: 'orders', spool: 'audit-spool' } });
 * audit.log({ type: 'invoice.paid', actor: { id: 'alice' } });
 * await audit.close();
 */
export function createAuditLogger<Own extends string = AnyName>(
  options: AuditLoggerOptions,
): AuditLogger<EventName | Own> {
  assertOnlyKnown(options);
  const { api, file, memory, sinks = [] } = options;
  const onError = options.onError ?? ((error: Error) => process.emitWarning(asError(error)));
  const all: Sink[] = [];
  let reader: LogReader | undefined;
  if (api !== undefined) {
    assertLog(api);
    const onRecovery = options.onError === undefined ? warnOfRecovery : () => undefined;
    all.push(new ApiSink({ onError, onRecovery, onAlarm: onError, ...api, http: connect(api, 1) }));
    reader = new LogReader(connect(api, 6), api.trail);
  }
  if (file !== undefined) all.push(new FileSink({ onError, ...file }));
  if (memory !== undefined) all.push(new MemorySink(memory));
  return new AuditLogger([...all, ...sinks], options, reader);
}

function warnOfRecovery({ since, attempts }: Outage): void {
  process.emitWarning(`delivery is well again, after ${attempts} attempts that failed since ${since.toISOString()}`);
}

/** All at once: who has one of them wrong has not read of the other. */
function assertLog({ endpoint = process.env.SEALTRAIL_ENDPOINT, trail }: Partial<ApiOptions>): void {
  const missing = [
    ...(endpoint === undefined || endpoint === '' ? ['where the log is (endpoint, or SEALTRAIL_ENDPOINT)'] : []),
    ...(trail === undefined ? ['the name of the trail to log to (trail)'] : []),
  ];
  if (missing.length > 0) throw new SealtrailError('usage', `api needs ${missing.join(' and ')}`, { field: 'api' });
}

function connect(api: ApiOptions, attempts: number): SignedHttp {
  const { region, timeout, compress, credentials = credentialChain() } = api;
  const endpoint = api.endpoint ?? process.env.SEALTRAIL_ENDPOINT ?? '';
  return new SignedHttp({
    ...{ endpoint, credentials, attempts },
    ...(region === undefined ? {} : { region }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(compress === undefined ? {} : { compress }),
  });
}

let shared: AuditLogger | undefined;

/**
 * The one logger of the process: the first call makes it.
 *
 * @throws `usage` where it is there and options are given, or neither is there
 * @example sharedAuditLogger({ file: { dir: 'audit' } }); // once, at the start; then anywhere: sharedAuditLogger()
 */
export function sharedAuditLogger(options?: AuditLoggerOptions): AuditLogger {
  if (shared !== undefined && options !== undefined) {
    throw new SealtrailError('usage', 'the shared logger is there already: resetSharedAuditLogger closes it');
  }
  if (shared === undefined && options === undefined) {
    throw new SealtrailError('usage', 'there is no shared logger yet: its first call gives the options');
  }
  if (options !== undefined) shared = createAuditLogger(options);
  if (shared === undefined) throw new RangeError('one of the three cases above');
  return shared;
}

/**
 * Closes the shared logger and forgets it: for tests.
 *
 * @example await resetSharedAuditLogger();
 */
export async function resetSharedAuditLogger(): Promise<void> {
  const closing = shared;
  shared = undefined;
  await closing?.close();
}
