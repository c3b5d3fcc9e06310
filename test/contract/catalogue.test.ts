import { describe, expect, it } from 'vitest';
import { CATALOGUE, MAX_TYPE_LENGTH, resolveType, TYPE_NAME } from '../../lib/contract/catalogue.ts';

describe('the catalogue', () => {
  it('names each type once, lower-case and dotted', () => {
    const names = CATALOGUE.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name } of CATALOGUE) expect(name).toMatch(TYPE_NAME);
  });

  it('gives no alias to two types, nor the name of one to another', () => {
    const all = CATALOGUE.flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(all.filter((name, i) => all.indexOf(name) !== i)).toEqual([]);
    expect(all.filter((name) => name !== name.toLowerCase())).toEqual([]);
  });

  it('fills in an outcome only where the name says it', () => {
    const failures = CATALOGUE.filter(({ outcome }) => outcome !== undefined && outcome !== 'success');
    expect(Object.fromEntries(failures.map(({ name, outcome }) => [name, outcome]))).toEqual({
      'auth.login_failed': 'failure',
      'authz.permission_denied': 'denied',
      'authz.access_denied': 'denied',
      'generation.failed': 'failure',
      'compliance.violation': 'failure',
      'security.ip_blocked': 'blocked',
      'security.rate_limited': 'blocked',
      'http.rate_limited': 'blocked',
      'action.denied': 'denied',
      'action.failed': 'failure',
      'approval.denied': 'denied',
      'rollback.failed': 'failure',
      'system.error': 'error',
    });
  });
});

describe('a type by its name', () => {
  it.each([
    ['auth.login', 'auth.login'],
    ['AUTH.LOGIN', 'auth.login'],
    ['Login_Failed', 'auth.login_failed'],
    ['pull_request.review-comment.created', 'pull_request.review-comment.created'],
    ['a.1', 'a.1'],
    ['Invoice.Paid', 'invoice.paid'],
    ['USER_ACTION', 'user.action'],
    ['order_line_added', 'order.line_added'],
    [`a.${'b'.repeat(MAX_TYPE_LENGTH - 2)}`, `a.${'b'.repeat(MAX_TYPE_LENGTH - 2)}`],
  ])('%s is %s', (name, expected) => {
    expect(resolveType(name)?.name).toBe(expected);
  });

  it.each([
    ...[
      '',
      'invoice',
      '_invoice',
      'invoice_',
      'invoice paid',
      'invoice.',
      '.paid',
      'invoice..paid',
      '1.a',
      'invoice.paid\n',
    ],
    ...['ïnvoice.paid', 'invoice/paid', '__proto__', 'constructor', 'a.__proto__', `a.${'b'.repeat(MAX_TYPE_LENGTH)}`],
  ])('%j is none', (name) => {
    expect(resolveType(name)).toBeUndefined();
  });
});
