import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SealtrailError } from '../../log/error.ts';
import { answerRequest, MAX_REQUEST_BYTES } from '../requests.ts';
import type { Witness } from '../witness.ts';

/** Where a witness listens, and whom it tells of failures. */
export interface ServeWitnessOptions {
  /** @default 127.0.0.1: put something with TLS in front before listening elsewhere */
  readonly host?: string;
  /** @default 0: any free one */
  readonly port?: number;
  /** Called on every error that is not a caller's. Must not throw. */
  readonly onError: (error: unknown) => void;
}

/** A witness behind HTTP. */
export interface WitnessServer {
  /** Both prefixes of C2SP tlog-witness, submission and monitoring, such as `http://127.0.0.1:8322/`. */
  readonly url: string;
  /** Refuses new connections, finishes the requests under way, and resolves. Idempotent. */
  close(): Promise<void>;
}

const LIMITS = {
  requestTimeout: 10_000,
  headersTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 8_192,
};
const MAX_CONNECTIONS = 1_024;

/**
 * Serves a witness: `POST /add-checkpoint`, `GET /<origin hash>/checkpoint`, and `GET /` with its vkey.
 *
 * @throws `in_use` when the port is taken, `usage` when it cannot be listened on
 */
export async function serveWitness(witness: Witness, options: ServeWitnessOptions): Promise<WitnessServer> {
  const { host = '127.0.0.1', port = 0, onError } = options;
  const server = createServer(LIMITS, (request, response) => void respond(witness, request, response, onError));
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, host, port);
  // A server that listens on TCP has an address of this kind.
  const { address, family, port: taken } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}/`,
    close: () => {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      return closing;
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      const message = taken
        ? `port ${port} is in use: choose another one with --port`
        : `cannot listen on ${host}:${port}`;
      reject(new SealtrailError(taken ? 'in_use' : 'usage', message, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

async function respond(
  witness: Witness,
  request: IncomingMessage,
  response: ServerResponse,
  onError: (error: unknown) => void,
): Promise<void> {
  try {
    const { method = '', url = '' } = request;
    const [path = ''] = url.split('?', 1);
    const read = () => readBody(request);
    const { status, type, body } = await answerRequest(witness, { method, path, read });
    request.resume();
    response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
  } catch (error) {
    onError(error);
    request.resume();
    if (response.headersSent) response.destroy();
    else
      response.writeHead(503, { 'Content-Type': 'text/plain; charset=utf-8', 'Retry-After': '5' }).end('try again\n');
  }
}

/** Undefined: it is too long. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MAX_REQUEST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
