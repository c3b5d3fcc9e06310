import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAuditLogger, type LogEvent, MemorySink } from '../../../lib/client/index.ts';
import { prepareBatch } from '../../../lib/event/intake.ts';
import { DEFAULT_POLICY } from '../../../lib/privacy/policy.ts';
import { temporaryFolder } from '../../store/temporary.ts';
import { startProxiedLog } from '../proxy.ts';
import { logger } from '../test-logger.ts';

/** Secrets and personal data leave an application nowhere: not only on the way to the log. */

const TOLD: LogEvent = {
  type: 'auth.login',
  actor: { id: 'alice@example.com', ip: '203.0.113.7' },
  description: 'alice@example.com with Authorization: Bearer abcdefghijklmnop123456',
  details: {
    password: 'hunter2',
    nested: [{ api_key: 'hunter2', email: 'alice@example.com' }],
    body: '{"password":"hunter2"}',
    max_tokens: 12,
  },
  changes: { before: { ssn: 'hunter2' }, after: { ssn: 'hunter2' } },
};
const SECRET = /hunter2|alice@|203\.0\.113\.7|abcdefghijklmnop/;

/** The text of a file; none of one that was renamed or sent meanwhile. */
const textOf = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? '' : Promise.reject(error),
  );
const filesIn = async (folder: string): Promise<string> => {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(files.map(textOf))).join('\n');
};

describe('what is secret', () => {
  it.each(['json', 'text'] as const)('reaches no file, memory, handler or mirror (%s)', async (format) => {
    const dir = await temporaryFolder();
    const memory = new MemorySink();
    const seen: unknown[] = [];
    const audit = createAuditLogger({
      ...{ file: { dir, format, fsync: 'never' }, sinks: [memory] },
      ...{ handlers: [(event) => seen.push(event)], mirror: { info: (...args: unknown[]) => seen.push(args) } },
    });
    audit.log(TOLD);
    await audit.close();
    const all = JSON.stringify([seen, memory.events, await filesIn(dir)]);
    expect(all).not.toMatch(SECRET);
    expect(all).toContain('a***@example.com');
    expect(memory.events[0]).toMatchObject({ details: { password: '[redacted]', max_tokens: 12 } });
  });

  it('reaches no spool, and no log; and what is sealed is what was sent although both redact', async () => {
    const proxied = await startProxiedLog();
    await proxied.stop();
    const spool = await temporaryFolder();
    const { audit, errors } = logger(proxied, { spool }, { privacy: { mask: 'everywhere' } });
    const { receipt } = audit.log(TOLD);
    await expect.poll(() => filesIn(spool), { interval: 5 }).toContain('[redacted]');
    expect(await filesIn(spool)).not.toMatch(SECRET);
    await proxied.start();
    expect((await receipt)?.receipt.lines?.join()).not.toMatch(SECRET);
    const [record] = await audit.reader.recent(1);
    expect(record?.event.redacted).toEqual([
      ...['changes.after.ssn', 'changes.before.ssn', 'description', 'details.body', 'details.nested[0].api_key'],
      'details.password',
    ]);
    await audit.close();
    expect(errors.filter(({ message }) => message.includes('not as it was sent'))).toEqual([]);
  });

  it('leaves masking to the log, which keeps people apart, and is masked everywhere else', async () => {
    const proxied = await startProxiedLog();
    const memory = new MemorySink();
    const { audit } = logger(proxied, {}, { sinks: [memory] });
    const people = ['u1@example.com', 'u2@example.com'];
    for (const id of people) audit.log({ ...TOLD, actor: { id } });
    await audit.flush();
    expect(memory.events.map(({ actor }) => actor)).toEqual([{ id: '***@example.com' }, { id: '***@example.com' }]);
    const ids = (await audit.reader.recent(2)).map(({ event }) => JSON.stringify(event.actor));
    expect(ids.join()).not.toMatch(/u\d@/);
    expect(new Set(ids).size).toBe(2);
    for (const id of people) expect((await audit.reader.activity(id)).total).toBe(1);
    expect(JSON.stringify(memory.events)).not.toMatch(SECRET);
    await audit.close();
  });
});

describe('the rules', () => {
  const stored = (event: unknown): Record<string, unknown> =>
    JSON.parse(prepareBatch(Buffer.from(JSON.stringify(event)), 'application/json', DEFAULT_POLICY)[0]?.json ?? '');

  it('are those of the log: it finds nothing more, and comes to the same', () => {
    const memory = new MemorySink();
    const audit = createAuditLogger({ sinks: [memory] });
    const event = { ...TOLD, id: 'e-1', time: '2026-01-01T00:00:00Z' };
    audit.log(event);
    const { redacted, severity, outcome, ...rest } = stored(memory.events[0]);
    expect(rest).toEqual(memory.events[0]);
    expect({ redacted, severity, outcome, ...rest }).toEqual(stored(event));
  });

  it('can be added to, kept from, and turned off', () => {
    const details = { password: 'hunter2', pin_code: '1234', mail: 'alice@example.com' };
    const kept = (privacy: Parameters<typeof createAuditLogger>[0]['privacy']): unknown => {
      const memory = new MemorySink();
      createAuditLogger({ sinks: [memory], ...(privacy === undefined ? {} : { privacy }) }).log({
        type: 'a.b',
        details,
      });
      return memory.events[0]?.details;
    };
    expect(kept({ redactKeys: ['mail'] })).toMatchObject({ mail: '[redacted]' });
    expect(kept({ keepKeys: ['password'] })).toMatchObject({ password: 'hunter2', mail: 'a***@example.com' });
    expect(kept({ mask: 'nowhere' })).toMatchObject({ password: '[redacted]', mail: 'alice@example.com' });
    expect(kept('off')).toEqual(details);
  });

  it('apply to what filters make of an event, which see it as it was', async () => {
    const memory = new MemorySink();
    const seen: unknown[] = [];
    const filter = (event: LogEvent): LogEvent => {
      seen.push(event.details);
      return { ...event, details: { ...event.details, token: 'hunter2' } };
    };
    const audit = createAuditLogger({ sinks: [memory], filters: [filter] });
    audit.log({ type: 'a.b', details: { password: 'hunter2' } });
    await audit.flush();
    expect(seen).toEqual([{ password: 'hunter2' }]);
    expect(memory.events[0]?.details).toEqual({ password: '[redacted]', token: '[redacted]' });
  });
});
