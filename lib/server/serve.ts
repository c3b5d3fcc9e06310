import type { Services } from '../api/services.ts';
import { SealtrailError } from '../log/error.ts';
import type { FolderDownloads } from '../store/folder/downloads.ts';
import type { Directory } from './access.ts';
import { openDownload } from './downloads.ts';
import { ROUTER } from './router.ts';
import { HttpServer, type ServerOptions } from './server.ts';

/** A log that can be served, such as one of {@link openEmbedded}, or of {@link openLog} with a directory of its callers. */
export interface ServedLog extends Services {
  /** Who may call, with which access keys. */
  readonly directory: Directory;
  /** Files behind links to this server. @default none: links lead to the store of the downloads itself */
  readonly downloads?: Pick<FolderDownloads, 'follow'>;
}

export interface ServeOptions extends Omit<ServerOptions, 'handle' | 'openLink' | 'directory'> {
  /** Called on every error that is not the caller's, with the id of the request. Must not throw. */
  readonly onError: (error: unknown, requestId: string) => void;
}

/**
 * Serves an open log over HTTP, to the callers in its directory. Close the server before the log.
 *
 * @throws as {@link HttpServer.listen}
 *
 * @example
 * const log = await openEmbedded('./data');
 * const server = await serveLog(log, { port: 8321, log: () => undefined, onError: console.error });
 */
export function serveLog(log: ServedLog, { onError, ...options }: ServeOptions): Promise<HttpServer> {
  const { directory, downloads } = log;
  return HttpServer.listen({
    ...options,
    handle: (request) => ROUTER.handle(log, request, (error) => onError(error, request.requestId)),
    openLink: async (path) => {
      if (downloads !== undefined) return openDownload(downloads, path);
      throw new SealtrailError('not_found', 'no downloads are handed out here');
    },
    directory,
  });
}
