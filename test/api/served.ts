import { SignedHttp } from '../../lib/client/http/http.ts';
import { type Embedded, openEmbedded } from '../../lib/server/embedded.ts';
import { serveLog } from '../../lib/server/serve.ts';
import type { AccessEntry, HttpServer } from '../../lib/server/server.ts';
import { makeFolder, removeFolder } from '../store/temporary.ts';

/** A real embedded log behind a real socket, in a folder of its own. */
export interface Served {
  readonly log: Embedded;
  readonly server: HttpServer;
  readonly url: string;
  readonly folder: string;
  /** What the server wrote to its access log. */
  readonly entries: readonly AccessEntry[];
  /** Errors that were not a caller's. */
  readonly errors: readonly unknown[];
  /** A client with the credentials of a profile, which does not retry. */
  client(profile: string): SignedHttp;
  close(): Promise<void>;
}

export const LOG_NAME = 'audit.example.com';

/** @param options `folder`: one of the caller's, which stays after `close`; by default one is made, and removed then */
export async function serve(options: { readonly folder?: string; readonly logName?: string } = {}): Promise<Served> {
  const { folder = await makeFolder(), logName = LOG_NAME } = options;
  const entries: AccessEntry[] = [];
  const errors: unknown[] = [];
  const log = await openEmbedded(folder, { logName, onError: (error) => errors.push(error) });
  const server = await serveLog(log, {
    onError: (error) => errors.push(error),
    log: (entry) => entries.push(entry),
  });
  const profiles = new Map(log.folder.profiles.map((profile) => [profile.profile, profile]));
  return {
    log,
    server,
    url: server.url,
    folder,
    entries,
    errors,
    client: (name) => {
      const profile = profiles.get(name);
      if (profile === undefined) throw new Error(`no profile ${name}`);
      return new SignedHttp({ endpoint: server.url, credentials: async () => profile, attempts: 1 });
    },
    close: async () => {
      await server.close();
      await log.close();
      if (options.folder === undefined) await removeFolder(folder);
    },
  };
}
