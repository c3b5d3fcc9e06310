import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { authorize, stamp, type ToSign } from './signer.ts';

/** What goes over the wire: by default what was signed, unless an attacker says otherwise. */
export interface Sending extends Partial<ToSign> {
  /** Path and query as sent. @default what was signed */
  readonly target?: string;
  /** Set after signing; an empty list takes a header away. */
  readonly override?: Readonly<Record<string, string | string[]>>;
  /** Sent in place of the body that was signed. */
  readonly sentBody?: string | Uint8Array;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The headers of a signed request. */
export function signedHeaders(url: string, { path = '/v1/trails', ...rest }: Partial<ToSign> = {}) {
  const headers = { host: new URL(url).host, 'x-amz-date': stamp(Date.now()), ...rest.headers };
  return { authorization: authorize({ path, ...rest, headers }), ...headers };
}

/** Signs a request, sends it and reads the answer. */
export function send(url: string, sending: Sending = {}): Promise<Answered> {
  const { method = 'GET', path = '/v1/trails', query = '', body, override = {}, sentBody = body } = sending;
  const headers: Record<string, string | string[]> = signedHeaders(url, sending);
  for (const [name, value] of Object.entries(override)) {
    if (value.length === 0) delete headers[name];
    else headers[name] = value;
  }
  const { hostname, port } = new URL(url);
  const target = sending.target ?? `${path}${query === '' ? '' : `?${query}`}`;
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ hostname, port, method, path: target, headers, agent: false }, (response) => {
      const { statusCode = 0, headers: received } = response;
      text(response).then((all) => resolve({ status: statusCode, headers: received, body: all }), reject);
    });
    sent.on('error', reject).end(sentBody);
  });
}

/** Writes bytes to a connection and returns all that comes back until the server ends it. */
export function converse(url: string, bytes: string | Uint8Array): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let received = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('error', reject).on('close', () => resolve(received));
  });
}

/** A request's head as bytes of HTTP/1.1. */
export function headOf(method: string, target: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
