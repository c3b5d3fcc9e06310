import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** OpenSSL's configuration of a time-stamping authority, and of certificates of several kinds. */
const CONFIG = `
[ tsa ]
default_tsa = service
[ service ]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[ req ]
distinguished_name = name
[ name ]
[ authority ]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
[ stamping ]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
`;

/** A time-stamping authority of OpenSSL's, which a test runs on loopback. */
export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), 'sealtrail-tsa-'));
  readonly #server: Server;
  /** How it answers: as it should, not at all, or with these bytes. */
  mood: 'well' | 'dead' | Buffer = 'well';
  requests = 0;

  constructor(kind: 'ec' | 'rsa' = 'ec') {
    writeFileSync(join(this.folder, 'openssl.cnf'), CONFIG);
    writeFileSync(join(this.folder, 'serial'), '01\n');
    const key = kind === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['rsa:2048'];
    const config = ['-config', 'openssl.cnf', '-nodes'];
    this.#openssl(
      'req',
      '-x509',
      '-newkey',
      ...key,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-subj',
      '/CN=Test root',
      '-days',
      '3650',
      ...config,
      '-extensions',
      'authority',
    );
    this.#openssl(
      'req',
      '-newkey',
      ...key,
      '-keyout',
      'tsa.key',
      '-out',
      'tsa.csr',
      '-subj',
      '/O=Example/CN=Test stamps',
      ...config,
    );
    this.#openssl(
      'x509',
      '-req',
      '-in',
      'tsa.csr',
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      'tsa.pem',
      '-days',
      '3650',
      '-extfile',
      'openssl.cnf',
      '-extensions',
      'stamping',
    );
    this.#server = createServer((request, response) => {
      this.requests += 1;
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (this.mood === 'dead') return void response.writeHead(503).end();
        response.writeHead(200, { 'Content-Type': 'application/timestamp-reply' });
        response.end(this.mood === 'well' ? this.reply(Buffer.concat(chunks)) : this.mood);
      });
    });
  }

  /** The root certificate, in PEM. */
  get root(): string {
    return readFileSync(join(this.folder, 'ca.pem'), 'utf8');
  }

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** The answer to a request, both in DER. */
  reply(request: Uint8Array): Buffer {
    writeFileSync(join(this.folder, 'request.tsq'), request);
    this.#openssl(
      'ts',
      '-reply',
      '-queryfile',
      'request.tsq',
      '-signer',
      'tsa.pem',
      '-inkey',
      'tsa.key',
      '-out',
      'reply.tsr',
      '-config',
      'openssl.cnf',
      '-section',
      'service',
    );
    return readFileSync(join(this.folder, 'reply.tsr'));
  }

  async close(): Promise<void> {
    if (this.#server.listening) await new Promise((done) => this.#server.close(done));
    rmSync(this.folder, { recursive: true, force: true });
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: 'ignore' });
  }
}
