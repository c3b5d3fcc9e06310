import { describe, expect, it, vi } from 'vitest';
import {
  type AuditLogger,
  type AuditLoggerOptions,
  createAuditLogger,
  type LogEvent,
  MemorySink,
  resetSharedAuditLogger,
  SealtrailError,
  type Sink,
  sharedAuditLogger,
} from '../../../lib/client/index.ts';
import { prepareBatch } from '../../../lib/event/intake.ts';
import { DEFAULT_POLICY } from '../../../lib/privacy/policy.ts';

function logger(options: AuditLoggerOptions = {}): { audit: AuditLogger; memory: MemorySink; errors: Error[] } {
  const memory = new MemorySink();
  const errors: Error[] = [];
  const audit = createAuditLogger({ sinks: [memory], onError: (error) => errors.push(error), ...options });
  return { audit, memory, errors };
}

describe('a logger', () => {
  it('takes an event as it is at the call', async () => {
    const { audit, memory } = logger();
    const details = { n: 1 };
    const handle = audit.log({ type: 'a.b', details });
    details.n = 2;
    expect(await handle.receipt).toBeUndefined();
    expect(memory.events).toEqual([
      { type: 'a.b', details: { n: 1 }, id: expect.any(String), time: expect.any(String) },
    ]);
  });

  it('leaves out what is below its level, by the severity of the type', async () => {
    const { audit, memory } = logger({ level: 'warning' });
    expect(await audit.log({ type: 'auth.login' }).receipt).toBeUndefined();
    audit.log({ type: 'login_failed' });
    audit.log({ type: 'auth.login', severity: 'error' });
    expect(memory.events.map(({ type }) => type)).toEqual(['login_failed', 'auth.login']);
  });

  it('asks its filters, which may reject and rewrite, now or later, and keeps the order', async () => {
    const slow = async (event: LogEvent): Promise<LogEvent | boolean> => {
      if (event.type === 'a.slow') await new Promise((resolve) => setImmediate(resolve));
      return event.type === 'a.rewritten' ? { ...event, description: 'new' } : event.type !== 'a.rejected';
    };
    const { audit, memory } = logger({ filters: [slow] });
    for (const type of ['a.slow', 'a.rejected', 'a.rewritten', 'a.last']) audit.log({ type });
    await audit.flush();
    expect(memory.events.map(({ type, description }) => [type, description])).toEqual([
      ['a.slow', undefined],
      ['a.rewritten', 'new'],
      ['a.last', undefined],
    ]);
  });

  it('loses nothing to filters, handlers and mirrors that fail', async () => {
    const fail = (): never => {
      throw new Error('bug');
    };
    const reject = async (): Promise<never> => fail();
    const seen: unknown[] = [];
    const { audit, memory, errors } = logger({
      filters: [fail, reject],
      handlers: [fail, reject, (event) => seen.push(event.type)],
      mirror: { info: fail },
    });
    await audit.log({ type: 'a.b' }).receipt;
    await audit.close();
    expect(memory.events).toHaveLength(1);
    expect(seen).toEqual(['a.b']);
    expect(errors.map(({ message }) => message)).toEqual(['bug', 'bug', 'bug', 'bug', 'bug']);
  });

  it('mirrors at a level by severity', () => {
    const lines: unknown[] = [];
    const at = (level: string) => (text: string, event: { id: string }) => lines.push([level, text, typeof event.id]);
    const { audit } = logger({
      mirror: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    });
    for (const type of ['quota.checked', 'a.b', 'auth.login_failed', 'system.error', 'emergency_stop'])
      audit.log({ type });
    expect(lines).toEqual([
      ['debug', 'audit quota.checked', 'string'],
      ['info', 'audit a.b', 'string'],
      ['warn', 'audit auth.login_failed', 'string'],
      ['error', 'audit system.error', 'string'],
      ['error', 'audit emergency_stop', 'string'],
    ]);
  });

  it('throws on an invalid event, by choice', () => {
    const { audit } = logger({ invalid: 'throw' });
    expect(() => audit.log({ type: 'a.b', actor: { id: '' } })).toThrow(
      expect.objectContaining({
        code: 'invalid_event',
        field: 'actor.id',
        message: expect.stringContaining('actor.id: '),
      }),
    );
    const inContext = logger({ invalid: 'throw', context: { tenant: 't' } }).audit;
    expect(() => inContext.log({ type: 'a.b', context: Object(7).valueOf() })).toThrow(
      expect.objectContaining({ code: 'invalid_event', field: 'context' }),
    );
  });

  it('otherwise logs it as it fits, and tells of each field once', () => {
    const { audit, memory, errors } = logger();
    // The casts: a program in JavaScript may pass anything.
    for (let i = 0; i < 3; i++) audit.log({ type: 'a.b', actor: { id: '' } });
    audit.log({ type: 'a.b', outcom: 'success' } as LogEvent);
    audit.log(undefined as unknown as LogEvent);
    expect(memory.events.slice(2)).toMatchObject([
      { type: 'a.b', actor: { id: '(unknown)' }, converted: ['actor.id'] },
      { type: 'a.b', details: { unfit: { outcom: 'success' } }, converted: ['outcom'] },
      { type: 'custom.event', converted: ['event'] },
    ]);
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('in another form: actor.id: must be text of 1 to 512 characters'),
      expect.stringContaining('in another form: outcom: is not a field'),
      expect.stringContaining('in another form: an event must be an object'),
    ]);
  });

  it('gives an event to the other sinks where one of them refuses it', () => {
    const full: Sink = {
      name: 'full',
      write: () => {
        throw new SealtrailError('store_full', 'no room');
      },
      flush: async () => undefined,
      close: async () => undefined,
    };
    const memory = new MemorySink();
    const audit = createAuditLogger({ sinks: [full, memory] });
    expect(() => audit.log({ type: 'a.b' })).toThrow('no room');
    expect(memory.events).toHaveLength(1);
  });

  it('has flush and close wait for handlers that take their time, and say where some do not end', async () => {
    const done: unknown[] = [];
    const later: (() => void)[] = [];
    const handler = async ({ id }: { readonly id?: unknown }) => {
      await new Promise<void>((resolve) => later.push(resolve));
      done.push(id);
    };
    const audit = createAuditLogger({ memory: {}, handlers: [handler] });
    audit.log({ type: 'a.b', id: 'one' });
    const flushed = audit.flush().then(() => done.push('flushed'));
    await new Promise(setImmediate);
    later.pop()?.();
    await flushed;
    expect(done).toEqual(['one', 'flushed']);
    audit.log({ type: 'a.b', id: 'stuck' });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const closed = expect(audit.close()).rejects.toMatchObject({
        code: 'unavailable',
        message: 'handlers still run: 1',
      });
      await vi.advanceTimersByTimeAsync(10_000);
      await closed;
    } finally {
      vi.useRealTimers();
    }
  });

  it('takes handlers and filters later, and lets go of them (source row: filters and handlers)', async () => {
    const { audit, memory } = logger();
    const seen: unknown[] = [];
    const handler = (event: { readonly type?: unknown }): unknown => seen.push(event.type);
    const filter = ({ type }: LogEvent): boolean => type !== 'a.secret';
    audit.addHandler(handler);
    audit.addFilter(filter);
    audit.log({ type: 'a.secret' });
    audit.log({ type: 'a.first' });
    await audit.flush();
    expect([audit.removeHandler(handler), audit.removeFilter(filter), audit.removeFilter(filter)]).toEqual([
      ...[true, true, false],
    ]);
    audit.log({ type: 'a.secret' });
    await audit.flush();
    expect(seen).toEqual(['a.first']);
    expect(memory.events.map(({ type }) => type)).toEqual(['a.first', 'a.secret']);
  });

  it('that is not enabled logs nothing (source row: audit on or off)', async () => {
    const { audit, memory } = logger({ enabled: false });
    expect(await audit.log({ type: 'a.b' }).receipt).toBeUndefined();
    expect(memory.events).toEqual([]);
    await audit.close();
  });

  it('closes once, and takes nothing more', async () => {
    const { audit } = logger();
    expect(audit.close()).toBe(audit.close());
    await audit.close();
    expect(() => audit.log({ type: 'a.b' })).toThrow(
      expect.objectContaining({ code: 'unavailable', message: 'the logger is closed' }),
    );
  });

  it('needs a sink', () => {
    expect(() => createAuditLogger({})).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringMatching(/needs a sink/) }),
    );
    const mute = { name: 'mute', write: () => undefined, flush: async () => undefined, close: async () => undefined };
    expect(() => createAuditLogger({ sinks: [mute] }).reader).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringMatching(/none of the sinks can be asked/) }),
    );
  });

  it('can be shared by the process, and reset', async () => {
    expect(() => sharedAuditLogger()).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringMatching(/no shared/) }),
    );
    const audit = sharedAuditLogger({ memory: {} });
    expect(sharedAuditLogger()).toBe(audit);
    expect(() => sharedAuditLogger({ memory: {} })).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringMatching(/already/) }),
    );
    await resetSharedAuditLogger();
    expect(() => sharedAuditLogger()).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringMatching(/no shared/) }),
    );
  });
});

describe('the memory sink', () => {
  it('keeps the newest, and counts the others', () => {
    const memory = new MemorySink({ limit: 2 });
    const audit = createAuditLogger({ sinks: [memory] });
    for (let i = 0; i < 7; i++) audit.log({ type: 'a.b', id: `e-${i}` });
    expect(memory.events.map(({ id }) => id)).toEqual(['e-5', 'e-6']);
    expect(memory.evicted).toBe(5);
  });
});

describe('context', () => {
  it('flows into every event, nests, and yields to what the event says', async () => {
    const { audit, memory } = logger({ context: { tenant: 't', project: 'p' } });
    await audit.withContext({ request: 'r', actor: { id: 'alice' } }, async () => {
      await Promise.resolve();
      audit.log({ type: 'a.b', context: { project: 'mine' } });
      audit.withContext({ session: 's', actor: { id: 'bob' } }, () => audit.log({ type: 'a.c' }));
    });
    audit.log({ type: 'a.d' });
    expect(memory.events).toMatchObject([
      { actor: { id: 'alice' }, context: { tenant: 't', project: 'mine', request: 'r' } },
      { actor: { id: 'bob' }, context: { tenant: 't', project: 'p', request: 'r', session: 's' } },
      { context: { tenant: 't', project: 'p' } },
    ]);
    expect(memory.events[2]).not.toHaveProperty('actor');
  });
});

describe('the convenience calls', () => {
  it('log what they say, in events that the server takes', () => {
    const { audit, memory } = logger();
    audit.auth('login', { actor: { id: 'alice' } });
    audit.data('update', { changes: { before: { a: 1, b: { c: 2 }, x: 0 }, after: { a: 1, b: { c: 3 }, d: [1] } } });
    audit.security('ip_blocked');
    audit.request();
    audit.response();
    audit.complianceCheck('retention', true);
    audit.complianceCheck('retention', false, { details: { days: 3 } });
    audit.error(new TypeError('oh'));
    audit.custom('invoice.paid', { details: { total: 1 } });
    audit.actionRequested('a-1', { decision: 'require_approval' });
    audit.actionValidated('a-1');
    audit.actionDenied('a-1', ['too dear']);
    audit.actionExecuted('a-1', 12);
    audit.actionExecuted('a-1', 12, { outcome: 'error' });
    audit.approval('granted', 'ap-1', { context: { agent: 'x' } });
    audit.budget({ name: 'b', spent: 1, limit: 3 });
    audit.budget({ name: 'b', spent: 80, limit: 100, unit: 'USD' });
    audit.budget({ name: 'b', spent: 101, limit: 100 });
    audit.budget({ name: 'b', spent: 1, limit: 0 });
    audit.emergencyStop('runaway');
    expect(memory.events).toMatchObject([
      { type: 'auth.login' },
      { type: 'data.update', details: { changed: { 'b.c': 'changed', x: 'removed', d: 'added' } } },
      { type: 'security.ip_blocked' },
      { type: 'llm.request' },
      { type: 'llm.response' },
      { type: 'compliance.check', outcome: 'success', details: { check: 'retention' } },
      { type: 'compliance.violation', outcome: 'failure', details: { check: 'retention', days: 3 } },
      { type: 'system.error', details: { error: { name: 'TypeError', message: 'oh' } } },
      { type: 'invoice.paid' },
      { type: 'action.requested', decision: 'require_approval', context: { action: 'a-1' } },
      { type: 'action.validated', decision: 'allow' },
      { type: 'action.denied', decision: 'deny', details: { reasons: ['too dear'] } },
      { type: 'action.executed', details: { durationMs: 12 } },
      { type: 'action.failed', outcome: 'error' },
      { type: 'approval.granted', context: { agent: 'x', approval: 'ap-1' } },
      { type: 'budget.checked', details: { usagePercent: 33.33 } },
      { type: 'budget.warning', details: { usagePercent: 80, unit: 'USD' } },
      { type: 'budget.exceeded', details: { usagePercent: 101 } },
      { type: 'budget.exceeded', details: { usagePercent: 100 } },
      { type: 'agent.emergency_stop', description: 'runaway' },
    ]);
    const body = Buffer.from(JSON.stringify({ events: memory.events }));
    expect(prepareBatch(body, 'application/json', DEFAULT_POLICY)).toHaveLength(20);
  });
});
