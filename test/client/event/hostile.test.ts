import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAuditLogger, type LogEvent, MemorySink } from '../../../lib/client/index.ts';
import { prepareBatch } from '../../../lib/event/intake.ts';
import { DEFAULT_POLICY } from '../../../lib/privacy/policy.ts';

/**
 * What others send ends up in events. It must never cost the record: who did what to what is in the log every time, and a
 * log that refuses all it can refuse takes the event.
 */

const CORE: LogEvent = {
  ...{ type: 'payment.approved', action: 'approve', outcome: 'success' },
  ...{ actor: { id: 'mallory', type: 'user' }, resource: { type: 'payment', id: 'p-1' } },
};
const STRICT = { ...DEFAULT_POLICY, longNumbers: 'refuse', unfit: 'refuse' } as const;

const memory = new MemorySink({ limit: 1 });
const audit = createAuditLogger({ sinks: [memory], onError: () => undefined });

/** The event as a log would keep it. */
function logged(event: unknown): Record<string, unknown> {
  audit.log(event as LogEvent); // The cast: a program in JavaScript may pass anything.
  const last = memory.events.at(-1);
  const [stored] = prepareBatch(Buffer.from(JSON.stringify(last)), 'application/json', STRICT);
  return JSON.parse(stored?.json ?? '');
}

const throwing = (): never => {
  throw new Error('no');
};
const proxy = (handler: ProxyHandler<object>, of: object = {}): object => new Proxy(of, handler);
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const circular: Record<string, unknown> = {};
circular.self = { circular };
const wide = Object.fromEntries(Array.from({ length: 25_000 }, (_, i) => [`k${i}`, i]));

const VALUES: readonly (readonly [what: string, value: unknown])[] = [
  ['a number of 64 bits', 2 ** 62 + 1024],
  ['an enormous number', 1e300],
  ['thousands of secret keys', Array.from({ length: 2900 }, () => ({ pwd: 1 }))],
  ['a getter that throws', Object.defineProperty({}, 'x', { enumerable: true, get: throwing })],
  [
    'a proxy that throws whatever is done with it',
    proxy({ get: throwing, ownKeys: throwing, getPrototypeOf: throwing }),
  ],
  [
    'a proxy that throws a proxy that throws',
    proxy({
      get: () => {
        throw revoked();
      },
    }),
  ],
  ['a proxy that was revoked', revoked()],
  ['an object inside itself', circular],
  ['an object that is too wide', wide],
  ['a list that is said to have billions of items', new Array(4_000_000_000)],
  ['a text of a million line ends', '\n'.repeat(1_000_000)],
  ['half a surrogate pair', '\ud800'],
  ['a Date that is none', new Date(Number.NaN)],
  ['symbols', { [Symbol('a')]: 1, a: Symbol('b') }],
  ['a prototype as a member', JSON.parse('{"__proto__":{"type":"x"},"constructor":{"prototype":1}}')],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1n })],
  ['a toJSON that throws', { toJSON: throwing }],
  ['a function whose name is none', Object.defineProperty(() => 0, 'name', { get: throwing })],
  ['a Date that only looks like one', Object.create(Date.prototype)],
];

describe.each(VALUES)('%s', (_, value) => {
  it('in its data leaves an event its core', () => {
    expect(logged({ details: { value }, changes: { before: value }, ...CORE })).toMatchObject(CORE);
  });

  it('in place of a field leaves an event the others', () => {
    const { type, actor, resource, action } = CORE;
    const { actor: who, details, ...rest } = logged({ ...CORE, actor: value });
    expect(rest).toMatchObject({ type, action, resource });
    expect(who ?? details).toMatchObject(who ?? { unfit: { actor: expect.any(String) } });
    expect(logged({ ...CORE, actor: { id: value } })).toMatchObject({
      type,
      resource,
      actor: { id: expect.any(String) },
    });
    expect(logged({ ...CORE, resource: { id: value }, context: { tenant: value } })).toMatchObject({
      type,
      action,
      actor,
    });
    expect(logged({ ...CORE, description: value, time: value, id: value })).toMatchObject(CORE);
    expect(logged({ ...CORE, outcome: value, severity: value, decision: value })).toMatchObject({
      type,
      actor,
      resource,
    });
    expect(logged({ ...CORE, type: value })).toMatchObject({ type: 'custom.event', actor, resource, action });
    expect(logged({ ...CORE, unheardOf: value })).toMatchObject(CORE);
  });

  it('in place of the event is an event', () => {
    expect(logged(value)).toMatchObject({ type: 'custom.event' });
  });
});

describe('an event', () => {
  it('keeps a number of 64 bits as text in its place, and says where', () => {
    const body = JSON.parse('{"tweet":1849284928492849284,"x":1e300,"n":12}');
    expect(logged({ ...CORE, details: { body } })).toMatchObject({
      details: { body: { tweet: '1849284928492849400', x: '1e+300', n: 12 } },
      converted: ['details.body.tweet', 'details.body.x'],
    });
  });

  it('keeps an address that is none beside it, and one with a port without it', () => {
    expect(logged({ ...CORE, actor: { id: 'mallory', ip: 'x' } })).toMatchObject({
      actor: { id: 'mallory' },
      details: { unfit: { 'actor.ip': 'x' } },
      converted: ['actor.ip'],
    });
    const { actor } = logged({ ...CORE, actor: { id: 'mallory', ip: '203.0.113.7:51234' } });
    expect(actor).toMatchObject({ id: 'mallory', ip: '203.0.113.***' });
  });

  it('keeps apart people whose names are too long', () => {
    const [one, other] = ['a', 'b'].map((end) => logged({ ...CORE, actor: { id: `${'x'.repeat(600)}${end}` } }).actor);
    expect(one).not.toEqual(other);
  });

  it('is logged whatever its values are, and however they are put together', () => {
    const leaf = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
    });
    const names = fc.constantFrom(...['type', 'id', 'time', 'actor', 'resource', 'context', 'changes', 'details', 'x']);
    const members = fc.constantFrom('id', 'ip', 'type', 'name', 'tenant', 'after', '__proto__');
    const event = fc.dictionary(names, fc.oneof(leaf, fc.dictionary(members, leaf)));
    /** By their places, as fast-check itself looks at what it is given. */
    const hostile = fc.dictionary(names, fc.record({ member: members, value: fc.nat(VALUES.length - 1) }));
    fc.assert(
      fc.property(event, hostile, (fields, places) => {
        for (const [name, { member, value }] of Object.entries(places)) {
          if (VALUES[value]?.[1] !== wide) fields[name] = { [member]: VALUES[value]?.[1] };
        }
        expect(logged({ ...fields, action: 'approve' })).toMatchObject({ action: 'approve', type: expect.any(String) });
      }),
      { numRuns: 100 },
    );
  });

  it('with everything at its limit and written in escapes keeps its core', () => {
    const long = (length: number): string => '\u0001'.repeat(length);
    const { type, action } = CORE;
    const context = Object.fromEntries(['tenant', 'project', 'session', 'request'].map((name) => [name, long(256)]));
    const details = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`${i}${long(50)}`, 2 ** 60]));
    const event = logged({
      ...{ type, action, context, details, changes: { after: details }, description: long(8192) },
      ...{
        actor: { id: long(512), name: long(256), userAgent: long(1024) },
        resource: { id: long(1024), name: long(256) },
      },
    });
    expect(event).toMatchObject({ type, action, context, actor: { id: long(512) }, resource: { id: long(1024) } });
  });
});
