import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Syslog } from '../../../lib/forward/destinations/syslog.ts';
import { itemsIn } from '../../../lib/verify/streams/stream-items.ts';
import { batchOf } from '../batches.ts';

/** The promise: RFC 5424 messages with their lengths over TLS, and taken only once the receiver has read them all. */

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-syslog-'));
const certFile = join(folder, 'cert.pem');
const keyFile = join(folder, 'key.pem');
let server: Server;
let received: Buffer[] = [];
let raw: Socket | undefined;
let onSocket: (socket: TLSSocket) => void = () => undefined;

beforeAll(async () => {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const made = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    ...subject,
  ];
  execFileSync('openssl', [...made, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
  server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) }, (socket) => {
    socket.on('data', (chunk) => received.push(chunk)).on('error', () => undefined);
    onSocket(socket);
  });
  server.on('connection', (socket) => {
    raw = socket;
  });
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const send = (options: Partial<ConstructorParameters<typeof Syslog>[0]> = {}, ms = 5_000) => {
  received = [];
  const { port } = server.address() as AddressInfo;
  return new Syslog({ host: 'localhost', port, caFile: certFile, ...options }).send(
    batchOf(0, 3, 'record', () => ({ description: 'naïve – ütf' })),
    AbortSignal.timeout(ms),
  );
};

/** Takes a stream apart by the lengths in it (RFC 5425 section 4.3). */
function messages(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.subarray(at, space).toString());
    found.push(bytes.subarray(space + 1, space + 1 + length).toString());
    at = space + 1 + length;
  }
  return found;
}

describe('syslog over TLS', () => {
  it('carries each record as a message of RFC 5424, and the proof as another', async () => {
    onSocket = () => undefined;
    expect(await send()).toEqual({ is: 'taken' });
    const all = messages(Buffer.concat(received));
    expect(all).toHaveLength(4);
    expect(all[1]).toMatch(
      /^<110>1 2026-01-01T00:00:00\.001Z audit\.example\.com sealtrail - record \[sealtrail@32473 trail="orders" seq="1"\] \u{feff}\{/u,
    );
    const items = all.map((one) => itemsIn(one.slice(one.indexOf('{'))));
    expect(items.flatMap(({ records }) => records.map(({ record }) => record.seq))).toEqual([0, 1, 2]);
    expect(items[3]?.headers).toMatchObject([{ from: 0, to: 3 }]);
  });

  it('is not taken by a receiver that breaks off, hangs, or is another', async () => {
    // Killed with bytes that it has not read, a receiver's system resets the connection.
    onSocket = () => raw?.resetAndDestroy();
    await expect(send()).rejects.toThrow();
    onSocket = (socket) => {
      socket.pause();
      socket.allowHalfOpen = true;
    };
    await expect(send({}, 200)).rejects.toThrow();
    onSocket = () => undefined;
    await expect(send({ host: '127.0.0.1' })).rejects.toThrow(/altnames|IP/);
    await expect(send({ caFile: undefined })).rejects.toThrow(/self-signed|certificate/);
    await expect(send({ port: 1 })).rejects.toThrow('ECONNREFUSED');
  });
});
