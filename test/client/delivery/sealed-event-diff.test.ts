import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differenceFromSent } from '../../../lib/client/delivery/sealed-event-diff.ts';
import { prepareBatch } from '../../../lib/event/intake.ts';
import { DEFAULT_POLICY } from '../../../lib/privacy/policy.ts';

/** What the server makes of an event. */
function sealedFrom(event: unknown): unknown {
  const [prepared] = prepareBatch(Buffer.from(JSON.stringify(event)), 'application/json', DEFAULT_POLICY);
  return JSON.parse(prepared?.json ?? '');
}

/** Texts as events hold them: plain ones, and ones that are redacted or masked. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom(
    'alice@example.com',
    'from 203.0.113.7 to 2001:db8::1',
    'Bearer abcdefghijklmnopqrstuvwxyz012345',
    '4111 1111 1111 1111',
  ),
);
const key = fc.oneof(
  fc.constantFrom(
    'password',
    'n',
    'api_key',
    'bob@example.com',
    'bill@example.com',
    'b***@example.com',
    '__proto__',
    'token',
  ),
  fc.string({ maxLength: 8 }),
);
const { details } = fc.letrec((tie) => ({
  details: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('details'),
  ),
}));
const event = fc.record({
  type: fc.constantFrom('data.read', 'login_failed', 'generation_started'),
  actor: fc.record({ id: fc.constantFrom('alice', 'alice@example.com'), ip: fc.constantFrom('203.0.113.7', '::1') }),
  description: text,
  details: details as fc.Arbitrary<object>, // letrec's types do not say so
});

describe('what was sealed is what was sent', () => {
  it('whatever the server normalised, redacted and masked', () => {
    fc.assert(
      fc.property(event, (sent) => {
        expect(differenceFromSent(sent, sealedFrom(sent))).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('also with an alias for its type, and what the server adds', () => {
    const sent = { type: 'login_failed', actor: { id: 'alice' } };
    expect(sealedFrom(sent)).toMatchObject({
      type: 'auth.login_failed',
      id: expect.any(String),
      severity: expect.any(String),
    });
    expect(differenceFromSent(sent, sealedFrom(sent))).toBeUndefined();
    expect(differenceFromSent({ ...sent, type: 'logout' }, sealedFrom(sent))).toBe('type');
  });
});

describe('what was not sent is found', () => {
  const sent = {
    type: 'data.read',
    actor: { id: 'alice' },
    details: {
      amount: 100,
      items: [{ price: 1 }, { price: 2 }],
      note: 'as agreed',
      password: 'x',
      'bob@example.com': 1,
    },
  };
  const sealed = sealedFrom(sent);
  const changed = (change: (copy: Record<string, never>) => void): unknown => {
    const copy = structuredClone(sealed) as Record<string, never>; // an object, as sealedFrom made it
    change(copy);
    return copy;
  };

  it.each<[string, (copy: Record<string, never>) => unknown, string]>([
    ['another type', (copy) => Object.assign(copy, { type: 'data.delete' }), 'type'],
    ['another actor', (copy) => Object.assign(copy, { actor: { id: 'mallory' } }), 'actor.id'],
    [
      'an actor with more to it',
      (copy) => Object.assign(copy, { actor: { id: 'alice', name: 'Alice' } }),
      'actor.name',
    ],
    ['a field that was not there', (copy) => Object.assign(copy, { decision: 'allow' }), 'decision'],
    ['no details', (copy) => Reflect.deleteProperty(copy, 'details'), 'details'],
    ['another number', (copy) => Object.assign(copy.details ?? {}, { amount: 1 }), 'details.amount'],
    ['a number as text', (copy) => Object.assign(copy.details ?? {}, { amount: '100' }), 'details.amount'],
    ['another text', (copy) => Object.assign(copy.details ?? {}, { note: 'as disagreed' }), 'details.note'],
    ['an item less', (copy) => Object.assign(copy.details ?? {}, { items: [{ price: 1 }] }), 'details.items'],
    [
      'another item',
      (copy) => Object.assign(copy.details ?? {}, { items: [{ price: 1 }, { price: 3 }] }),
      'details.items[1].price',
    ],
    ['an object as a list', (copy) => Object.assign(copy.details ?? {}, { items: {} }), 'details.items'],
    ['a field of details too many', (copy) => Object.assign(copy.details ?? {}, { extra: 1 }), 'details.extra'],
    ['a field of details too few', (copy) => Reflect.deleteProperty(copy.details ?? {}, 'note'), 'details.note'],
  ])('%s', (_, change, path) => {
    expect(
      differenceFromSent(
        sent,
        changed((copy) => void change(copy)),
      ),
    ).toBe(path);
  });

  it('and anything that is no event at all', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(JSON.stringify(value) !== JSON.stringify(sealed));
        expect(differenceFromSent(sent, value)).toBeTypeOf('string');
      }),
    );
  });
});

describe('what the server kept in another form', () => {
  it('is no difference where the record says so, and only there', () => {
    const odd = '{"type":"No Such","actor":{"id":17,"ip":"x"},"details":{"a b":[1849284928492849284],"n":1}}';
    const [prepared] = prepareBatch(Buffer.from(odd), 'application/json', DEFAULT_POLICY, 'lenient');
    const sealed = JSON.parse(prepared?.json ?? '');
    expect(sealed.converted).toEqual(['actor.id', 'actor.ip', 'details["a b"][0]', 'type']);
    expect(differenceFromSent(JSON.parse(odd), sealed)).toBeUndefined();
    expect(differenceFromSent(JSON.parse(odd), { ...sealed, converted: ['type'] })).toBe('actor.ip');
    sealed.details.n = 2;
    expect(differenceFromSent(JSON.parse(odd), sealed)).toBe('details.n');
  });
});
