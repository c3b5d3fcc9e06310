import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Syslog } from '../../lib/forward/destinations/syslog.ts';
import { parseTrustedKeys } from '../../lib/verify/evidence/trust.ts';
import { checkStream } from '../../lib/verify/streams/check-stream.ts';
import { ForwardedLog } from '../followers/forwarding/forwarded-log.ts';
import { check, freePort, Restartable, spawnQuietly, unpackRsyslog } from './parts.ts';

/** Records to Debian's rsyslog over TLS, which is killed meanwhile: what it wrote is proven whole. */

const RECORDS = 2_000;

const config = (folder: string, root: string, port: number): string => `
global(
  maxMessageSize="128k"
  workDirectory="${folder}"
  defaultNetstreamDriverCAFile="${folder}/cert.pem"
  defaultNetstreamDriverCertFile="${folder}/cert.pem"
  defaultNetstreamDriverKeyFile="${folder}/key.pem"
)
module(load="${join(root, 'usr/lib', libraries(), 'rsyslog/imtcp')}" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" port="${port}" address="127.0.0.1")
template(name="message" type="string" string="%msg%\\n")
action(type="omfile" file="${folder}/messages" template="message" sync="on")
`;

/** The folder of libraries of this machine's kind, as Debian names it. */
const libraries = (): string => (process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu');

export async function throughRsyslog(folder: string): Promise<void> {
  const root = unpackRsyslog();
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  execFileSync('openssl', [...made, ...files], { stdio: 'ignore' });
  const file = join(folder, 'rsyslog.conf');
  writeFileSync(file, config(folder, root, port));
  const library = join(root, 'usr/lib', libraries());
  const env = { PATH: process.env.PATH, LD_LIBRARY_PATH: library };
  const args = ['-n', '-f', file, '-i', join(folder, 'pid'), '-M', join(library, 'rsyslog')];
  const rsyslog = new Restartable(port, () => spawnQuietly(join(root, 'usr/sbin/rsyslogd'), args, env));
  await rsyslog.start();
  try {
    await forwardWhile(rsyslog, port, folder);
  } finally {
    await rsyslog.stop();
  }
}

async function forwardWhile(rsyslog: Restartable, port: number, folder: string): Promise<void> {
  const log = new ForwardedLog();
  const syslog = new Syslog({ host: 'localhost', port, caFile: join(folder, 'cert.pem') });
  const forwarder = log.forwarder(
    { maxRecords: 100, alarmSeconds: 604_800 },
    { destination: () => syslog, isAlone: true },
  );
  for (let size = 0; size < RECORDS; size += 100) {
    if (size % 500 === 400) await rsyslog.stop();
    await log.append('orders', 100, 'order.paid', { note: 'naïve – ütf' });
    await forwarder.run('orders');
    if (size % 500 === 400) await rsyslog.start();
    log.now += 120_000; // past its back-off
  }
  await forwarder.run('orders');
  const { forwarded, error } = await forwarder.statusOf('orders');
  check(`${RECORDS} records went to rsyslog over TLS, which was away four times`, forwarded === RECORDS, {
    forwarded,
    error,
  });
  const trust = parseTrustedKeys(`spki:${Buffer.from(await log.signer.publicKey()).toString('base64')}\n`);
  for (let tries = 0; ; tries++) {
    const lines = readFileSync(join(folder, 'messages'), 'utf8').split('\n');
    const [stream] = await checkStream(lines, trust, { trail: 'orders', from: 0, to: RECORDS });
    if (stream?.findings.length === 0) break;
    if (tries === 50) throw new Error(`what rsyslog wrote is not whole: ${JSON.stringify(stream).slice(0, 1000)}`);
    await sleep(200);
  }
  check('what rsyslog wrote is proven whole', true);
}
