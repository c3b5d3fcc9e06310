import { describe, expect, it } from 'vitest';
import { nearNames } from '../../lib/question/near.ts';

describe('near names', () => {
  it.each([
    ['alcie', ['alice', 'bob', 'alicia'], ['alice']],
    ['ordres', ['orders', 'payments', '_access'], ['orders']],
    ['Orders', ['orders'], ['orders']],
    ['auth.lgoin', ['auth.login', 'auth.logout', 'auth.login_failed'], ['auth.login']],
    ['ord', ['orders', 'words'], ['orders']],
    ['orders-eu', ['orders'], ['orders']],
    ['x', ['y', 'z'], []],
    ['alice', ['alice'], []],
    ['payments', ['invoices'], []],
  ])('of %s among %j are %j', (name, names, near) => {
    expect(nearNames(name, names)).toEqual(near);
  });

  it('take little time for long names, and are few', () => {
    expect(nearNames('a'.repeat(5000), ['b'.repeat(5000)])).toEqual([]);
    expect(nearNames('name-1', ['name-2', 'name-3', 'name-4', 'name-5'])).toEqual(['name-2', 'name-3', 'name-4']);
  });
});
