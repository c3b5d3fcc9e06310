import { type ApiRequest, type ApiResponse, json } from '../../lib/api/core/http.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { Directory } from '../../lib/server/access.ts';
import type { AccessEntry } from '../../lib/server/access-log.ts';
import { HttpServer, type ServerOptions } from '../../lib/server/server.ts';
import { KEY_ID, SECRET } from './signer.ts';

/** A real server, behind which a stand-in for the API says what reached it. */
export interface Echo {
  readonly server: HttpServer;
  readonly url: string;
  readonly entries: AccessEntry[];
  /** Requests that were let in. */
  readonly requests: ApiRequest[];
}

const grant = { name: 'tester', actions: ['append' as const], trails: ['*'], accessKeyId: KEY_ID };
const profile = { profile: 'tester', accessKeyId: KEY_ID, secretAccessKey: SECRET };

/** Answers with what arrived; the caller closes it. */
export async function startEcho(options: Partial<ServerOptions> = {}): Promise<Echo> {
  const entries: AccessEntry[] = [];
  const requests: ApiRequest[] = [];
  const handle = async (request: ApiRequest): Promise<ApiResponse> =>
    json(200, { path: request.path, query: [...request.query], body: Buffer.from(request.body).toString() });
  const inner = options.handle ?? handle;
  const server = await HttpServer.listen({
    openLink: () => Promise.reject(new SealtrailError('forbidden', 'there are no links here')),
    directory: new Directory({ principals: [grant] }, [profile]),
    log: (entry) => entries.push(entry),
    ...options,
    handle: (request) => {
      requests.push(request);
      return inner(request);
    },
  });
  return { server, url: server.url, entries, requests };
}
