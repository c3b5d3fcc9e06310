import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { throughCollector } from './through-collector.ts';
import { throughForwarder } from './through-forwarder.ts';
import { throughRsyslog } from './through-rsyslog.ts';

/**
 * `npm run test:streams`: events in by the upstream OpenTelemetry Collector and out to a webhook and to rsyslog, while all of them
 * are killed. Needs go, openssl, apt-get and dpkg, and fetches the collector and rsyslog with pinned versions; a tool that is
 * missing is a failure. SEALTRAIL_STREAM_EVENTS and SEALTRAIL_STREAM_KILLS say how much (default: 20,000 and 10, about a minute
 * and a half beside the build of the collector); the figures of docs/opentelemetry.md and docs/forwarding.md are of 100,000.
 */

const EVENTS = Number(process.env.SEALTRAIL_STREAM_EVENTS ?? 20_000);
const KILLS = Number(process.env.SEALTRAIL_STREAM_KILLS ?? 10);
const PARTS = { collector: throughCollector, forwarder: throughForwarder, rsyslog: throughRsyslog };

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-streams-'));
try {
  const asked = process.argv.slice(2);
  for (const [name, part] of Object.entries(PARTS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    const own = join(folder, name);
    mkdirSync(own);
    await part(own, EVENTS, KILLS);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
