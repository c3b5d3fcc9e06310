import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignedHttp } from '../../lib/client/http/http.ts';
import { type Embedded, openEmbedded } from '../../lib/server/embedded.ts';
import { serveLog } from '../../lib/server/serve.ts';
import type { HttpServer } from '../../lib/server/server.ts';

/** A log that is served, with what a page has to cope with in it. */
export interface ServedConsoleLog {
  readonly log: Embedded;
  readonly server: HttpServer;
  readonly dir: string;
  readonly http: SignedHttp;
  /** A key file as a reader has it: vkeys of the trails that were appended to. `_index` and `_system` may begin later. */
  readonly keys: () => Promise<string>;
  close(): Promise<void>;
}

/** @param indexDelayMs zero: `_index` begins at once, as it does in the first minute of any log */
export async function servedLog(given?: string, indexDelayMs = 0): Promise<ServedConsoleLog> {
  const dir = given ?? (await mkdtemp(join(tmpdir(), 'sealtrail-console-')));
  const log = await openEmbedded(dir, { logName: 'audit.example.com', archiveDelayMs: 10, indexDelayMs });
  const server = await serveLog(log, { log: () => undefined, onError: (error) => Promise.reject(error) });
  const profile = log.folder.profiles.find((one) => one.profile === 'admin');
  if (profile === undefined) throw new RangeError('there is no profile admin');
  const http = new SignedHttp({ endpoint: server.url, credentials: async () => profile });
  return {
    ...{ log, server, dir, http },
    keys: async () => {
      const reply = (await http.send({ path: '/v1/keys' })).json() as { keys: { trail: string; vkey: string }[] };
      const own = reply.keys.filter(({ trail }) => !trail.startsWith('_'));
      return `${own.map(({ vkey }) => vkey).join('\n')}\n`;
    },
    close: async () => {
      await server.close();
      await log.close();
    },
  };
}

/** What people of a small company do in a day: enough to search, count and follow. */
export function ordinaryEvents(now = Date.now()): Record<string, unknown>[] {
  const people = ['alice@example.com', 'bob@example.com', 'carol@example.com', 'deploy-bot'];
  const events: Record<string, unknown>[] = [];
  for (let n = 0; n < 400; n++) {
    const actor = { id: people[n % 4], ip: `198.51.100.${n % 250}`, type: n % 4 === 3 ? 'service' : 'user' };
    const time = new Date(now - (400 - n) * 120_000).toISOString();
    const context = { tenant: n % 3 === 0 ? 'globex' : 'acme', session: `s-${Math.floor(n / 10)}`, request: `r-${n}` };
    if (n % 17 === 0)
      events.push({ type: 'auth.login_failed', actor, time, context, details: { reason: 'bad password' } });
    else if (n % 11 === 0) {
      events.push({
        type: 'config.changed',
        ...{ actor, time, context, resource: { type: 'project', id: `p-${n % 5}`, name: `Project ${n % 5}` } },
        changes: {
          before: { limits: { daily: 100, monthly: 2000 }, region: 'eu-west-1', owners: ['alice'] },
          after: {
            limits: { daily: 100 + n, monthly: 2000 },
            region: 'eu-central-1',
            owners: ['alice', 'bob'],
            beta: true,
          },
        },
      });
    } else if (n % 5 === 0)
      events.push({
        type: 'invoice.paid',
        actor,
        time,
        context,
        resource: { type: 'invoice', id: `inv-${1000 + n}` },
        outcome: 'success',
        details: { amount: n * 3, currency: 'EUR' },
      });
    else events.push({ type: 'auth.login', actor, time, context });
  }
  for (let n = 0; n < 6; n++) {
    const context = { action: `act-${n}`, agent: 'billing-agent', correlation: 'run-7', session: 'agent-1' };
    const actor = { id: 'billing-agent', type: 'agent' };
    const at = (seconds: number) => new Date(now - 3_600_000 + n * 90_000 + seconds * 1000).toISOString();
    const action = ['refund.create', 'invoice.void', 'mail.send', 'ledger.read', 'refund.create', 'plan.change'][n];
    events.push({ type: 'action.requested', time: at(0), actor, action, context });
    events.push({
      type: 'action.validated',
      time: at(1.2),
      actor,
      action,
      context,
      decision: n === 4 ? 'deny' : n % 2 ? 'allow' : 'require_approval',
    });
    if (n === 4) events.push({ type: 'action.denied', time: at(1.4), actor, action, context, decision: 'deny' });
    else {
      if (n % 2 === 0)
        events.push({
          type: 'approval.granted',
          time: at(24 + n),
          actor: { id: 'alice@example.com', type: 'user' },
          action,
          context,
        });
      events.push({
        type: n === 3 ? 'action.failed' : 'action.executed',
        time: at(30 + 5 * n),
        actor,
        action,
        context,
      });
    }
  }
  return events;
}

/** What a hostile producer would send, were the page to take texts for code. */
export const HOSTILE: readonly Record<string, unknown>[] = [
  '<img src=x onerror=window.hacked=1>',
  '<script>window.hacked=1</script>',
  'javascript:window.hacked=1',
  '"><svg onload=window.hacked=1>',
  "'-window.hacked=1-'",
  '{{constructor.constructor("window.hacked=1")()}}',
  '</pre><iframe srcdoc="<script>parent.hacked=1</script>">',
  '\u202egnp.exe\u0000\u001b[31m',
].flatMap((text) => [
  {
    type: 'custom.hostile',
    description: text,
    actor: { id: text, name: text, userAgent: text },
    resource: { id: text, name: text, type: text.slice(0, 100) },
    context: { tenant: text.slice(0, 200), session: text.slice(0, 200), action: text.slice(0, 200) },
    action: text.slice(0, 200),
    details: { [text]: text, __proto__x: text },
    changes: { before: { [text]: text }, after: { [text]: [text] } },
  },
]);

/** Appends events, some hundred at a time. */
export async function append(http: SignedHttp, trail: string, events: readonly unknown[]): Promise<unknown[]> {
  const receipts: unknown[] = [];
  for (let at = 0; at < events.length; at += 200) {
    const body = JSON.stringify({ events: events.slice(at, at + 200) });
    receipts.push(
      (
        await http.send({
          method: 'POST',
          path: `/v1/trails/${trail}/events`,
          body,
          headers: { prefer: 'return=representation' },
        })
      ).json(),
    );
  }
  return receipts;
}
