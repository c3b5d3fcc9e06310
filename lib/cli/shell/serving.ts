import { once } from 'node:events';
import { resolve } from 'node:path';
import { defined } from '../../base/defined.ts';
import type { TimestampSettings } from '../../followers/timestamps/timestamper.ts';
import { SealtrailError } from '../../log/error.ts';
import { type Embedded, openEmbedded } from '../../server/embedded.ts';
import { serveLog } from '../../server/serve.ts';
import type { AccessEntry, HttpServer } from '../../server/server.ts';
import { type Output, type Terminal, write } from '../output/terminal.ts';
import { complain } from './complain.ts';
import type { SettingOptions } from './settings.ts';
import { readPolicy, readText } from './trust.ts';

/** Options of `sealtrail serve`. */
export interface ServeOptions extends SettingOptions {
  readonly data: string;
  readonly port: number;
  readonly host: string;
  readonly logName?: string;
  readonly policy?: string;
  /** Seconds. */
  readonly witnessLag: number;
  readonly mlDsa?: true;
  readonly tsa?: string;
  readonly tsaCa?: string;
  /** Seconds. */
  readonly tsaLag: number;
  readonly logRequests?: boolean;
  readonly threads?: number;
  readonly config?: string;
  readonly forward?: string;
}

/** Runs a server until the user stops it, then finishes pending work. */
export async function serve(terminal: Terminal, options: ServeOptions): Promise<void> {
  const { stdout, stderr, signal } = terminal;
  const policy = options.policy === undefined ? undefined : await readPolicy(options.policy);
  const timestamps = await timestampSettings(options);
  const log = await openEmbedded(options.data, {
    ...(policy && { witnesses: { policy, alarmMs: options.witnessLag * 1000 } }),
    ...defined({ logName: options.logName, intakeThreads: options.threads }),
    ...(timestamps && { timestamps }),
    ...(options.mlDsa && { mlDsa: true }),
    settings: defined({
      ...{ configFile: options.config, pii: options.pii, hotDays: options.retention },
      forwardFile: options.forward,
    }),
    onError: (error, source) => complain(stderr, source, error),
  });
  try {
    const server = await listen(log, options, stderr);
    try {
      await write(stdout, `listening on ${server.url}\n`);
      await write(stderr, invitation(server.url, log.folder.credentialsFile));
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      await server.close();
    }
  } finally {
    await log.close();
  }
}

/** @throws `usage`, `malformed_key` */
async function timestampSettings({ tsa, tsaCa, tsaLag }: ServeOptions): Promise<TimestampSettings | undefined> {
  if (tsa === undefined) {
    if (tsaCa !== undefined) throw new SealtrailError('usage', '--tsa-ca is of use only with --tsa');
    return undefined;
  }
  const authorities = tsaCa === undefined ? undefined : await readText(tsaCa, 'the certificates');
  // Read here, so that a wrong file is told before the first seal.
  if (authorities !== undefined) (await import('../../tsp/authorities.ts')).parseAuthorities(authorities);
  return { url: tsa, alarmMs: tsaLag * 1000, ...defined({ authorities }) };
}

/** Serves an open log over HTTP; errors that are not a caller's fault go to `stderr`. */
export function listen(
  log: Embedded,
  { port, host, logRequests = false }: Pick<ServeOptions, 'port' | 'host' | 'logRequests'>,
  stderr: Output,
): Promise<HttpServer> {
  return serveLog(log, {
    host,
    port,
    log: (entry: AccessEntry) => {
      if (logRequests || entry.status >= 500) stderr.write(`${JSON.stringify(entry)}\n`);
    },
    onError: (error, requestId) => complain(stderr, { requestId }, error),
  });
}

function invitation(url: string, credentialsFile: string): string {
  return `To use it from another terminal:
  export SEALTRAIL_ENDPOINT=${url}
  export AWS_SHARED_CREDENTIALS_FILE=${resolve(credentialsFile)} AWS_PROFILE=admin
Profiles: writer appends; auditor reads and verifies; admin does all. Ctrl-C stops.
`;
}
