import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AuditLogger,
  type AuditReader,
  auditedFetch,
  createAuditLogger,
  type LogRecord,
  type PageNotes,
  resetSharedAuditLogger,
  sharedAuditLogger,
} from '../../lib/client/index.ts';
import { openTestLog, type TestLog } from '../cli/in-process.ts';
import { temporaryFolder } from '../store/temporary.ts';

/**
 * What the four audit loggers that Sealtrail takes over from do, row by row, each with the sources that do it: a video API (S1), a web
 * backend (S2), a client of language models (S3) and an agents' logger (S4). Anyone who comes from one of them asks in the same calls,
 * wherever the events are kept.
 */

const STORES = ['api', 'file', 'memory'] as const;
type Store = (typeof STORES)[number];

interface Filled {
  readonly audit: AuditLogger;
  readonly reader: AuditReader;
  readonly errors: Error[];
  readonly dir: string;
}

let test: TestLog;
const filled = {} as Record<Store, Filled>;

/** One day of an application, in the calls of all four sources. */
function live(audit: AuditLogger): void {
  const alice = { actor: { id: 'alice', type: 'user', ip: '203.0.113.7', userAgent: 'Mozilla/5.0' } } as const;
  const bot = { context: { agent: 'bot-7', tenant: 'acme', session: 's-1', correlation: 'c-1' } };
  audit.auth('login', { ...alice, context: { tenant: 'acme', project: 'p-1', request: 'r-1' } });
  audit.auth('login_failed', {
    actor: { id: 'mallory@example.com' },
    details: { password: 'hunter2', tries: [{ token: 't' }] },
  });
  audit.data('update', {
    ...alice,
    resource: { type: 'user', id: '7' },
    changes: { before: { plan: 'free', api_key: 'k' }, after: { plan: 'pro', api_key: 'l' } },
  });
  audit.security('threat_detected', { details: { score: 97 } });
  audit.request({ ...bot, details: { model: 'm-1', prompt_tokens: 12 } });
  audit.response({ ...bot, outcome: 'success', details: { completion_tokens: 80 } });
  audit.complianceCheck('retention', false, bot);
  audit.error(new Error('disk full'));
  audit.custom('invoice.paid', { details: { amount: 150 } });
  audit.log({ type: 'USER_ACTION' });
  audit.actionRequested('a-1', { ...bot, decision: 'require_approval', details: { reasons: ['costly'] } });
  audit.approval('granted', 'ap-1', bot);
  audit.actionExecuted('a-1', 152, bot);
  audit.actionDenied('a-2', ['over budget'], bot);
  audit.budget({ name: 'tokens', spent: 90, limit: 100 }, bot);
  audit.budget({ name: 'none', spent: 0, limit: 0 });
  audit.emergencyStop('runaway loop', bot);
}
const TOTAL = 17;

beforeAll(async () => {
  test = await openTestLog();
  const admin = test.log.folder.profiles.find(({ profile }) => profile === 'admin');
  if (admin === undefined) throw new Error('no profile admin');
  const api = { endpoint: test.url, credentials: async () => admin };
  for (const store of STORES) {
    const errors: Error[] = [];
    const dir = join(test.folder, store);
    const audit = createAuditLogger({
      ...(store === 'api' && { api: { ...api, trail: 'day', batchDelay: 5 } }),
      ...(store === 'file' && { file: { dir, rotate: 'hourly', fsync: 'never' } }),
      ...(store === 'memory' && { memory: { limit: 100 } }),
      onError: (error) => errors.push(error),
    });
    live(audit);
    await audit.flush();
    filled[store] = { audit, reader: audit.reader, errors, dir };
  }
});
afterAll(async () => {
  for (const { audit } of Object.values(filled)) await audit.close();
  await test.close();
});

const all = (records: AsyncIterable<LogRecord>): Promise<LogRecord[]> => Array.fromAsync(records);
const typesOf = (records: readonly LogRecord[]): string[] => records.map(({ event }) => event.type);

describe.each(STORES)('kept in %s', (store) => {
  const ask = (query: Parameters<AuditReader['query']>[0]) => all(filled[store].reader.query(query));

  it.each<[string, Parameters<AuditReader['query']>[0], number]>([
    ['type, one', { type: 'auth.login' }, 1],
    ['type, several', { type: ['auth.login', 'LOGIN_FAILED', 'invoice.paid'] }, 3],
    ['type, a group', { type: 'action.*' }, 3],
    ['actor', { actor: 'alice' }, 2],
    ['actor, masked', { actor: 'mallory@example.com' }, 1],
    ['customer', { tenant: 'acme' }, 10],
    ['project', { project: 'p-1' }, 1],
    ['session', { session: 's-1' }, 9],
    ['agent', { agent: 'bot-7' }, 9],
    ['action', { action: 'a-1' }, 2],
    ['correlation', { correlation: 'c-1' }, 9],
    ['resource type', { resourceType: 'user' }, 1],
    ['outcome', { outcome: 'failure' }, 2],
    ['outcome, another', { outcome: ['success'] }, 5],
    ['severity', { severity: 'critical' }, 2],
    ['decision', { decision: 'deny' }, 1],
    ['request', { request: 'r-1' }, 1],
    ['resource', { resource: '7' }, 1],
    ['approval', { approval: 'ap-1' }, 1],
    ['time range', { from: '1h', to: 'now' }, TOTAL],
    ['time range, empty', { to: 'yesterday' }, 0],
    ['producer’s time', { timeFrom: '1h' }, TOTAL],
    ['number', { seq: '2..3' }, 2],
    ['field', { where: 'details.amount > 100' }, 1],
    ['text', { text: 'RUNAWAY' }, 1],
    ['contrary', { notType: '*', notActor: 'alice' }, 0],
    ['contrary, of several', { notAgent: 'bot-7', notOutcome: 'success' }, 6],
    ['address', { ip: '203.0.113.7' }, 2],
  ])('query by %s (S1 to S4)', async (_, query, count) => {
    const found = await ask(query);
    expect(typesOf(found)).toHaveLength(count);
  });

  it('query: newest first, or oldest first (S1 to S4)', async () => {
    const newest = await ask({});
    expect(newest.map(({ seq }) => seq)).toEqual(Array.from({ length: TOTAL }, (_, n) => TOTAL - 1 - n));
    expect(await ask({ order: 'oldest' })).toEqual(newest.reverse());
  });

  it.each<[string, Parameters<AuditReader['query']>[0], object]>([
    ['a name that is not there', { actor: 'alcie' }, { reason: 'no_such_value', filter: 'actor', near: ['alice'] }],
    ['a period after the newest', { from: '2999-01-01' }, { reason: 'period_after' }],
    ['a period before the first', { to: 'yesterday' }, { reason: 'period_before' }],
    ['numbers that are not there', { seq: '90..' }, { reason: 'period_empty' }],
    ['what is not together', { actor: 'alice', agent: 'bot-7' }, { reason: 'none_passes' }],
  ])('query: nothing found by %s says so', async (_, query, reason) => {
    const pages: PageNotes[] = [];
    const found = await all(filled[store].reader.query(query, { onPage: (page) => pages.push(page) }));
    expect(found).toEqual([]);
    expect(pages).toMatchObject([{ asOf: TOTAL, more: false, absence: [{ size: TOTAL, ...reason }] }]);
  });

  it('query: a wrong one is refused with its field', async () => {
    for (const [query, field] of [
      [{ outcome: 'bad' }, 'outcome'],
      [{ type: 'no type' }, 'type'],
      [{ actor: 'a*b' }, 'actor'],
      [{ from: 'lunch' }, 'from'],
      [{ where: 'amount > 1' }, 'where'],
      [{ colour: 'red' }, 'colour'],
      [{ from: '2026-02-01', to: '2026-01-01' }, 'from'],
    ] as const) {
      await expect(ask(query as never)).rejects.toMatchObject({ code: 'invalid_parameter', field });
    }
  });

  it('recent events, also by type and time (S3)', async () => {
    const { reader } = filled[store];
    expect(typesOf(await reader.recent(2))).toEqual(['agent.emergency_stop', 'budget.checked']);
    expect(typesOf(await reader.recent(1, { type: 'auth.*', from: '1h' }))).toEqual(['auth.login_failed']);
    expect(await reader.recent(0)).toEqual([]);
  });

  it('activity of one actor over days: totals, types, outcomes, the last (S1)', async () => {
    const activity = await filled[store].reader.activity('alice', 1);
    expect(activity).toMatchObject({
      ...{ actor: 'alice', total: 2, byType: { distinct: 2 }, last: { seq: 2, type: 'data.update' } },
      byOutcome: { values: [{ value: 'success', count: 2 }], distinct: 1, others: 0 },
    });
    expect((await filled[store].reader.activity('nobody', 1)).total).toBe(0);
    await expect(filled[store].reader.activity('alice', 0)).rejects.toMatchObject({ field: 'days' });
  });

  it('action history of an agent: its actions, and all of it on request (S4)', async () => {
    const { reader } = filled[store];
    expect(typesOf(await all(reader.actionHistory('bot-7')))).toEqual([
      'action.requested',
      'action.executed',
      'action.denied',
    ]);
    expect(await all(reader.actionHistory('bot-7', 'all'))).toHaveLength(9);
  });

  it('summary over a period: totals by type, outcome, severity, exact; and by fields of choice (S2)', async () => {
    const { reader } = filled[store];
    const { total, by, histogram, asOf } = await reader.summary({ from: '1h', top: 1 });
    expect({ total, asOf }).toEqual({ total: TOTAL, asOf: TOTAL });
    expect(by.outcome).toEqual({ values: [{ value: 'success', count: 5 }], distinct: 4, others: 4 });
    expect(by.severity.values).toHaveLength(1);
    expect(histogram).toMatchObject({ bucket: 'minute' });
    expect(histogram.counts.reduce((sum, { count }) => sum + count, 0)).toBe(TOTAL);
    const { groups } = await reader.summary({ agent: 'bot-7', by: ['tenant', 'decision'] });
    expect(groups?.rows).toEqual([
      { values: ['acme', null], count: 6 },
      { values: ['acme', 'allow'], count: 1 },
      { values: ['acme', 'deny'], count: 1 },
      { values: ['acme', 'require_approval'], count: 1 },
    ]);
    await expect(reader.summary({ by: 'tenantz' })).rejects.toMatchObject({ code: 'invalid_parameter', field: 'by' });
  });

  it.each(['ndjson', 'json', 'csv'] as const)('export as %s, by time and types, to a file (S2, S3)', async (format) => {
    const file = join(await temporaryFolder(), `logins.${format}`);
    const request = { format, type: 'auth.*', from: '1h' } as const;
    const { manifest, files } = await filled[store].reader.export(file, request);
    expect(manifest).toMatchObject({ records: 2, first: 0, last: 1, filters: { type: ['auth.*'] } });
    const text = await readFile(files.file, 'utf8');
    expect(text).toContain('auth.login_failed');
    expect(text).not.toContain('hunter2');
    if (format === 'json') expect(JSON.parse(text)).toHaveLength(2);
    expect(JSON.parse(await readFile(files.manifest, 'utf8'))).toEqual(manifest);
    await expect(filled[store].reader.export(file, request)).rejects.toMatchObject({ code: 'usage' });
  });

  it('export: its manifest says by number, severity and mask what is in the file (S2, S3)', async () => {
    const file = join(await temporaryFolder(), 'some.ndjson');
    const request = { format: 'ndjson', seq: '1..3', severity: 'warning', actor: 'mallory@example.com' } as const;
    const { manifest } = await filled[store].reader.export(file, request);
    expect(manifest).toMatchObject({
      ...{ records: 1, first: 1, last: 1, seqs: { from: 1, to: 4 } },
      filters: { severity: ['warning', 'error', 'critical'], actor: ['mallory@example.com'] },
      masked: [{ filter: 'actor', asked: 'mallory@example.com', as: expect.stringMatching(/^m\*\*\*/) }],
    });
  });

  it('what is said of someone by a masked address says so: query, summary, activity (S1, S2)', async () => {
    const { reader } = filled[store];
    const actor = 'mallory@example.com';
    const masked = { filter: 'actor', asked: actor, as: expect.stringMatching(/^m\*\*\*/) };
    const pages: PageNotes[] = [];
    await all(reader.query({ actor }, { onPage: (page) => pages.push(page) }));
    expect(pages).toMatchObject([{ masked: [masked] }]);
    expect(await reader.summary({ actor })).toMatchObject({ total: 1, masked: [masked] });
    expect(await reader.activity(actor)).toMatchObject({ total: 1, masked });
    expect(await reader.activity('alice')).not.toHaveProperty('masked');
  });

  it('integrity check: totals and a list of problems, and what it did not look at (S1, S4)', async () => {
    const report = await filled[store].reader.verifyIntegrity('full');
    expect(report).toMatchObject({ mode: 'full', verdict: 'ok', from: 0, to: TOTAL, problems: [], moreProblems: 0 });
    const range = await filled[store].reader.verifyIntegrity({ from: 2, to: 5 });
    expect(range).toMatchObject({ mode: 'range', verdict: 'ok', range: { from: 2, to: 5 } });
    await expect(filled[store].reader.verifyIntegrity({ to: 99 })).rejects.toMatchObject({ field: 'to' });
    // A sink signs nothing: no verdict is given on what nothing can tell.
    expect(report.notLookedAt.join().includes('nothing signs or chains')).toBe(store !== 'api');
  });

  it('redaction by key name, nested, in details, lists and changes (S1 to S4)', async () => {
    const [failed] = await ask({ type: 'auth.login_failed' });
    expect(failed?.event.details).toEqual({ password: '[redacted]', tries: [{ token: '[redacted]' }] });
    const [update] = await ask({ type: 'data.update' });
    expect(update?.event).toMatchObject({
      changes: { before: { plan: 'free', api_key: '[redacted]' }, after: { plan: 'pro', api_key: '[redacted]' } },
      redacted: ['changes.after.api_key', 'changes.before.api_key', 'details.changed.api_key'],
    });
  });

  it('masking of e-mail addresses and addresses of the net unless personal data is included (S1)', async () => {
    const [failed] = await ask({ type: 'auth.login_failed' });
    expect(failed?.event.actor?.id).toMatch(/^m\*\*\*(?:~\w+)?@example\.com$/);
    const [login] = await ask({ type: 'auth.login' });
    expect(login?.event.actor?.ip).toMatch(/^203\.0\.113\.\*\*\*/);
  });

  it('fields: the time of the producer and of the log are kept apart, and an id is there (all)', async () => {
    const [login] = await ask({ type: 'auth.login' });
    expect(login).toMatchObject({
      receivedAt: expect.any(Number),
      event: { id: expect.any(String), time: expect.any(String) },
    });
    expect(login?.event.severity).toBe('info');
  });

  it('convenience calls: auth, data and security (S2); requests, checks, errors (S3); actions, budgets, stops (S4)', async () => {
    const one = async (type: string) => (await ask({ type }))[0]?.event;
    expect(await one('auth.login')).toMatchObject({ outcome: 'success' });
    expect(await one('data.update')).toMatchObject({ outcome: 'success', details: { changed: expect.anything() } });
    expect(await one('security.threat_detected')).toMatchObject({ details: { score: 97 } });
    expect(await one('compliance.violation')).toMatchObject({ outcome: 'failure', details: { check: 'retention' } });
    expect(await one('system.error')).toMatchObject({ details: { error: { message: 'disk full' } } });
    expect(await one('user.action')).toMatchObject({ type: 'user.action' });
    expect(await one('action.requested')).toMatchObject({
      decision: 'require_approval',
      details: { reasons: ['costly'] },
    });
    expect(await one('action.executed')).toMatchObject({ decision: 'allow', details: { durationMs: 152 } });
    expect(await one('action.denied')).toMatchObject({ decision: 'deny' });
    expect(await one('budget.warning')).toMatchObject({ details: { usagePercent: 90 } });
    expect(await one('budget.checked')).toMatchObject({ details: { usagePercent: 0 } });
    expect(await one('agent.emergency_stop')).toMatchObject({ description: 'runaway loop', severity: 'critical' });
  });
});

describe('whatever it is kept in', () => {
  it('text line and JSON line per event (S1)', async () => {
    const { dir } = filled.file;
    const [name = ''] = await readdir(dir);
    expect(name).toMatch(/^audit-\d{4}-\d\d-\d\dT\d\d\.ndjson$/);
    expect((await readFile(join(dir, name), 'utf8')).trimEnd().split('\n')).toHaveLength(TOTAL);
    const text = await temporaryFolder();
    const audit = createAuditLogger({ file: { dir: text, format: 'text' } });
    audit.auth('login', { actor: { id: 'alice' }, action: 'sign-in' });
    await audit.close();
    const [file = ''] = await readdir(text);
    expect(await readFile(join(text, file), 'utf8')).toMatch(
      / INFO auth\.login outcome=success actor=alice action=sign-in /,
    );
    await expect(audit.reader.recent()).rejects.toMatchObject({ code: 'usage', field: 'file.format' });
  });

  it('an audited API client: submit, success, rate limit and failure around a call, whose result stays (S1)', async () => {
    const audit = createAuditLogger({ memory: {} });
    const answers = [new Response('ok'), new Response('slow down', { status: 429 })];
    const fetcher = auditedFetch(audit, { fetch: async () => answers.shift() ?? Promise.reject(new Error('gone')) });
    expect(await (await fetcher('https://api.example/v1')).text()).toBe('ok');
    expect((await fetcher('https://api.example/v1')).status).toBe(429);
    await expect(fetcher('https://api.example/v1')).rejects.toThrow('gone');
    expect(typesOf(await all(audit.reader.query({ order: 'oldest' })))).toEqual([
      ...['http.submitted', 'http.succeeded', 'http.submitted', 'http.rate_limited', 'http.submitted', 'http.failed'],
    ]);
  });

  it('handlers, of which a failing one hurts nothing; filters that reject; a mirror by severity (S1, S2, S4)', async () => {
    const seen: unknown[] = [];
    const lines: string[] = [];
    const mirror = { debug: () => 0, info: () => 0, warn: (line: string) => lines.push(line), error: () => 0 };
    const audit = createAuditLogger({ memory: {}, mirror: mirror as never, onError: () => undefined });
    audit.addHandler(() => {
      throw new Error('a bug');
    });
    audit.addHandler(({ type }) => seen.push(type));
    audit.addFilter(({ type }) => type !== 'data.read');
    audit.data('read');
    audit.auth('login_failed', { actor: { id: 'bob' } });
    expect(typesOf(await audit.reader.recent())).toEqual(['auth.login_failed']);
    expect(seen).toEqual(['auth.login_failed']);
    expect(lines.join()).toContain('auth.login_failed outcome=failure actor=bob');
  });

  it('one shared logger per process; shut down and reset for tests (S2, S4); audit on or off (S3)', async () => {
    expect(sharedAuditLogger({ memory: {} })).toBe(sharedAuditLogger());
    await resetSharedAuditLogger();
    const off = createAuditLogger({ memory: {}, enabled: false });
    off.custom('a.b');
    expect(await off.reader.recent()).toEqual([]);
  });
});
