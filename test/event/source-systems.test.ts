import { describe, expect, it } from 'vitest';
import { CATALOGUE, resolveType } from '../../lib/contract/catalogue.ts';
import { DIMENSIONS } from '../../lib/contract/dimensions.ts';
import { ACTOR_TYPES, DECISIONS, OUTCOMES, SEVERITIES } from '../../lib/contract/vocabulary.ts';
import { prepareBatch } from '../../lib/event/intake.ts';
import { auditEventSchema } from '../../lib/event/schema.ts';
import { maskValue } from '../../lib/privacy/mask.ts';
import { DEFAULT_POLICY, type PrivacyPolicy } from '../../lib/privacy/policy.ts';

/**
 * What the four audit loggers that Sealtrail takes over from have, row by row: their names of types and fields, and
 * what they redact and mask. Anyone who comes from one of them loses nothing.
 */

/** Their names of types, as their code has them, and what each is here. */
const TYPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a video generation API': {
    api_key_used: 'auth.api_key_used',
    api_key_rotated: 'auth.api_key_rotated',
    access_denied: 'authz.access_denied',
    generation_started: 'generation.started',
    generation_completed: 'generation.completed',
    generation_failed: 'generation.failed',
    video_generation_started: 'generation.started',
    video_generation_completed: 'generation.completed',
    video_generation_failed: 'generation.failed',
    video_downloaded: 'video.downloaded',
    video_deleted: 'video.deleted',
    prompt_submitted: 'prompt.submitted',
    settings_changed: 'settings.updated',
    quota_checked: 'quota.checked',
    user_added: 'user.added',
    user_removed: 'user.removed',
    budget_modified: 'budget.modified',
    policy_updated: 'policy.updated',
    rate_limit_exceeded: 'security.rate_limited',
    suspicious_activity: 'security.suspicious_activity',
    policy_violation: 'policy.violation',
  },
  'a web backend': Object.fromEntries(
    [
      ...['login', 'logout', 'login_failed', 'password_change', 'password_reset', 'mfa_enabled', 'mfa_disabled']
        .concat('mfa_verified', 'session_created', 'session_revoked')
        .map((name) => `auth.${name}`),
      ...['permission_granted', 'permission_denied', 'role_assigned', 'role_revoked'].map((name) => `authz.${name}`),
      ...['read', 'create', 'update', 'delete', 'export', 'import'].map((name) => `data.${name}`),
      ...['config.changed', 'settings.updated'],
      ...['alert', 'threat_detected', 'ip_blocked', 'rate_limited'].map((name) => `security.${name}`),
      ...['startup', 'shutdown', 'error'].map((name) => `system.${name}`),
    ].map((name) => [name, name]),
  ),
  'a client of language models': {
    request: 'llm.request',
    response: 'llm.response',
    compliance_check: 'compliance.check',
    compliance_violation: 'compliance.violation',
    error: 'system.error',
    authentication: 'auth.event',
    configuration: 'config.event',
    system: 'system.event',
    custom: 'custom.event',
  },
  'an agent safety logger': {
    ...Object.fromEntries(
      [
        ...['requested', 'validated', 'denied', 'executed', 'failed'].map((name) => `action.${name}`),
        ...['requested', 'granted', 'denied', 'expired'].map((name) => `approval.${name}`),
        ...['warning', 'exceeded'].map((name) => `budget.${name}`),
        ...['started', 'completed', 'failed'].map((name) => `rollback.${name}`),
      ].map((name) => [name.replace('.', '_'), name]),
    ),
    emergency_stop: 'agent.emergency_stop',
    policy_violation: 'policy.violation',
  },
};

function stored(event: Record<string, unknown>, policy: PrivacyPolicy = DEFAULT_POLICY): Record<string, unknown> {
  const [prepared] = prepareBatch(Buffer.from(JSON.stringify(event)), 'application/json', policy);
  const value = JSON.parse(prepared?.json ?? '');
  expect(auditEventSchema.safeParse(value).error).toBeUndefined();
  return value;
}

describe.each(Object.entries(TYPES))('every type of %s', (_source, types) => {
  it.each(Object.entries(types))('%s is taken, as %s', (sent, name) => {
    const type = CATALOGUE.find((entry) => entry.name === name);
    expect(type).toBeDefined();
    expect(stored({ type: sent })).toMatchObject({ type: name, severity: type?.severity });
    expect(stored({ type: sent.toUpperCase() })).toMatchObject({ type: name });
    expect(stored({ type: sent.replaceAll('.', '_') })).toMatchObject({ type: name });
  });
});

/** Types that the product writes itself: the client's middleware, fetch and sinks, and the log about itself. */
const OWN = [
  ...['http.request', 'http.submitted', 'http.succeeded', 'http.rate_limited', 'http.failed', 'budget.checked'],
  ...['audit.events_dropped', 'audit.invalid_event', 'trail.began', 'producer.gap', 'producer.gap_filled'],
  ...['producer.fork', 'access.query', 'access.record', 'access.proof', 'access.summary', 'access.activity'],
  ...['access.export', 'access.verification', 'system.verification_completed', 'security.verification_failed'],
  ...['system.legal_hold_set', 'system.legal_hold_released', 'system.trail_rebuilt', 'system.export_completed'],
  ...['trail.head', 'witness.conflict', 'forward.set_aside', 'mcp.initialized', 'mcp.closed', 'mcp.unreadable'],
];

it.each(OWN)('%s, which the product writes, is in the catalogue', (name) => {
  expect(CATALOGUE.map((type) => type.name)).toContain(name);
});

it('no type of the catalogue is there without a source', () => {
  const fromSources = new Set([...OWN, ...Object.values(TYPES).flatMap((types) => Object.values(types))]);
  expect(CATALOGUE.map(({ name }) => name).filter((name) => !fromSources.has(name))).toEqual([]);
});

describe('every field', () => {
  it('is kept: id, time, type, action, outcome', () => {
    for (const outcome of ['success', 'failure', 'denied', 'blocked', 'error']) {
      const event = { id: 'e-1', time: '2026-11-21T04:21:00+01:00', type: 'a.b', action: 'did', outcome };
      expect(stored(event)).toEqual({ ...event, severity: 'info' });
    }
    expect(OUTCOMES).toHaveLength(5);
    expect(stored({ type: 'a.b' }).id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('severity: debug to critical, by type unless it is given', () => {
    for (const severity of ['debug', 'info', 'warning', 'error', 'critical']) {
      expect(stored({ type: 'auth.login', severity })).toMatchObject({ severity });
    }
    expect(SEVERITIES).toHaveLength(5);
    expect(stored({ type: 'emergency_stop' })).toMatchObject({ severity: 'critical' });
    expect(stored({ type: 'invoice.paid' })).toMatchObject({ severity: 'info' });
  });

  it('actor: id, type, name, ip, user agent', () => {
    for (const type of ['user', 'system', 'admin', 'agent', 'service']) {
      const actor = { id: 'u-1', type, name: 'Ann', ip: '203.0.113.7', userAgent: 'curl/8' };
      expect(stored({ type: 'a.b', actor })).toMatchObject({ actor: { ...actor, ip: '203.0.113.***' } });
    }
    expect(ACTOR_TYPES).toHaveLength(5);
  });

  it('resource, context, decision, changes, description, details', () => {
    const context = Object.fromEntries(
      ['tenant', 'project', 'session', 'request', 'correlation', 'agent', 'action', 'approval'].map((name) => [
        name,
        `${name}-1`,
      ]),
    );
    for (const decision of ['allow', 'deny', 'require_approval']) {
      const event = {
        type: 'a.b',
        resource: { type: 'invoice', id: 'i-1', name: 'Invoice 1' },
        context,
        decision,
        changes: { before: { a: 1 }, after: { a: [2, null] } },
        description: 'changed',
        details: { any: { depth: [{ of: 'JSON' }] } },
      };
      expect(stored(event)).toMatchObject(event);
    }
    expect(DECISIONS).toHaveLength(3);
    expect(DIMENSIONS).toEqual(expect.arrayContaining(Object.keys(context)));
  });
});

/** What they look for in the names of keys. */
const SECRET_KEYS = [
  'password',
  'secret',
  'token',
  'api_key',
  'apikey',
  'auth',
  'credential',
  'credit_card',
  'ssn',
].concat(...['tax_id', 'bank_account', 'routing_number']);

describe('redaction by key name, on the server', () => {
  it.each(SECRET_KEYS)('%s: nested, in arrays, in details and in changes, and the record says where', (key) => {
    const secret = 'do-not-keep';
    const nested = { [key]: secret, list: [{ [key]: secret }, [{ [`user_${key}`]: [secret] }]] };
    const event = stored({
      type: 'a.b',
      details: { nested, [key]: { inner: secret } },
      changes: { before: nested, after: [nested] },
    });
    expect(JSON.stringify(event)).not.toContain(secret);
    expect(event.redacted).toEqual(
      ['changes.after[0]', 'changes.before', 'details.nested']
        .flatMap((path) => [`${path}.${key}`, `${path}.list[0].${key}`, `${path}.list[1][0].user_${key}`])
        .concat(`details.${key}`)
        .sort(),
    );
  });

  it('is configurable', () => {
    const policy: PrivacyPolicy = { ...DEFAULT_POLICY, redactKeys: { standard: false, redact: ['badge'], keep: [] } };
    expect(stored({ type: 'a.b', details: { badge: 1, password: 2 } }, policy)).toMatchObject({
      details: { badge: '[redacted]', password: 2 },
      redacted: ['details.badge'],
    });
  });
});

describe('masking of e-mail and IP addresses', () => {
  const event = {
    type: 'a.b',
    actor: { id: 'alice@example.com', ip: '2001:db8::1' },
    details: { from: '203.0.113.7', cc: ['bob@example.com'] },
  };

  it('is done unless PII is included', () => {
    expect(stored(event)).toMatchObject({
      actor: { id: 'a***@example.com', ip: '2001:db8:0:***' },
      details: { from: '203.0.113.***', cc: ['b***@example.com'] },
    });
    expect(stored(event, { ...DEFAULT_POLICY, pii: 'include' })).toMatchObject(event);
  });

  it('lets a reader find a masked actor by the address that it knows', () => {
    expect(maskValue('alice@example.com')).toBe((stored(event).actor as { id: string }).id);
  });
});

it('resolves types that no source has, if they are named alike', () => {
  expect(resolveType('billing.invoice_paid')).toEqual({
    name: 'billing.invoice_paid',
    severity: 'info',
    aliases: [],
  });
});
