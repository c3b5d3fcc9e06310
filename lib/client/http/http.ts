import { createHash, createHmac, type Hash, type Hmac, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { SignatureV4 } from '@smithy/signature-v4';
import { SealtrailError } from '../../log/error.ts';
import { parseJson } from '../../log/json.ts';
import { assertOptions, MAX_TIMEOUT_MS } from '../event/options.ts';
import { SigningClock } from './clock.ts';
import { percentEncode } from './percent-encode.ts';
import { problemOf } from './problem.ts';
import { retryDelayMs } from './retry-delay.ts';

/** The credentials that sign a request. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** How to reach a server, and how patient to be. */
export interface HttpOptions {
  /** Where the server is, such as `http://127.0.0.1:8321` or the URL of an API Gateway stage. */
  readonly endpoint: string;
  /** Called before every attempt, so it should cache; the providers of the AWS SDK do. */
  readonly credentials: () => Promise<Credentials>;
  /** @default the region in the endpoint's name if API Gateway gave it one, else `us-east-1` */
  readonly region?: string;
  /** Attempts in all, the first included. @default 6 */
  readonly attempts?: number;
  /** Milliseconds that one attempt may take, the answer's body included. @default 30000 */
  readonly timeout?: number;
  /** True if bodies of 1,000 bytes and more go as gzip. @default unless the server is on this machine */
  readonly compress?: boolean;
  /** Between 0 (inclusive) and 1 (exclusive): spreads the retries. @default Math.random */
  readonly random?: () => number;
  /** Waits that many milliseconds. @default timers of Node */
  readonly wait?: (milliseconds: number) => Promise<unknown>;
  /** Unix milliseconds. Where the server's clock says something else, that counts. @default Date.now */
  readonly now?: () => number;
}

/** One call, to be signed. */
export interface HttpRequest {
  readonly method?: 'GET' | 'POST';
  /** Starts with `/`; the caller percent-encodes what it puts into a segment. */
  readonly path: string;
  /** Undefined values are left out; an array repeats its name. */
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly body?: Uint8Array | string;
  /** @default `application/json` where there is a body */
  readonly contentType?: string;
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Gives up, also between attempts. */
  readonly signal?: AbortSignal;
}

/** The answer to a call that went well (status 200 to 299). */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** The body as text (UTF-8). */
  text(): string;
  /** The body as JSON. Throws `unavailable` where it is none. */
  json(): unknown;
}

/** The service name in the signature's scope: that of API Gateway, which the embedded server expects as well. */
const SERVICE = 'execute-api';
/** Smaller bodies gain nothing by gzip, in bytes. */
const MIN_COMPRESSED_BYTES = 1000;
/** Error codes of a server that cannot read gzip, or behind a proxy that spoils it. */
const NOT_UNDERSTOOD: ReadonlySet<string> = new Set(['invalid_json', 'unsupported_media_type']);
/** Statuses that say "not now": from the server itself, and from gateways in front of it. */
const TRANSIENT = new Set([429, 502, 503, 504]);
/** Stays until someone mends it: asking again within a minute cannot help. */
const LASTING = 'history_conflict';

/**
 * Sends requests signed with AWS Signature Version 4 over kept-alive connections, and tries again with full jitter on
 * 429, 502 to 504 (unless the code is `history_conflict`) and when the network fails. Every `POST` carries an `Idempotency-Key`, the same one on each attempt, so that
 * an append whose answer was lost is found and not repeated.
 *
 * Errors ({@link SealtrailError}): the `code` of the server's problem document with its message; `unavailable` if
 * no attempt got an answer, `unauthenticated` without credentials.
 *
 * @example
 * const credentials = async () => ({ accessKeyId, secretAccessKey });
 * const http = new SignedHttp({ endpoint, credentials }); // such as http://127.0.0.1:8321
 * const answer = await http.send({ path: '/v1/trails' });
 */
export class SignedHttp {
  readonly endpoint: URL;
  readonly #signer: SignatureV4;
  readonly #attempts: number;
  readonly #timeout: number;
  #compress: boolean;
  readonly #random: () => number;
  readonly #wait: (milliseconds: number) => Promise<unknown>;
  readonly #clock: SigningClock;

  /** @throws `usage` where an option cannot be */
  constructor(options: HttpOptions) {
    assertOptions(options, { attempts: { from: 1 }, timeout: { from: 1, to: MAX_TIMEOUT_MS } });
    this.endpoint = parseEndpoint(options.endpoint);
    this.#signer = new SignatureV4({
      service: SERVICE,
      region: options.region ?? regionOf(this.endpoint),
      credentials: options.credentials,
      sha256: Sha256,
    });
    this.#attempts = options.attempts ?? 6;
    this.#timeout = options.timeout ?? 30_000;
    this.#compress = options.compress ?? !/^(localhost|127\..*|\[::1\])$/.test(this.endpoint.hostname);
    this.#random = options.random ?? Math.random;
    this.#wait = options.wait ?? delay;
    this.#clock = new SigningClock(options.now ?? Date.now);
  }

  /** Sends one request, again and again where that can help, and returns the answer. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const plain = prepare(this.endpoint, request);
    for (let attempt = 1; ; attempt++) {
      const isLarge = plain.body !== undefined && plain.body.length >= MIN_COMPRESSED_BYTES;
      const result = await this.#attempt(isLarge && this.#compress ? await compress(plain) : plain, request.signal);
      if ('answer' in result) return result.answer;
      if (isLarge && this.#compress && NOT_UNDERSTOOD.has(result.error.code)) {
        this.#compress = false; // The same again as it is: then the answer is about the body, and not about its coding.
        continue;
      }
      if (!result.again || attempt >= this.#attempts) throw result.error;
      await this.#wait(retryDelayMs(attempt, result.error.retryAfter, this.#random));
      request.signal?.throwIfAborted();
    }
  }

  /** @param corrected whether the clock was set by the answer to the same request */
  async #attempt(request: Prepared, signal: AbortSignal | undefined, corrected = false): Promise<Attempt> {
    // Signed anew each time: a signature is only good for five minutes, and credentials may have been renewed.
    const headers = await this.#sign(request);
    const timeout = AbortSignal.timeout(this.#timeout);
    try {
      const response = await fetch(request.url, {
        method: request.method,
        headers,
        ...(request.body === undefined ? {} : { body: request.body }),
        redirect: 'manual',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      const body = new Uint8Array(await response.arrayBuffer());
      if (response.ok) return { answer: answerOf(response.status, response.headers, body) };
      if (!corrected && this.#clock.correct(response)) return await this.#attempt(request, signal, true);
      const error = problemOf(response, body);
      return { error, again: TRANSIENT.has(response.status) && error.code !== LASTING };
    } catch (cause) {
      signal?.throwIfAborted();
      const reason = timeout.aborted ? `no answer within ${this.#timeout} ms` : reasonOf(cause);
      const message = `cannot reach ${this.endpoint.origin}: ${reason}`;
      return { error: new SealtrailError('unavailable', message, { cause }), again: true };
    }
  }

  async #sign(request: Prepared): Promise<Record<string, string>> {
    const { url } = request;
    try {
      const unsigned = {
        method: request.method,
        protocol: url.protocol,
        hostname: url.hostname,
        ...(url.port === '' ? {} : { port: Number(url.port) }),
        path: url.pathname,
        query: request.query,
        headers: { ...request.headers, host: url.host },
        body: request.body,
      };
      const signed = await this.#signer.sign(unsigned, { signingDate: this.#clock.now() });
      // fetch writes the host header itself, with the same value.
      const { host: _, ...headers } = signed.headers;
      return headers;
    } catch (cause) {
      // The outermost message: it names the profile.
      const reason = cause instanceof Error && cause.message !== '' ? cause.message : reasonOf(cause);
      throw new SealtrailError('unauthenticated', `no AWS credentials to sign with: ${reason}`, { cause });
    }
  }
}

type Attempt = { readonly answer: HttpAnswer } | { readonly error: SealtrailError; readonly again: boolean };

interface Prepared {
  readonly method: string;
  readonly url: URL;
  readonly query: Record<string, string | string[]>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

function prepare(endpoint: URL, request: HttpRequest): Prepared {
  const url = new URL(endpoint);
  url.pathname = endpoint.pathname.replace(/\/$/, '') + request.path;
  const query: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value === undefined) continue;
    query[name] = typeof value === 'object' ? [...value] : String(value);
  }
  url.search = queryString(query);
  const method = request.method ?? 'GET';
  const body = request.body === undefined ? undefined : new Uint8Array(Buffer.from(request.body));
  const headers: Record<string, string> = {
    accept: 'application/json',
    ...(body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
    ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
    ...request.headers,
  };
  return { method, url, query, headers, body };
}

async function compress(request: Prepared): Promise<Prepared> {
  const body = new Uint8Array(await promisify(gzip)(request.body ?? ''));
  return { ...request, body, headers: { ...request.headers, 'content-encoding': 'gzip' } };
}

/** RFC 3986 section 2.1 encoding of everything but unreserved characters, as the signature's canonical form has it. */
function queryString(query: Readonly<Record<string, string | readonly string[]>>): string {
  return Object.entries(query)
    .flatMap(([name, value]) => (typeof value === 'string' ? [value] : value).map((one) => [name, one] as const))
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .join('&');
}

function parseEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new SealtrailError('usage', `the endpoint must be a URL such as http://127.0.0.1:8321, not "${text}"`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new SealtrailError('usage', 'the endpoint must be a URL without a user name or password in it');
  }
  url.search = '';
  url.hash = '';
  return url;
}

function regionOf(endpoint: URL): string {
  return /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(endpoint.hostname)?.[1] ?? 'us-east-1';
}

function answerOf(status: number, headers: Headers, body: Uint8Array): HttpAnswer {
  const text = (): string => new TextDecoder().decode(body);
  const json = (): unknown => {
    try {
      return parseJson(text());
    } catch (cause) {
      throw new SealtrailError('unavailable', 'the server answered with something that is not JSON', { cause });
    }
  };
  return { status, headers, body, text, json };
}

/** The innermost message: fetch says "fetch failed" and keeps what happened in `cause`. */
function reasonOf(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  if (reason instanceof AggregateError) reason = reason.errors[0];
  return reason instanceof Error ? reason.message || reason.name : String(reason);
}

/** SHA-256 and HMAC-SHA-256 in the shape that the signer wants. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    if (secret === undefined) this.#hash = createHash('sha256');
    else this.#hash = createHmac('sha256', typeof secret === 'string' ? secret : bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(typeof data === 'string' ? data : bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
