import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ApiRequest, type ApiResponse, json, queryOf } from '../api/core/http.ts';
import { ANYBODY, type Principal } from '../api/core/principal.ts';
import { problemResponse } from '../api/core/problem.ts';
import { describeError } from '../app/describe-error.ts';
import { RateLimit } from '../base/rate-limit.ts';
import { consoleFile, isConsolePath } from '../console/files/console-files.ts';
import { SealtrailError } from '../log/error.ts';
import type { Directory } from './access.ts';
import type { AccessEntry } from './access-log.ts';
import { type Body, readBody } from './body.ts';
import { BodyBudget, BodyShare, provenAccounts, unprovenAccounts } from './body-budget.ts';
import { DOWNLOADS_PATH } from './downloads.ts';
import { reply } from './reply.ts';
import { ROUTER } from './router.ts';
import { SignatureVerifier, type Verdict } from './sigv4/sigv4.ts';
import type { Claim, Refusal } from './sigv4/sigv4-claim.ts';

export type { AccessEntry } from './access-log.ts';

export interface ServerOptions {
  readonly handle: (request: ApiRequest) => Promise<ApiResponse>;
  /** Answers a path below {@link DOWNLOADS_PATH}, whose token is all the leave there is. */
  readonly openLink: (path: string) => Promise<ApiResponse>;
  readonly directory: Directory;
  /** Called for every request once it is answered. Must not throw. */
  readonly log: (entry: AccessEntry) => void;
  /** @default 127.0.0.1: put something with TLS in front before listening elsewhere */
  readonly host?: string;
  /** @default 0: any free one */
  readonly port?: number;
  /** Milliseconds that `close` gives requests under way. @default 10,000 */
  readonly drainMs?: number;
  /** Bytes of request bodies in memory, all together. @default 256,000,000 */
  readonly maxBodiesBytes?: number;
  /** Milliseconds within which a request must have arrived whole. @default 30,000 */
  readonly requestTimeoutMs?: number;
  /** Unix milliseconds, for signatures. @default Date.now */
  readonly now?: () => number;
}

const REQUEST_TIMEOUT_MS = 30_000;
/** Within which its head must. */
const HEADERS_TIMEOUT_MS = 10_000;
/** How often both are looked at. */
const CHECK_MS = 2_000;
/** Longer than load balancers keep theirs (60 seconds), so that none sends into a connection that is being closed. */
const KEEP_ALIVE_MS = 65_000;
/** Without a byte either way for so long, a connection is cut: also one whose reader does not read. */
const IDLE_MS = 120_000;
/** How long a peer may take to receive that it was too slow. */
const FLUSH_MS = 1_000;
const MAX_HEADER_BYTES = 16_384;
const MAX_CONNECTIONS = 2_048;
const MAX_BODIES_BYTES = 256_000_000;

/** Answers load balancers without a signature, and without a look at the log: that the process takes requests. */
const HEALTH_PATH = '/healthz';

/** Requests without a signature that are answered, of all callers together: a second, and at once. */
const STRANGERS_PER_SECOND = 10;
const STRANGERS_AT_ONCE = 20;
/** Files of the console that are handed out, of all callers together: a second, and at once. Each page has four. */
const PAGES_PER_SECOND = 50;
const PAGES_AT_ONCE = 200;
/**
 * Lines in the log for looks at the health, a second and at once. All of them are answered: a stranger who comes through a load
 * balancer would otherwise use up what that may ask, and have it take the log for dead.
 */
const HEALTH_LINES_PER_SECOND = 2;
const HEALTH_LINES_AT_ONCE = 20;
const NO_BODY = Buffer.alloc(0);

/** The embedded server: HTTP and signatures outside, `handle` inside. */
export class HttpServer {
  readonly #options: ServerOptions;
  readonly #verifier: SignatureVerifier;
  readonly #server: Server;
  readonly #budget: BodyBudget;
  readonly #strangers = new RateLimit(STRANGERS_PER_SECOND, STRANGERS_AT_ONCE);
  readonly #pages = new RateLimit(PAGES_PER_SECOND, PAGES_AT_ONCE);
  readonly #healthLines = new RateLimit(HEALTH_LINES_PER_SECOND, HEALTH_LINES_AT_ONCE);
  #closing: Promise<void> | undefined;

  private constructor(options: ServerOptions) {
    this.#options = options;
    this.#verifier = new SignatureVerifier((key) => options.directory.secretOf(key), { now: options.now });
    const { maxBodiesBytes = MAX_BODIES_BYTES, requestTimeoutMs = REQUEST_TIMEOUT_MS } = options;
    this.#budget = new BodyBudget(maxBodiesBytes);
    const limits = {
      requestTimeout: requestTimeoutMs,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
      connectionsCheckingInterval: Math.min(CHECK_MS, requestTimeoutMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      noDelay: true,
    };
    this.#server = createServer(limits, (request, response) => void this.#answer(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.setTimeout(IDLE_MS);
    // With `Expect: 100-continue` a sender waits for leave to send the body (RFC 9110 section 10.1.1).
    this.#server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      void this.#answer(request, response, () => response.writeContinue());
    });
    this.#server.on('clientError', (error, socket) => this.#onClientError(error, socket));
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

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse, onContinue?: () => void): Promise<void> {
    const exchange = new Exchange(incoming);
    const { requestId } = exchange;
    try {
      const response = await this.#respond(exchange, incoming, onContinue);
      exchange.status = response.status;
      const last = this.#closing !== undefined;
      await reply(outgoing, response, { requestId, headOnly: exchange.method === 'HEAD', last });
    } catch (error) {
      // The reader is gone, or half an answer is out: cutting the connection is the only way left to say so.
      outgoing.destroy();
      exchange.fail(error, 0);
    } finally {
      exchange.share?.give();
    }
    if (exchange.isLogged) this.#options.log(exchange.entry());
  }

  async #respond(exchange: Exchange, incoming: IncomingMessage, onContinue?: () => void): Promise<ApiResponse> {
    try {
      const unsigned = this.#answerUnsigned(exchange, incoming);
      if (unsigned !== undefined) {
        incoming.resume();
        return await unsigned;
      }
      const { method, target } = exchange;
      const headers = headersOf(incoming);
      // Before anything is read: no body needs to be kept.
      const claim = this.#verifier.read({ method, target, headers });
      if (!claim.ok) throw unauthenticated(claim);
      // A signature over the body's hash is proven before the body is read: strangers cannot fill the memory of others.
      const proof = this.#verifier.checkHead(claim);
      if (proof?.ok === false) throw unauthenticated(proof);
      const accounts =
        proof === undefined ? unprovenAccounts(incoming.socket.remoteAddress ?? '') : provenAccounts(claim.accessKeyId);
      exchange.share = new BodyShare(this.#budget, accounts);
      const body = await readBody(incoming, exchange.share, onContinue);
      exchange.bytes = body.sent.length;
      const verdict =
        proof === undefined ? this.#verifier.check(claim, body.sent) : this.#verifier.checkBody(claim, body.sent);
      exchange.principal = this.#principalOf(verdict);
      const request = await readRequest(claim, body, exchange.principal, exchange.requestId);
      return await this.#options.handle(request);
    } catch (error) {
      const problem = problemResponse(error, exchange.requestId);
      exchange.fail(error, problem.status);
      // What is left of the body is read and thrown away, so that the sender gets to the answer.
      incoming.resume();
      return problem;
    }
  }

  /** Answers what needs no signature; undefined for anything else. */
  #answerUnsigned(exchange: Exchange, { headers }: IncomingMessage): Promise<ApiResponse> | undefined {
    const { method, target } = exchange;
    const path = pathOf(target);
    const isGet = method === 'GET' || method === 'HEAD';
    if (target.startsWith(DOWNLOADS_PATH) && isGet) return this.#options.openLink(target);
    if (target === HEALTH_PATH && isGet) {
      exchange.isLogged = this.#healthLines.take();
      const isClosing = this.#closing !== undefined;
      return Promise.resolve(json(isClosing ? 503 : 200, { status: isClosing ? 'closing' : 'ok' }));
    }
    if (isConsolePath(path) && isGet) {
      if (!this.#pages.take()) throw tooMany();
      return consoleFile(path, headers);
    }
    return ROUTER.isPublic({ method, path }) ? this.#answerAnybody(exchange) : undefined;
  }

  /** Answers a route that needs no signature, which strangers can call: so often and no more. */
  #answerAnybody({ method, target, requestId }: Exchange): Promise<ApiResponse> {
    if (!this.#strangers.take()) throw tooMany();
    const path = pathOf(target);
    const query = queryOf(target.slice(path.length + 1));
    return this.#options.handle({ method, path, query, headers: {}, body: NO_BODY, principal: ANYBODY, requestId });
  }

  #principalOf(verdict: Verdict): Principal {
    if (!verdict.ok) throw unauthenticated(verdict);
    const principal = this.#options.directory.principalOf(verdict.accessKeyId);
    if (principal === undefined) throw unauthenticated({ ok: false, reason: 'the access key is unknown' });
    return principal;
  }

  /** Answers what is not HTTP, too large in the head, or too slow, as node would, and leaves a line in the log. */
  #onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    // The peer hung up, or the connection was cut here: whatever request was under way has its own line.
    if (socket.destroyed || !socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const [status, phrase] = CLIENT_ERRORS[error.code ?? ''] ?? [400, 'Bad Request'];
    // Not only ended: a peer that keeps its side open would keep what its request has taken.
    const answer = `HTTP/1.1 ${status} ${phrase}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
    socket.end(answer, () => socket.destroy());
    setTimeout(() => socket.destroy(), FLUSH_MS).unref();
    const exchange = new Exchange({});
    exchange.fail(error.code ?? 'not HTTP', status);
    this.#options.log(exchange.entry());
  }
}

const CLIENT_ERRORS: Readonly<Record<string, readonly [status: number, phrase: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
};

/** The known state of a request while it is being answered, for the log. */
class Exchange {
  readonly requestId = randomUUID();
  readonly method: string;
  readonly target: string;
  readonly #started = performance.now();
  principal: Principal | undefined;
  /** The share of the memory for bodies that its body has taken. */
  share: BodyShare | undefined;
  /** True if it has a line in the log. */
  isLogged = true;
  status = 0;
  bytes = 0;
  #reason: string | undefined;

  constructor({ method = '', url = '' }: { readonly method?: string | undefined; readonly url?: string | undefined }) {
    this.method = method;
    this.target = url;
  }

  /** Keeps why it failed; of several reasons the first. */
  fail(error: unknown, status: number): void {
    this.status = status;
    this.#reason ??= describeError(error, status);
  }

  entry(): AccessEntry {
    return {
      at: new Date().toISOString(),
      requestId: this.requestId,
      method: this.method,
      // Anyone who has a link may use it, and logs are read by many.
      path: this.target.startsWith(DOWNLOADS_PATH)
        ? `${DOWNLOADS_PATH}{token}`
        : ROUTER.loggedPath(pathOf(this.target)),
      status: this.status,
      ms: Math.round((performance.now() - this.#started) * 100) / 100,
      bytes: this.bytes,
      ...(this.principal === undefined ? {} : { principal: this.principal.name }),
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
    };
  }
}

const tooMany = (): SealtrailError =>
  new SealtrailError('rate_limited', 'too many requests without a signature: try again', { retryAfter: 1 });

/** The path of a request's target, without the query. */
const pathOf = (target: string): string => target.split('?', 1)[0] ?? '';

/** One sentence for all: what was wrong is in the log, where a guesser does not see it. */
function unauthenticated({ reason }: Refusal): SealtrailError {
  const message =
    'sign the request with AWS Signature Version 4 for the service execute-api, with a key that is known here, the ' +
    'right time, and all of host, x-amz-*, idempotency-key, prefer and content-encoding among the signed headers';
  return new SealtrailError('unauthenticated', message, { cause: reason });
}

async function readRequest(claim: Claim, body: Body, principal: Principal, requestId: string): Promise<ApiRequest> {
  return {
    method: claim.method,
    path: claim.path,
    query: queryOf(claim.query),
    // RFC 9110 section 5.3: repeated fields are one, joined by commas. What is signed is joined in the same way.
    headers: Object.fromEntries([...claim.headers].map(([name, values]) => [name, values.join(', ')])),
    body: await body.decoded(),
    principal,
    requestId,
  };
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
