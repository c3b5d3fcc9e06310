import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as requestHttp,
  type ServerResponse,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dataOf, eventsOf } from '../../client/http/event-stream.ts';
import { SealtrailError } from '../../log/error.ts';
import { Conversation, type ConversationOptions, type Examined } from './conversation.ts';

/** Where a proxy over streamable HTTP listens, and its upstream. */
export interface HttpProxyOptions extends ConversationOptions {
  /** The server: its origin and path. */
  readonly url: URL;
  /** On the loopback interface; 0 takes any that is free. */
  readonly port: number;
  /** Called with errors that a request's client cannot receive. */
  readonly onError: (error: Error) => void;
  /** Most bytes of a message. @default 64 MiB */
  readonly mostBytes?: number;
}

/** A proxy that listens. */
export interface HttpProxy {
  /** The URL for clients, in place of the server's. */
  readonly url: string;
  /** Ends all conversations. */
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
const SESSION = 'mcp-session-id';
/** Sessions that are remembered, at most: of the oldest, calls that are not answered yet stay without an outcome. */
const MAX_SESSIONS = 10_000;
/** Between two ends of one connection only (RFC 9110 section 7.6.1), or set anew. */
const NOT_FORWARDED = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'accept-encoding']);

/**
 * Listens on the loopback interface and passes requests on to a server of MCP over streamable HTTP: bodies and events byte for
 * byte, headers but for those of the connection. A call waits until its conversation lets it pass.
 */
export async function proxyHttp(options: HttpProxyOptions): Promise<HttpProxy> {
  const sessions = new Map<string, Conversation>();
  const server = createServer((incoming, outgoing) => {
    const exchange = new Exchange(options, sessions, incoming, outgoing);
    exchange.run().catch((error: unknown) => exchange.fail(error));
  });
  server.listen(options.port, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // of a TCP server that listens
  return {
    url: `http://${LOOPBACK}:${port}${options.url.pathname}${options.url.search}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      for (const conversation of sessions.values()) conversation.end({ reason: 'the proxy was stopped' });
      sessions.clear();
    },
  };
}

/** One request and its response. */
class Exchange {
  readonly #options: HttpProxyOptions;
  readonly #sessions: Map<string, Conversation>;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #mostBytes: number;

  constructor(
    options: HttpProxyOptions,
    sessions: Map<string, Conversation>,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ) {
    this.#options = options;
    this.#sessions = sessions;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#mostBytes = options.mostBytes ?? 64 * 1024 * 1024;
  }

  async run(): Promise<void> {
    const { headers, method = 'GET' } = this.#incoming;
    if (!isFromHere(headers)) return this.#reply(403, 'only clients on this machine may use this proxy');
    if (headers['content-encoding'] !== undefined) return this.#reply(415, 'a compressed body cannot be logged');
    const body = await collect(this.#incoming, this.#mostBytes);
    const id = headers[SESSION];
    const known = typeof id === 'string' ? this.#sessions.get(id) : undefined;
    const conversation = known ?? this.#begin(typeof id === 'string' ? id : undefined);
    const examined = body.length === 0 ? undefined : conversation.examine(body, 'client');
    const refusal = await examined?.gate;
    if (refusal !== undefined) return this.#reply(refusal === '' ? 202 : 200, refusal, 'application/json');
    const response = await this.#forward(method, body);
    examined?.passed();
    await this.#answer(response, conversation);
    if (method === 'DELETE' && typeof id === 'string' && this.#sessions.delete(id)) {
      conversation.end({ reason: 'the client ended the session' });
    }
  }

  /** A failure: sent to the client if its head is not sent yet, or else shown by the connection's end. */
  fail(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (this.#outgoing.destroyed) return; // The client is gone, which is its right.
    this.#options.onError(error);
    if (this.#outgoing.headersSent) this.#outgoing.destroy(error);
    else this.#reply(error instanceof SealtrailError ? 413 : 502, error.message);
  }

  #begin(session: string | undefined): Conversation {
    const conversation = new Conversation(this.#options, session);
    if (session !== undefined) this.#remember(session, conversation);
    return conversation;
  }

  #remember(session: string, conversation: Conversation): void {
    if (this.#sessions.size >= MAX_SESSIONS) {
      const [oldest] = this.#sessions.keys();
      if (oldest !== undefined) this.#sessions.delete(oldest);
    }
    this.#sessions.set(session, conversation);
  }

  #reply(status: number, text: string, type = 'text/plain; charset=utf-8'): void {
    this.#outgoing.writeHead(status, text === '' ? {} : { 'content-type': type }).end(text);
  }

  async #forward(method: string, body: Buffer): Promise<IncomingMessage> {
    const { url } = this.#options;
    const target = new URL(this.#incoming.url ?? '/', url.origin);
    if (target.origin !== url.origin) throw new SealtrailError('usage', 'a request must stay on its server');
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(target, {
      method,
      headers: { ...forwarded(this.#incoming.headers), 'accept-encoding': 'identity' },
    });
    this.#outgoing.once('close', () => request.destroy());
    request.end(body);
    const [response]: IncomingMessage[] = await once(request, 'response');
    if (response === undefined) throw new RangeError('a response comes with its event');
    request.on('error', () => response.destroy());
    return response;
  }

  async #answer(response: IncomingMessage, conversation: Conversation): Promise<void> {
    const session = response.headers[SESSION];
    if (typeof session === 'string' && !this.#sessions.has(session)) {
      conversation.session = session;
      this.#remember(session, conversation);
    }
    this.#outgoing.writeHead(response.statusCode ?? 502, forwarded(response.headers));
    this.#outgoing.flushHeaders();
    const type = response.headers['content-type'] ?? '';
    if (type.startsWith('text/event-stream')) await this.#passEvents(response, conversation);
    else await this.#passBody(response, conversation, type.startsWith('application/json'));
    this.#outgoing.end();
  }

  async #passEvents(response: IncomingMessage, conversation: Conversation): Promise<void> {
    for await (const event of eventsOf(response, this.#mostBytes)) {
      const data = dataOf(event);
      const examined = data.length === 0 ? undefined : conversation.examine(data, 'server');
      const refusal = await examined?.gate;
      if (refusal === undefined) {
        await write(this.#outgoing, event);
        examined?.passed();
      } else if (refusal !== '') await this.#tellServer(refusal);
    }
  }

  /** A request of the server that was refused is answered as the client answers: in a request of its own. */
  async #tellServer(refusal: string): Promise<void> {
    const response = await this.#forward('POST', Buffer.from(refusal));
    response.resume();
  }

  async #passBody(response: IncomingMessage, conversation: Conversation, isJson: boolean): Promise<void> {
    const parts: Buffer[] = [];
    let held = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      await write(this.#outgoing, chunk);
      if (!isJson) continue;
      held += chunk.length;
      if (held > this.#mostBytes)
        throw new SealtrailError('record_too_large', `an answer has more than ${this.#mostBytes} bytes`);
      parts.push(chunk);
    }
    if (held === 0) return;
    const { gate, passed }: Examined = conversation.examine(Buffer.concat(parts), 'server');
    await gate;
    passed();
  }
}

/** A page in a browser must not reach the proxy by a name of its own for this machine (DNS rebinding). */
function isFromHere({ host = '', origin }: IncomingHttpHeaders): boolean {
  const isHere = (name: string): boolean => /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(name);
  if (!isHere(host.replace(/:\d+$/, ''))) return false;
  if (origin === undefined) return true;
  return URL.canParse(origin) && isHere(new URL(origin).hostname);
}

function forwarded(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_FORWARDED.has(name)));
}

async function collect(stream: AsyncIterable<Buffer>, mostBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let held = 0;
  for await (const chunk of stream) {
    held += chunk.length;
    if (held > mostBytes) throw new SealtrailError('record_too_large', `a message has more than ${mostBytes} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

function write(stream: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
