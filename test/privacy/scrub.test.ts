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
      changes: { before: { secret: { a: [1] } }, after: [{ secret: 'new', kept: 1 }] },
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

  it('are redacted whatever they are, except where there is none', () => {
    const { event, redacted } = scrub({
      details: { a: { token: 1234 }, b: { token: true }, c: { token: '' }, d: { token: {} }, e: { token: null } },
    });
    expect(event.details).toEqual({
      a: { token: '[redacted]' },
      b: { token: '[redacted]' },
      c: { token: '[redacted]' },
      d: { token: '[redacted]' },
      e: { token: null },
    });
    expect(redacted).toEqual(['details.a.token', 'details.b.token', 'details.c.token', 'details.d.token']);
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

  it('are sought in details and changes only: an event’s own fields have their names from us', () => {
    const { event, redacted } = scrub({
      context: { session: 'token' },
      action: 'password',
      resource: { type: 'secret' },
    });
    expect(event).toMatchObject({ context: { session: 'token' }, action: 'password', resource: { type: 'secret' } });
    expect(redacted).toEqual([]);
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
      details: { 'ann@x.example': { token: 1 }, 'amy@x.example': { token: 2 }, 'a***@x.example (2)': 3, other: 4 },
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

  it('do not make the list of paths longer than a record', () => {
    const long = 'k'.repeat(100);
    const details = { [long]: { [long]: Array.from({ length: 600 }, () => ({ token: 1 })) } };
    expect(() => scrub({ details })).toThrow(
      expect.objectContaining({
        code: 'record_too_large',
        message: 'the event has too many secrets to list: leave them out',
      }),
    );
  });

  it('after a refusal the next event starts afresh', () => {
    const policy = { ...DEFAULT_POLICY };
    const details = { deep: { list: Array.from({ length: 10_000 }, () => ({ token: 1 })) } };
    expect(() => scrub({ details }, policy)).toThrow(/too many secrets/);
    expect(scrub({ details: { token: 1 } }, policy).redacted).toEqual(['details.token']);
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
    fc.tuple(fc.emailAddress(), fc.ipV4(), fc.ipV6()).map((parts) => parts.join(' ')),
  );
  const key = fc.oneof(text, fc.constantFrom('password', 'tokens', 'apiKey', 'version', 'note', '__proto__'));
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
