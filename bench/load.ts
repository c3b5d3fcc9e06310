import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignatureV4 } from '@smithy/signature-v4';

/**
 * A load generator that costs next to nothing, since it shares two cores with the server it measures. Requests are built
 * and signed beforehand (a signature is valid for five minutes) and written to kept-alive sockets as bytes.
 */

export interface Load {
  readonly endpoint: URL;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly path: string;
  /** Bodies to send repeatedly, one per request. */
  readonly bodies: readonly string[];
  readonly connections: number;
  readonly milliseconds: number;
  /** @default as fast as they are answered */
  readonly requestsPerSecond?: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly milliseconds: number;
  /** Latencies in milliseconds, ascending. */
  readonly latencies: readonly number[];
}

/**
 * Sends requests over all connections, as fast as they are answered or at a given pace. At a pace, a latency counts from when the
 * request was due, so that a stall is not hidden by the requests that it held up. Any response but 201 is an error.
 */
export async function run(load: Load): Promise<LoadResult> {
  const requests = await Promise.all(load.bodies.map((body) => signedRequest(load, body)));
  const latencies: number[] = [];
  const started = performance.now();
  const until = started + load.milliseconds;
  let next = 0;
  let due = 0;
  const gap = 1000 / (load.requestsPerSecond ?? Number.POSITIVE_INFINITY);
  const connections = Array.from({ length: load.connections }, async () => {
    const connection = await Connection.open(load.endpoint);
    while (performance.now() < until) {
      const request = requests[next++ % requests.length];
      if (request === undefined) throw new RangeError('nothing to send');
      let sent = performance.now();
      if (gap > 0) {
        const at = started + gap * due++;
        if (at > sent) await sleep(at - sent);
        sent = at;
      }
      await connection.exchange(request);
      latencies.push(performance.now() - sent);
    }
    connection.close();
  });
  await Promise.all(connections);
  return {
    requests: latencies.length,
    milliseconds: performance.now() - started,
    latencies: latencies.sort((a, b) => a - b),
  };
}

async function signedRequest({ endpoint, credentials, path }: Load, body: string): Promise<Buffer> {
  const signer = new SignatureV4({ service: 'execute-api', region: 'us-east-1', credentials, sha256: Sha256 });
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    port: Number(endpoint.port),
    path,
    headers: { host: endpoint.host, 'content-type': 'application/json' },
    body,
  });
  const lines = Object.entries({ ...headers, 'content-length': Buffer.byteLength(body) });
  const head = [`POST ${path} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

/** A kept-alive connection with one request at a time. */
class Connection {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #bytes = 0;
  #expected = Number.POSITIVE_INFINITY;
  #settle: { resolve: () => void; reject: (reason: unknown) => void } | undefined;

  static open(endpoint: URL): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(endpoint.port), endpoint.hostname);
      socket.setNoDelay(true);
      socket.once('connect', () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#settle?.reject(error));
    socket.on('close', () => this.#settle?.reject(new Error('the server closed the connection')));
  }

  exchange(request: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#bytes += chunk.length;
    if (this.#expected === Number.POSITIVE_INFINITY) this.#readHead();
    if (this.#bytes < this.#expected) return;
    this.#received = [];
    this.#bytes = 0;
    this.#expected = Number.POSITIVE_INFINITY;
    this.#settle?.resolve();
  }

  #readHead(): void {
    const text = Buffer.concat(this.#received).toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1];
    if (!text.startsWith('HTTP/1.1 201 ') || length === undefined) {
      this.#settle?.reject(new Error(`an unexpected answer: ${text.slice(0, 1000)}`));
      return;
    }
    this.#expected = end + 4 + Number(length);
  }
}

/** SHA-256 and HMAC-SHA-256 for the signer. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', toBuffer(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(toBuffer(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

function toBuffer(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
}
