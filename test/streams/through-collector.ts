import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEmbedded } from '../../lib/server/embedded.ts';
import { CLI } from '../cli/process.ts';
import { accessKeyOf, buildCollector, check, freePort, killInTurn, Restartable, spawnQuietly } from './parts.ts';

/** Records through the upstream collector into a log, while both are killed: each is in the log exactly once. */

const PER_REQUEST = 250;

const collectorConfig = (folder: string, ports: { readonly collector: number; readonly log: number }): string => `
extensions:
  sigv4auth:
    service: execute-api
    region: us-east-1
  file_storage:
    directory: ${join(folder, 'queue')}
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:${ports.collector}
exporters:
  otlp_http:
    endpoint: http://127.0.0.1:${ports.log}/v1/otlp/telemetry
    auth:
      authenticator: sigv4auth
    sending_queue:
      storage: file_storage
      queue_size: 100000
      block_on_overflow: true
    retry_on_failure:
      initial_interval: 200ms
      max_interval: 2s
      max_elapsed_time: 0
service:
  telemetry:
    metrics:
      level: none
    logs:
      level: warn
  extensions: [sigv4auth, file_storage]
  pipelines:
    logs: { receivers: [otlp], exporters: [otlp_http] }
`;

function request(from: number, to: number): string {
  const logRecords = Array.from({ length: to - from }, (_, n) => ({
    timeUnixNano: `1767225600${String(from + n).padStart(9, '0')}`,
    severityNumber: 9,
    eventName: 'order.paid',
    body: { stringValue: `order ${from + n}` },
    attributes: [{ key: 'n', value: { intValue: String(from + n) } }],
  }));
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] };
  return JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] });
}

/** Sends until the collector says that it has it: a sender does not know whether a killed one had. */
async function send(port: number, body: string): Promise<void> {
  for (;;) {
    try {
      const how = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(10_000),
      };
      const response = await fetch(`http://127.0.0.1:${port}/v1/logs`, how);
      await response.text();
      if (response.ok) return;
    } catch {
      // It is being killed.
    }
    await sleep(50);
  }
}

export async function throughCollector(folder: string, events: number, kills: number): Promise<void> {
  const collector = buildCollector();
  const data = join(folder, 'data');
  const ports = { collector: await freePort(), log: await freePort() };
  mkdirSync(join(folder, 'queue'), { recursive: true });
  const config = join(folder, 'collector.yaml');
  writeFileSync(config, collectorConfig(folder, ports));
  const log = new Restartable(ports.log, () =>
    spawnQuietly(process.execPath, [CLI, 'serve', '--data', data, '--port', String(ports.log)]),
  );
  await log.start();
  const key = accessKeyOf(data, 'writer');
  const env = { PATH: process.env.PATH, AWS_ACCESS_KEY_ID: key.id, AWS_SECRET_ACCESS_KEY: key.secret };
  const sender = new Restartable(ports.collector, () => spawnQuietly(collector, ['--config', config], env));
  await sender.start();
  const since = Date.now();
  try {
    let sent = 0;
    const killing = killInTurn([sender, log], kills, () => sent / events);
    for (let from = 0; from < events; from += PER_REQUEST) {
      await send(ports.collector, request(from, Math.min(events, from + PER_REQUEST)));
      sent = from + PER_REQUEST;
    }
    await killing;
    await settled(data, log, events);
  } finally {
    await sender.stop('SIGKILL');
    await log.stop();
  }
  await inLogOnce(data, events);
  const seconds = Math.round((Date.now() - since) / 1000);
  check(`${events} records through the collector, collector and log killed ${kills} times each, in ${seconds} s`, true);
}

/** Waits until the log has as many records as were sent, and for a while longer: one too many would come then. */
async function settled(data: string, log: Restartable, events: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    await sleep(2_000);
    await log.stop();
    const size = await sizeOf(data);
    if (size >= events) return;
    if (tries === 100) throw new Error(`only ${size} of ${events} records arrived`);
    await log.start();
    await sleep(Math.min(8_000, 1_000 + (events - size) / 10));
  }
}

async function sizeOf(data: string): Promise<number> {
  const log = await openEmbedded(data);
  const size = (await log.ledger.head('telemetry'))?.size ?? 0;
  await log.close();
  return size;
}

async function inLogOnce(data: string, events: number): Promise<void> {
  const log = await openEmbedded(data);
  const counts = new Map<number, number>();
  for await (const { lines } of log.ledger.blocks('telemetry', { from: 0, to: Number.MAX_SAFE_INTEGER })) {
    for (const line of lines) {
      const n = JSON.parse(line).event.details.attributes.n;
      counts.set(n, (counts.get(n) ?? 0) + 1);
    }
  }
  await log.close();
  const twice = [...counts].filter(([, count]) => count !== 1);
  check('every record is in the log', counts.size === events, `${counts.size}`);
  check('none is there twice', twice.length === 0, twice.slice(0, 5));
}
