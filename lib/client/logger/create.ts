import { SealtrailError } from '../../log/error.ts';
import { asError, type Sink } from '../event/sink.ts';
import { type Credentials, SignedHttp } from '../http/http.ts';
import { LogReader } from '../read/reader.ts';
import { ApiSink, type ApiSinkOptions } from '../sinks/api-sink.ts';
import { FileSink, type FileSinkOptions } from '../sinks/file-sink.ts';
import { MemorySink, type MemorySinkOptions } from '../sinks/memory-sink.ts';
import { AuditLogger, type LoggerOptions } from './logger.ts';

/** Which log to send to, and how. */
export interface ApiOptions extends Omit<ApiSinkOptions, 'http'> {
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

/** What a logger is made of: at least one sink. */
export interface AuditLoggerOptions extends LoggerOptions {
  readonly api?: ApiOptions;
  readonly file?: FileSinkOptions;
  readonly memory?: MemorySinkOptions;
  /** Any others. */
  readonly sinks?: readonly Sink[];
}

/**
 * Makes a logger.
 *
 * @throws `usage` where there is no sink, no endpoint for the API, or an option cannot be
 *
 * @example
 * const audit = createAuditLogger({ api: { trail: 'orders', spool: 'audit-spool' } });
 * audit.log({ type: 'invoice.paid', actor: { id: 'alice' } });
 * await audit.close();
 */
export function createAuditLogger(options: AuditLoggerOptions): AuditLogger {
  const { api, file, memory, sinks = [] } = options;
  const onError = options.onError ?? ((error: Error) => process.emitWarning(asError(error)));
  const all: Sink[] = [];
  let reader: LogReader | undefined;
  if (api !== undefined) {
    all.push(new ApiSink({ onError, onAlarm: onError, ...api, http: connect(api, 1) }));
    reader = new LogReader(connect(api, 6), api.trail);
  }
  if (file !== undefined) all.push(new FileSink({ onError, ...file }));
  if (memory !== undefined) all.push(new MemorySink(memory));
  return new AuditLogger([...all, ...sinks], options, reader);
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

/** Loaded when it is needed, so that those who bring credentials of their own do not pay for it. */
function credentialChain(): () => Promise<Credentials> {
  let chain: Promise<() => Promise<Credentials>> | undefined;
  return async () => {
    chain ??= import('@aws-sdk/credential-provider-node').then(({ defaultProvider }) => defaultProvider());
    return (await chain)();
  };
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
