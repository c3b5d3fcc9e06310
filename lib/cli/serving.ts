import { once } from 'node:events';
import { resolve } from 'node:path';
import { handle } from '../api/handle.ts';
import { SealtrailError } from '../log/error.ts';
import { type Embedded, openEmbedded } from '../server/embedded.ts';
import { type AccessEntry, HttpServer } from '../server/server.ts';
import type { ServeOptions } from './commands/serve.ts';
import { type Output, type Terminal, write } from './terminal.ts';

/** Runs a server until the user wants it to stop; then finishes what is under way. */
export async function serve(terminal: Terminal, options: ServeOptions): Promise<void> {
  const { stdout, stderr, signal } = terminal;
  const log = await openEmbedded(options.data, {
    ...(options.logName === undefined ? {} : { logName: options.logName }),
    onError: (error, source) => complain(stderr, source, error),
  });
  try {
    const server = await listen(log, options, stderr);
    await write(stdout, `listening on ${server.url}\n`);
    await write(stderr, invitation(server.url, log.folder.credentialsFile));
    if (!signal.aborted) await once(signal, 'abort');
    await server.close();
  } finally {
    await log.close();
  }
}

/** Serves an open log over HTTP; errors that are not a caller's go to `stderr`. */
export function listen(
  log: Embedded,
  options: Pick<ServeOptions, 'port' | 'host' | 'logRequests'>,
  stderr: Output,
): Promise<HttpServer> {
  const record = (entry: AccessEntry): void => {
    if (options.logRequests || entry.status >= 500) stderr.write(`${JSON.stringify(entry)}\n`);
  };
  return HttpServer.listen({
    handle: (request) => handle(log, request, (error) => complain(stderr, { requestId: request.requestId }, error)),
    directory: log.directory,
    log: record,
    host: options.host,
    port: options.port,
  });
}

/** One line of JSON for whoever runs the server: what failed, and everything that is known of why. */
function complain(stderr: Output, source: object, error: unknown): void {
  const causes: string[] = [];
  for (
    let at: unknown = error;
    at !== undefined && causes.length < 8;
    at = at instanceof Error ? at.cause : undefined
  ) {
    causes.push(
      at instanceof SealtrailError
        ? `${at.code}: ${at.message}`
        : at instanceof Error
          ? (at.stack ?? at.message)
          : String(at),
    );
  }
  stderr.write(`${JSON.stringify({ at: new Date().toISOString(), ...source, causes })}\n`);
}

function invitation(url: string, credentialsFile: string): string {
  return `To use it from another terminal:
  export SEALTRAIL_ENDPOINT=${url}
  export AWS_SHARED_CREDENTIALS_FILE=${resolve(credentialsFile)} AWS_PROFILE=admin
Profiles: writer appends; auditor reads and verifies; admin does all. Ctrl-C stops.
`;
}
