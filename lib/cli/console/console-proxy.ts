import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ApiResponse, queryOf } from '../../api/core/http.ts';
import { problemResponse } from '../../api/core/problem.ts';
import { EXPORT_ROUTES, READ_ROUTES, VERIFY_ROUTES } from '../../api/groups.ts';
import type { HttpRequest, SignedHttp } from '../../client/http/http.ts';
import { CONSOLE_PATH, consoleFile, isConsolePath } from '../../console/files/console-files.ts';
import { SealtrailError } from '../../log/error.ts';
import { DOWNLOADS_PATH } from '../../server/downloads.ts';

/** The requests that the console may send: it reads, verifies and exports. Nothing that appends or administers passes. */
const ALLOWED = [...READ_ROUTES, ...VERIFY_ROUTES, ...EXPORT_ROUTES].map(({ method, path }) => ({
  method,
  pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
}));

const LOOPBACK = 'http://127.0.0.1';
const MAX_BODY = 65_536;
/** Headers of a request that the log gets. */
const FORWARDED = ['accept', 'content-type', 'idempotency-key'] as const;
/** Headers of an answer that the page gets, besides those that begin with `x-`. */
const RETURNED = ['content-type', 'location', 'retry-after'];
const REQUEST_TIMEOUT_MS = 30_000;

/** A server on loopback that signs what the console asks of a log, so that no key enters a browser. */
export interface ConsoleProxy {
  /** The address to open once: it hands the browser its cookie. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts the server, for one browser of this machine's user.
 *
 * Anything on the machine, and any page in the browser, can connect to a port of loopback. So a request must carry the cookie that
 * the opened address was exchanged for (`SameSite=Strict`, `HttpOnly`), must name this very host and port in `Host`, which a name
 * that was rebound to loopback does not, and must not come from another origin.
 *
 * @throws `in_use` if the port is taken
 */
export async function startConsoleProxy(http: SignedHttp, port: number): Promise<ConsoleProxy> {
  const proxy = new SigningProxy(http);
  await proxy.listen(port);
  return proxy;
}

class SigningProxy implements ConsoleProxy {
  readonly #http: SignedHttp;
  readonly #server: Server;
  /** In the address that is opened, good for one use. */
  #ticket: string | undefined = randomBytes(32).toString('base64url');
  readonly #cookie = randomBytes(32).toString('base64url');
  #hosts: readonly string[] = [];

  constructor(http: SignedHttp) {
    this.#http = http;
    const limits = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: 10_000 };
    this.#server = createServer(limits, (request, response) => void this.#answer(request, response));
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    try {
      await once(this.#server, 'listening');
    } catch (cause) {
      throw new SealtrailError('in_use', `port ${port} is in use: choose another one with --port`, { cause });
    }
    this.#hosts = ['127.0.0.1', 'localhost'].map((host) => `${host}:${this.#port}`);
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port; // it listens on TCP
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/?ticket=${this.#ticket ?? ''}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', LOOPBACK);
      const answer = await this.#respond(request, url).catch((error: unknown) => problemResponse(error, 'console'));
      response.writeHead(answer.status, {
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        ...answer.headers,
      });
      const isText = typeof answer.body === 'string' || answer.body instanceof Uint8Array;
      if (isText) response.end(request.method === 'HEAD' ? undefined : answer.body);
      else await pipeline(answer.body as AsyncIterable<string | Uint8Array>, response);
    } catch {
      // The browser went away, or what it was reading ended: there is no one left to tell.
      response.destroy();
    }
  }

  async #respond(request: IncomingMessage, url: URL): Promise<ApiResponse> {
    this.#assertOwnOrigin(request);
    // A target that names a host itself (RFC 9112 section 3.2.2) is for a proxy of another kind.
    if (url.origin !== LOOPBACK) throw new SealtrailError('not_found', 'this is no proxy to other hosts');
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
    if (method === 'GET' && url.pathname === '/') return this.#welcome(url, request);
    if (!this.#hasCookie(request)) {
      throw new SealtrailError('unauthenticated', 'open the address that “sealtrail console” printed; it works once');
    }
    if (method === 'GET' && isConsolePath(url.pathname)) return consoleFile(url.pathname, request.headers);
    if (method === 'GET' && url.pathname.startsWith(DOWNLOADS_PATH)) return this.#download(url);
    if (!ALLOWED.some((route) => route.method === method && route.pattern.test(url.pathname))) {
      throw new SealtrailError('not_found', 'the console does not ask this of a log');
    }
    return this.#forward(request, method === 'POST' ? 'POST' : 'GET', url);
  }

  /** @throws `forbidden` for another name of this machine, and for other origins */
  #assertOwnOrigin({ headers }: IncomingMessage): void {
    const { host = '', origin } = headers;
    const site = headers['sec-fetch-site'];
    const isOwn =
      this.#hosts.includes(host) &&
      (origin === undefined || origin === `http://${host}`) &&
      (site === undefined || site === 'same-origin' || site === 'none');
    if (!isOwn) throw new SealtrailError('forbidden', 'this is for the console of this machine alone');
  }

  /** Exchanges the ticket for the cookie. */
  #welcome(url: URL, request: IncomingMessage): ApiResponse {
    const location = { location: CONSOLE_PATH };
    const given = url.searchParams.get('ticket');
    if (given === null && this.#hasCookie(request)) return { status: 303, headers: location, body: '' };
    if (given === null || this.#ticket === undefined || !isSame(given, this.#ticket)) {
      throw new SealtrailError('unauthenticated', 'this address was used already: run “sealtrail console” again');
    }
    this.#ticket = undefined;
    const cookie = `${this.#cookieName}=${this.#cookie}; Path=/; HttpOnly; SameSite=Strict`;
    return { status: 303, headers: { ...location, 'set-cookie': cookie }, body: '' };
  }

  /** Cookies do not know ports: each server on the machine has a name of its own. */
  get #cookieName(): string {
    return `sealtrail-console-${this.#port}`;
  }

  #hasCookie({ headers: { cookie = '' } }: IncomingMessage): boolean {
    const pairs = cookie.split(';').map((pair) => pair.trim().split('='));
    return pairs.some(([name, value = '']) => name === this.#cookieName && isSame(value, this.#cookie));
  }

  async #forward(request: IncomingMessage, method: 'GET' | 'POST', url: URL): Promise<ApiResponse> {
    const query: Record<string, string[]> = {};
    for (const [name, value] of queryOf(url.search.slice(1))) query[name] = [...(query[name] ?? []), value];
    const body = method === 'POST' ? await bodyOf(request) : undefined;
    const headers = Object.fromEntries(
      FORWARDED.flatMap((name) => (request.headers[name] === undefined ? [] : [[name, String(request.headers[name])]])),
    );
    const call: HttpRequest = { method, path: url.pathname, query, headers, ...(body && { body }) };
    const answer = await this.#http.send(call);
    const returned = [...answer.headers].filter(([name]) => name.startsWith('x-') || RETURNED.includes(name));
    return { status: answer.status, headers: Object.fromEntries(returned), body: answer.body };
  }

  /** A file behind a link of the log's own server: the token in it is all the leave there is. */
  async #download(url: URL): Promise<ApiResponse> {
    const target = new URL(this.#http.endpoint);
    target.pathname = url.pathname;
    const answer = await fetch(target, { redirect: 'error' });
    const names = ['content-type', 'content-disposition', 'content-length'];
    const headers = Object.fromEntries([...answer.headers].filter(([name]) => names.includes(name)));
    // The cast: Node's stream is the one that fetch gives.
    const body = answer.body === null ? '' : Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]);
    return { status: answer.status, headers, body };
  }
}

/** In a time that does not depend on where they differ. */
function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > MAX_BODY) throw new SealtrailError('batch_too_large', 'the console sends no body of that size');
    parts.push(part);
  }
  return Buffer.concat(parts);
}
