import { openDownload } from './downloads.ts';
import type { Embedded } from './embedded.ts';
import { ROUTER } from './router.ts';
import { HttpServer, type ServerOptions } from './server.ts';

export interface ServeOptions extends Omit<ServerOptions, 'handle' | 'openLink' | 'directory'> {
  /** Told of every error that is not a caller's, with the id of the request that met it. Must not throw. */
  readonly onError: (error: unknown, requestId: string) => void;
}

/**
 * Serves an open log over HTTP, to those in its directory. Close the server before the log.
 *
 * @throws as {@link HttpServer.listen}
 *
 * @example
 * const log = await openEmbedded('./data');
 * const server = await serveLog(log, { port: 8321, log: () => undefined, onError: console.error });
 */
export function serveLog(log: Embedded, { onError, ...options }: ServeOptions): Promise<HttpServer> {
  return HttpServer.listen({
    ...options,
    handle: (request) => ROUTER.handle(log, request, (error) => onError(error, request.requestId)),
    openLink: (path) => openDownload(log.downloads, path),
    directory: log.directory,
  });
}
