import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignedHttp } from '../../lib/client/index.ts';
import { openEmbedded } from '../../lib/server/embedded.ts';
import { CLI, run } from '../cli/process.ts';
import { accessKeyOf, check, freePort, killInTurn, Restartable, spawnQuietly } from './parts.ts';

/** Events out of a log to a webhook, while both are killed: the receiver's copy is proven whole, and one cut line is found. */

const PER_APPEND = 250;
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

export async function throughForwarder(folder: string, events: number, kills: number): Promise<void> {
  const data = join(folder, 'data');
  const copy = join(folder, 'copy.ndjson');
  const ports = { sink: await freePort(), log: await freePort() };
  const url = `http://127.0.0.1:${ports.sink}/in`;
  writeFileSync(join(folder, 'secret'), SECRET);
  const destination = { name: 'siem', type: 'webhook', url, secret: { file: join(folder, 'secret') } };
  const forward = join(folder, 'forward.json');
  writeFileSync(forward, JSON.stringify({ destinations: [destination] }));
  const sink = new Restartable(ports.sink, () =>
    spawnQuietly(process.execPath, [join(import.meta.dirname, 'sink.ts'), copy, String(ports.sink), SECRET]),
  );
  const log = new Restartable(ports.log, () =>
    spawnQuietly(process.execPath, [CLI, 'serve', '--data', data, '--port', String(ports.log), '--forward', forward]),
  );
  await sink.start();
  await log.start();
  const since = Date.now();
  try {
    let sent = 0;
    const killing = killInTurn([log, sink], kills, () => sent / events);
    const { id, secret } = accessKeyOf(data, 'writer');
    const credentials = async () => ({ accessKeyId: id, secretAccessKey: secret });
    const http = new SignedHttp({ endpoint: `http://127.0.0.1:${ports.log}`, credentials, attempts: 100 });
    for (; sent < events; sent += PER_APPEND) {
      const some = Array.from({ length: Math.min(PER_APPEND, events - sent) }, (_, n) => ({
        ...{ type: 'order.paid', details: { n: sent + n } },
      }));
      await http.send({ method: 'POST', path: '/v1/trails/orders/events', body: JSON.stringify({ events: some }) });
    }
    await killing;
    await arrived(copy, events);
  } finally {
    await sink.stop();
    await log.stop();
  }
  await provenWhole(data, copy, events);
  const seconds = Math.round((Date.now() - since) / 1000);
  check(`${events} events to a webhook, log and receiver killed ${kills} times each, in ${seconds} s`, true);
}

/** Waits until the last number is there, and the copy grows no more. */
async function arrived(copy: string, events: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    await sleep(500);
    const size = statSync(copy).size;
    const end = readFileSync(copy).subarray(-70_000).toString();
    if (!end.includes(`"seq":${events - 1},`)) continue;
    await sleep(1_500);
    if (statSync(copy).size === size) return;
  }
  throw new Error('the last events did not arrive within five minutes');
}

async function provenWhole(data: string, copy: string, events: number): Promise<void> {
  const key = join(data, 'key');
  writeFileSync(key, await publicKeyOf(data));
  const range = ['--from', '0', '--to', String(events - 1)];
  const verify = (file: string) => run(['verify-stream', file, '--key', key, ...range, '--json']);
  const whole = await verify(copy);
  check('the copy is proven whole by verify-stream', whole.code === 0, whole.stdout.slice(0, 2000) + whole.stderr);
  const [stream] = JSON.parse(whole.stdout).trails;
  check(`it has ${events} records, none twice`, stream.records === events && stream.repeated === 0, stream);
  const lines = readFileSync(copy, 'utf8').trimEnd().split('\n');
  const middle = lines.length >> 1;
  const cut = `${copy}.cut`;
  writeFileSync(cut, lines.toSpliced(middle, 1).join('\n'));
  const found = await verify(cut);
  const { from } = JSON.parse(lines[middle] ?? '');
  const named = JSON.parse(found.stdout).trails[0].findings[0];
  check(
    'one line less is found, by its number',
    found.code === 1 && named.kind === 'missing' && named.seq === from,
    named,
  );
}

async function publicKeyOf(data: string): Promise<string> {
  const log = await openEmbedded(data);
  const [signer] = log.folder.signers;
  const spki = (await signer?.publicKey()) ?? new Uint8Array();
  await log.close();
  return `spki:${Buffer.from(spki).toString('base64')}\n`;
}
