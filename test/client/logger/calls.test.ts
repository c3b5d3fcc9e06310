import { describe, expect, it } from 'vitest';
import { type AuditLogger, type AuditLoggerOptions, createAuditLogger, MemorySink } from '../../../lib/client/index.ts';

/** Rows of what the source systems do, by their names: the calls for what is logged often. */

function logged(call: (audit: AuditLogger) => unknown, options: AuditLoggerOptions = {}): Record<string, unknown> {
  const memory = new MemorySink();
  call(createAuditLogger({ sinks: [memory], ...options }));
  return { ...memory.events[0] };
}

describe('the calls', () => {
  it('data and auth: have an outcome', () => {
    expect(logged((audit) => audit.data('update'))).toMatchObject({ type: 'data.update', outcome: 'success' });
    expect(logged((audit) => audit.data('update', { outcome: 'denied' }))).toMatchObject({ outcome: 'denied' });
    expect(logged((audit) => audit.auth('login'))).toMatchObject({ outcome: 'success' });
    expect(logged((audit) => audit.auth('login_failed'))).toMatchObject({ outcome: 'failure' });
    expect(logged((audit) => audit.auth('sso', { outcome: 'error' }))).toMatchObject({ outcome: 'error' });
  });

  it('action request with decision: a denial is an action.denied, and an execution was allowed', () => {
    expect(logged((audit) => audit.actionRequested('a', { decision: 'deny' }))).toMatchObject({
      ...{ type: 'action.denied', decision: 'deny', context: { action: 'a' } },
    });
    expect(logged((audit) => audit.actionRequested('a', { decision: 'require_approval' })).type).toBe(
      'action.requested',
    );
    expect(logged((audit) => audit.actionExecuted('a', 12))).toMatchObject({ decision: 'allow', outcome: 'success' });
  });

  it.each([
    [{ spent: 90, limit: 100 }, 'budget.warning', 90],
    [{ spent: 3, limit: 0 }, 'budget.exceeded', 100],
    [{ spent: 0, limit: 0 }, 'budget.checked', 0],
  ])('budget with usage percentage: %j is %s, %d percent', (budget, type, usagePercent) => {
    const event = logged((audit) => audit.budget({ name: 'tokens', ...budget }));
    expect(event).toMatchObject({ type, details: { usagePercent } });
  });
});

describe('types of events', () => {
  it('custom event types: as the sources write them', () => {
    const errors: Error[] = [];
    const onError = (error: Error): unknown => errors.push(error);
    expect(logged((audit) => audit.custom('USER_ACTION'), { onError }).type).toBe('USER_ACTION');
    expect(errors).toEqual([]);
  });

  it('are names of the catalogue and any others, or only those that an application names', () => {
    const open = createAuditLogger({ memory: {} });
    const strict = createAuditLogger<'invoice.paid'>({ memory: {} });
    open.log({ type: 'anything.else' });
    strict.log({ type: 'invoice.paid' });
    strict.log({ type: 'auth.login_failed' });
    // @ts-expect-error: it is neither in the catalogue nor the application's
    strict.log({ type: 'auth.logn' });
    // @ts-expect-error: as a call too
    strict.custom('invoice.piad');
    const catalogued = createAuditLogger<never>({ memory: {} });
    catalogued.log({ type: 'auth.login' });
    // @ts-expect-error: the catalogue's names alone
    catalogued.log({ type: 'invoice.paid' });
  });

  it('records are typed, with the fields that events have', async () => {
    const audit = createAuditLogger({ memory: {} });
    audit.data('update', { actor: { id: 'alice' }, changes: { before: 1, after: 2 } });
    const [record] = await audit.reader.recent(1);
    const id: string | undefined = record?.event.actor?.id;
    const after: unknown = record?.event.changes?.after;
    expect([id, after]).toEqual(['alice', 2]);
    // @ts-expect-error: no event has such a field
    expect(record?.event.actor?.mail).toBeUndefined();
  });
});
