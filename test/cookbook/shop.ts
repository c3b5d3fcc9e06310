/**
 * Three days of a made-up shop for docs/cookbook.md: what its log was sent, and when. Mallory guesses bob's password, and uses it;
 * an agent asks before it acts; a till was offline over night.
 */

/** When events were received, and which. */
export const RECEIVED: readonly (readonly [at: string, events: readonly object[]])[] = [
  [
    '2026-03-02T08:00:00Z',
    [
      { type: 'auth.login', actor: { id: 'ann', ip: '192.0.2.10' }, outcome: 'success', context: { tenant: 'acme' } },
      read('ann', 'customers', 'acme'),
      read('ann', 'orders', 'acme'),
    ],
  ],
  ['2026-03-02T11:30:00Z', [denied('eve', 'salaries', 'acme'), denied('eve', 'payroll', 'acme')]],
  ['2026-03-02T15:10:00Z', [read('carl', 'customers', 'globex'), denied('carl', 'customers', 'acme')]],
  ['2026-03-03T01:00:00Z', [{ type: 'backup.finished', actor: { id: 'cron', type: 'service' }, outcome: 'success' }]],
  ['2026-03-03T02:14:00Z', Array.from({ length: 5 }, () => failedLogin('203.0.113.9'))],
  ['2026-03-03T03:20:00Z', Array.from({ length: 3 }, () => failedLogin('203.0.113.9'))],
  [
    '2026-03-03T03:21:00Z',
    [
      failedLogin('198.51.100.4'),
      { type: 'auth.login', actor: { id: 'bob', ip: '203.0.113.9' }, outcome: 'success', context: { tenant: 'acme' } },
    ],
  ],
  [
    '2026-03-03T03:25:00Z',
    [
      {
        type: 'config.changed',
        actor: { id: 'bob', ip: '203.0.113.9' },
        resource: { type: 'setting', id: 'mfa' },
        changes: { before: { mfa: true, grace: 0 }, after: { mfa: false, grace: 0 } },
        severity: 'warning',
        context: { tenant: 'acme', request: 'r-9', correlation: 'c-42' },
      },
      exported('bob', 48_000, 'c-42'),
    ],
  ],
  ['2026-03-03T09:00:00Z', [exported('ann', 120, 'c-50'), read('ann', 'orders', 'acme')]],
  [
    '2026-03-04T07:30:00Z',
    [
      sold('till-3', '2026-03-03T19:04:00Z', 12),
      sold('till-3', '2026-03-03T19:40:00Z', 250),
      sold('till-3', '2026-03-04T07:29:00Z', 40),
    ],
  ],
  [
    '2026-03-04T08:15:00Z',
    [
      action('action.requested', { decision: 'require_approval' }),
      action('approval.granted', { outcome: 'success', details: { by: 'ann' } }, { id: 'ann', type: 'user' }),
      action('action.executed', { outcome: 'success', decision: 'allow' }),
    ],
  ],
  [
    '2026-03-04T09:05:00Z',
    [
      {
        type: 'data.update',
        actor: { id: 'ann' },
        resource: { type: 'order', id: '4711' },
        description: 'refund after a call from the customer',
        outcome: 'success',
        context: { tenant: 'acme' },
      },
    ],
  ],
];

/** When the questions are asked. */
export const NOW = '2026-03-04T10:00:00Z';

function read(actor: string, resource: string, tenant: string): object {
  return { type: 'data.read', actor: { id: actor }, resource: { type: 'table', id: resource }, context: { tenant } };
}

function denied(actor: string, resource: string, tenant: string): object {
  return {
    type: 'access.denied',
    actor: { id: actor },
    resource: { type: 'table', id: resource },
    outcome: 'denied',
    context: { tenant },
  };
}

function failedLogin(ip: string): object {
  return {
    type: 'auth.login_failed',
    actor: { id: 'bob', ip },
    outcome: 'failure',
    details: { reason: 'password' },
    context: { tenant: 'acme' },
  };
}

function exported(actor: string, rows: number, correlation: string): object {
  return {
    type: 'data.export',
    actor: { id: actor },
    resource: { type: 'table', id: 'customers' },
    details: { rows },
    context: { tenant: 'acme', correlation },
  };
}

function sold(till: string, time: string, total: number): object {
  return { type: 'order.paid', time, actor: { id: till, type: 'service' }, details: { total }, outcome: 'success' };
}

function action(type: string, fields: object, actor: object = { id: 'bot-7', type: 'agent' }): object {
  return {
    type,
    actor,
    context: { agent: 'bot-7', action: 'a-1' },
    resource: { type: 'order', id: '4711' },
    ...fields,
  };
}
