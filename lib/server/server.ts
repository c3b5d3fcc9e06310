import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { ApiRequest, ApiResponse } from '../api/http.ts';
import { problemResponse } from '../api/problem.ts';
import { SealtrailError } from '../log/error.ts';
import type { Directory } from './access.ts';
import { type Body, BodyBudget, readBody } from './body.ts';
import { SignatureVerifier } from './sigv4.ts';

/** One line of the access log. It says nothing of what events hold, and no secret. */
export interface AccessEntry {
  readonly at: string;
  readonly requestId: string;
  readonly method: string;
  /** Without the query, which may name people. */
  readonly path: string;
  readonly status: number;
  readonly ms: number;
  readonly principal?: string;
  /** Why it was refused or failed; for the operator alone. */
  readonly reason?: string;
}

export interface ServerOptions {
  readonly handle: (request: ApiRequest) => Promise<ApiResponse>;
  readonly directory: Directory;
  readonly log: (entry: AccessEntry) => void;
  /** @default 127.0.0.1: put something with TLS in front before listening elsewhere */
  readonly host?: string;
  /** @default 0: any free one */
  readonly port?: number;
  /** Milliseconds that `close` gives requests under way. @default 10,000 */
  readonly drainMs?: number;
  readonly now?: () => number;
}

/** Any request must have arrived whole within this time, and its head sooner. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 65_000;
const MAX_HEADER_BYTES = 16_384;
/** Bodies in memory, all together. */
const MAX_BODIES_BYTES = 256_000_000;

/** The embedded server: HTTP and signatures outside, `handle` inside. */
export class HttpServer {
  readonly #options: ServerOptions;
  readonly #verifier: SignatureVerifier;
  readonly #server: Server;
  readonly #budget = new BodyBudget(MAX_BODIES_BYTES);
  #closing: Promise<void> | undefined;

  private constructor(options: ServerOptions) {
    this.#options = options;
    this.#verifier = new SignatureVerifier((key) => options.directory.secretOf(key), { now: options.now });
    this.#server = createServer(
      {
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: HEADERS_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: MAX_HEADER_BYTES,
        noDelay: true,
      },
      (request, response) => void this.#answer(request, response),
    );
  }

  /** @throws `in_use` when the port is taken, `usage` when it cannot be listened on */
  static async listen(options: ServerOptions): Promise<HttpServer> {
    const server = new HttpServer(options);
    const { host = '127.0.0.1', port = 0 } = options;
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', (cause: NodeJS.ErrnoException) => {
        const taken = cause.code === 'EADDRINUSE';
        const message = taken
          ? `port ${port} is in use: choose another one with --port`
          : `cannot listen on ${host}:${port}`;
        reject(new SealtrailError(taken ? 'in_use' : 'usage', message, { cause }));
      });
      server.#server.listen(port, host, resolve);
    });
    return server;
  }

  /** Such as `http://127.0.0.1:8321`. */
  get url(): string {
    // A server that listens on TCP has an address of this kind.
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Takes no more connections, finishes the requests under way, and resolves. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      const late = setTimeout(() => this.#server.closeAllConnections(), this.#options.drainMs ?? 10_000);
      this.#server.close(() => {
        clearTimeout(late);
        resolve();
      });
      this.#server.closeIdleConnections();
    });
    return this.#closing;
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const started = performance.now();
    const requestId = randomUUID();
    const { method = 'GET', url: target = '/' } = incoming;
    const path = target.split('?', 1)[0] ?? '/';
    let principal: string | undefined;
    let reason: string | undefined;
    let status = 0;
    let bytes = 0;
    try {
      const headers = headersOf(incoming);
      // Before anything is read: without a signature there is nothing to check.
      if (!headers.has('authorization')) throw new Refused('no Authorization header');
      const body = await readBody(incoming, this.#budget);
      bytes = body.sent.length;
      const request = await this.#admit({ method, target, headers, requestId }, body);
      principal = request.principal.name;
      const response = await this.#options.handle(request);
      status = response.status;
      await send(outgoing, response, requestId, method === 'HEAD', this.#closing !== undefined);
    } catch (error) {
      reason = describe(error);
      status = await this.#sendProblem(outgoing, error, requestId, incoming.complete);
    } finally {
      this.#budget.give(bytes);
    }
    const at = new Date().toISOString();
    const ms = Math.round((performance.now() - started) * 100) / 100;
    this.#options.log({
      at,
      requestId,
      method,
      path,
      status,
      ms,
      ...(principal === undefined ? {} : { principal }),
      ...(reason === undefined ? {} : { reason }),
    });
  }

  /** Finds out who sent a request, and makes it one that the API can handle. */
  async #admit({ method, target, headers, requestId }: Arrived, body: Body): Promise<ApiRequest> {
    const verdict = this.#verifier.verify({ method, target, headers, body: body.sent });
    if (!verdict.ok) throw new Refused(verdict.reason);
    const principal = this.#options.directory.principalOf(verdict.accessKeyId);
    if (principal === undefined) throw new Refused("the access key is nobody's");
    const question = target.indexOf('?');
    return {
      method,
      path: question < 0 ? target : target.slice(0, question),
      query: new URLSearchParams(question < 0 ? '' : target.slice(question + 1)),
      headers: Object.fromEntries([...headers].map(([name, values]) => [name, values[0]])),
      body: await body.decoded(),
      principal,
      requestId,
    };
  }

  /** @returns the status that went out; 0 where nobody was there any more */
  async #sendProblem(outgoing: ServerResponse, error: unknown, requestId: string, complete: boolean): Promise<number> {
    if (outgoing.headersSent || outgoing.destroyed) {
      // Half an answer is out: cutting the connection is the only way left to say that it is not whole.
      outgoing.destroy();
      return 0;
    }
    // What was not read of the request cannot be told from a next one: such a connection is not kept.
    const headers: Record<string, string> = complete ? {} : { connection: 'close' };
    const problem = problemResponse(error, requestId, headers);
    await send(outgoing, problem, requestId, false, this.#closing !== undefined).catch(() => outgoing.destroy());
    return problem.status;
  }
}

interface Arrived {
  readonly method: string;
  readonly target: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly requestId: string;
}

/** One sentence for all: what was wrong is in the log, where a guesser does not see it. */
class Refused extends SealtrailError {
  constructor(reason: string) {
    const message = 'sign the request with AWS Signature Version 4 for the service execute-api';
    super('unauthenticated', message, { cause: reason });
  }
}

/** All values by lower-case name: node joins or drops repeated ones, and a signature is over what was sent. */
function headersOf({ rawHeaders }: IncomingMessage): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? '';
    const value = rawHeaders[at + 1] ?? '';
    const known = headers.get(name);
    if (known === undefined) headers.set(name, [value]);
    else known.push(value);
  }
  return headers;
}

async function send(
  outgoing: ServerResponse,
  { status, headers, body }: ApiResponse,
  requestId: string,
  headOnly: boolean,
  closing: boolean,
): Promise<void> {
  const common: Record<string, string> = {
    'x-request-id': requestId,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(closing ? { connection: 'close' } : {}),
    ...headers,
  };
  if (typeof body === 'string' || body instanceof Uint8Array) {
    outgoing.writeHead(status, { ...common, 'content-length': Buffer.byteLength(body) });
    await new Promise<void>((resolve) => outgoing.end(headOnly ? undefined : body, resolve));
    return;
  }
  outgoing.writeHead(status, common);
  if (headOnly) outgoing.end();
  else await pipeline(body, outgoing);
}

/** Code, message and causes, for the operator's log. */
function describe(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && parts.length < 5; at = at instanceof Error ? at.cause : undefined) {
    parts.push(at instanceof SealtrailError ? `${at.code}: ${at.message}` : String(at));
  }
  return parts.join(' <- ');
}
