import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventInput } from '../../lib/event/schema.ts';
import { DEFAULT_POLICY, type PrivacyPolicy } from '../../lib/privacy/policy.ts';
import { scrubEvent } from '../../lib/privacy/scrub.ts';

const INCLUDE: PrivacyPolicy = { ...DEFAULT_POLICY, pii: 'include' };

/** The event after scrubbing, and what was listed. It is copied through JSON, as it would come from a parser. */
function scrub(fields: Partial<EventInput>, policy = DEFAULT_POLICY): { event: EventInput; redacted: string[] } {
  const event: EventInput = JSON.parse(JSON.stringify({ type: 'data.update', ...fields }));
  const redacted = scrubEvent(event, policy);
  return { event, redacted };
}

describe('secrets under their keys', () => {
  it('are redacted at any depth, also in arrays, in details and in both sides of changes, and listed', () => {
    const { event, redacted } = scrub({
      details: {
        password: 'hunter2',
        nested: { apiKey: 'sk_1', list: [{ token: 't' }, [{ 'Set-Cookie': ['a', 'b'] }]], author: 'Ann' },
      },
      changes: { before: { secret: { a: ['x'] } }, after: [{ secret: 'new', kept: 1 }] },
    });
    expect(event.details).toEqual({
      password: '[redacted]',
      nested: {
        apiKey: '[redacted]',
        list: [{ token: '[redacted]' }, [{ 'Set-Cookie': '[redacted]' }]],
        author: 'Ann',
      },
    });
    expect(event.changes).toEqual({ before: { secret: '[redacted]' }, after: [{ secret: '[redacted]', kept: 1 }] });
    expect(redacted).toEqual([
      'changes.after[0].secret',
      'changes.before.secret',
      'details.nested.apiKey',
      'details.nested.list[0].token',
      'details.nested.list[1][0].Set-Cookie',
      'details.password',
    ]);
  });

  it('are told from what the key cannot mean: flags, counts, and nothing at all', () => {
    const details = { a: { token: 1234 }, b: { token: true }, c: { token: '' }, d: { token: {} }, e: { token: null } };
    expect(scrub({ details })).toEqual({ event: { type: 'data.update', details }, redacted: [] });
    expect(scrub({ details: { pin: 4711, password: 123456, otp: '998877' } }).redacted).toHaveLength(3);
  });

  it('are redacted in an object of secrets one by one, but for what tells about them', () => {
    const { event, redacted } = scrub({
      details: {
        credentials: { type: 'basic', user: 'bob', value: 'hunter2', expires_at: '2026-01-31', extra: ['x1', 7] },
      },
    });
    expect(event.details).toEqual({
      credentials: {
        type: 'basic',
        user: 'bob',
        value: '[redacted]',
        expires_at: '2026-01-31',
        extra: ['[redacted]', 7],
      },
    });
    expect(redacted).toEqual(['details.credentials.extra[0]', 'details.credentials.value']);
  });

  it('are told from counts in the plural', () => {
    const { event } = scrub({
      details: { tokens: ['a'], refresh_tokens: 'b', total_tokens: 12, usage: { tokens: { in: 1 } } },
    });
    expect(event.details).toEqual({
      tokens: '[redacted]',
      refresh_tokens: '[redacted]',
      total_tokens: 12,
      usage: { tokens: { in: 1 } },
    });
  });

  it('are not named by an event’s own fields: those names are ours', () => {
    const fields = { context: { session: 'token' }, action: 'password', resource: { type: 'secret' } };
    expect(scrub(fields)).toEqual({ event: { type: 'data.update', ...fields }, redacted: [] });
  });
});

describe('secrets inside text', () => {
  it('are redacted where they stand, in description, details and changes, and listed', () => {
    const { event, redacted } = scrub({
      description: 'paid with 4111 1111 1111 1111',
      details: { lines: ['ok', 'Authorization: Bearer abcdef0123456789'], card: 4111111111111111 },
      changes: { before: 'postgres://u:p@db/x', after: null },
    });
    expect(event).toMatchObject({
      description: 'paid with [redacted]',
      details: { lines: ['ok', 'Authorization: Bearer [redacted]'], card: '[redacted]' },
      changes: { before: 'postgres://[redacted]@db/x', after: null },
    });
    expect(redacted).toEqual(['changes.before', 'description', 'details.card', 'details.lines[1]']);
  });

  it('are listed too where the client has redacted them', () => {
    expect(scrub({ details: { note: 'key [redacted] used', password: '[redacted]' } }).redacted).toEqual([
      'details.note',
      'details.password',
    ]);
  });

  it('are left alone where the policy names no patterns', () => {
    const policy: PrivacyPolicy = { ...DEFAULT_POLICY, redactPatterns: [] };
    const details = { note: 'card 4111111111111111', number: 4111111111111111 };
    expect(scrub({ details }, policy)).toMatchObject({ event: { details }, redacted: [] });
  });
});

describe('personal data', () => {
  const event = {
    actor: { id: 'alice@example.com', name: 'alice@example.com', ip: '203.0.113.7', userAgent: 'curl/1.2.3.4' },
    resource: { id: 'bob@example.com', name: 'bob@example.com' },
    description: 'alice@example.com from 203.0.113.7',
    details: { to: ['bob@example.com'], 'carol@example.com': { ip: '2001:db8::1' } },
    changes: { before: 'alice@example.com', after: { email: 'alice@example.org' } },
    context: { tenant: 'example.com' },
  };

  it('is masked in the parties, the description, details and changes', () => {
    const { event: scrubbed, redacted } = scrub(event);
    expect(scrubbed).toEqual({
      type: 'data.update',
      actor: { id: 'a***@example.com', name: 'a***@example.com', ip: '203.0.113.***', userAgent: 'curl/1.2.3.4' },
      resource: { id: 'b***@example.com', name: 'b***@example.com' },
      description: 'a***@example.com from 203.0.113.***',
      details: { to: ['b***@example.com'], 'c***@example.com': { ip: '2001:db8:0:***' } },
      changes: { before: 'a***@example.com', after: { email: 'a***@example.org' } },
      context: { tenant: 'example.com' },
    });
    expect(redacted).toEqual([]);
  });

  it('is kept where the policy includes it; secrets are redacted all the same', () => {
    const details = { ...event.details, token: 't' };
    const { event: scrubbed, redacted } = scrub({ ...event, details }, INCLUDE);
    expect(scrubbed).toEqual({ type: 'data.update', ...event, details: { ...event.details, token: '[redacted]' } });
    expect(redacted).toEqual(['details.token']);
  });

  it('keeps both of two keys that are masked alike, and names them in paths as they are stored', () => {
    const { event: scrubbed, redacted } = scrub({
      details: {
        'ann@x.example': { token: 'one' },
        'amy@x.example': { token: 'two' },
        'a***@x.example (2)': 3,
        other: 4,
      },
    });
    expect(scrubbed.details).toEqual({
      'a***@x.example (2)': 3,
      'a***@x.example': { token: '[redacted]' },
      'a***@x.example (3)': { token: '[redacted]' },
      other: 4,
    });
    expect(redacted).toEqual(['details["a***@x.example (3)"].token', 'details["a***@x.example"].token']);
  });

  it('leaves four numbers alone that their key calls a version', () => {
    expect(scrub({ details: { version: '1.2.3.4', osVersion: '10.0.1.2', host: '10.0.1.2' } }).event.details).toEqual({
      version: '1.2.3.4',
      osVersion: '10.0.1.2',
      host: '10.0.1.***',
    });
  });
});

describe('hostile names', () => {
  it('are data: __proto__ changes no prototype, here or anywhere', () => {
    const details = JSON.parse('{"__proto__":{"password":"x","admin":true},"constructor":{"token":"y"},"a@b.cc":1}');
    const { event, redacted } = scrubText(details);
    expect(Object.keys(event.details ?? {})).toEqual(['__proto__', '***@b.cc', 'constructor']);
    expect(Object.getPrototypeOf(event.details)).toBe(Object.prototype);
    expect(Reflect.get({}, 'admin')).toBeUndefined();
    expect(redacted).toEqual(['details.__proto__.password', 'details.constructor.token']);
  });

  it('do not make the list of paths longer than is useful: then it names what holds them', () => {
    const long = 'k'.repeat(100);
    const details = { [long]: { [long]: Array.from({ length: 600 }, () => ({ token: 'x' })) }, secret: 'y' };
    const { event, redacted } = scrub({ details });
    expect(redacted).toEqual([`details.${long}.${long}`, 'details.secret']);
    expect(JSON.stringify(event)).not.toContain('"x"');
  });
});

/** Without the copy through an object literal, which would lose `__proto__`. */
function scrubText(details: Record<string, unknown>): { event: EventInput; redacted: string[] } {
  const event: EventInput = { type: 'a.b', details };
  return { event, redacted: scrubEvent(event, DEFAULT_POLICY) };
}

describe('an event that went through once', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('alice@example.com', '203.0.113.7', '::1', '4111111111111111', 'Bearer abcdef0123456789', 'x:y@z'),
    fc.constantFrom(
      'password=x1',
      'a=b&token=c1',
      '{"token":"x1","n":[1.50]}',
      '["password","x1"]',
      '--password x1',
      'curl -u a:b1',
    ),
    fc.constantFrom(
      'Authorization: Basic YTpiYw==',
      "Cookie: a=b; c='d'",
      'Server=x;Password=y 1;',
      'postgres://u:p@h',
      'Server=x;Password=a&b;',
    ),
    fc.tuple(fc.emailAddress(), fc.ipV4(), fc.ipV6()).map((parts) => parts.join(' ')),
  );
  const key = fc.oneof(
    text,
    fc.constantFrom('password', 'tokens', 'apiKey', 'version', 'note', '__proto__', 'name', 'value', 'authorization'),
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.constantFrom(null, true, 12, 4111111111111111),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.array(fc.tuple(key, tie('tree')), { maxLength: 4 }).map((members) => Object.fromEntries(members)),
    ),
  }));

  it.each([
    ['the default policy', DEFAULT_POLICY],
    ['a policy that includes PII', INCLUDE],
  ])('stays as it is, and lists the same paths: %s', (_name, policy) => {
    fc.assert(
      fc.property(tree, tree, text, (before, value, description) => {
        const once = scrub({ description, details: { value }, changes: { before } }, policy);
        const twice = scrub(once.event, policy);
        expect(twice).toEqual(once);
      }),
    );
  });
});
