import { describe, expect, it } from 'vitest';
import { auditEventSchema, eventInputSchema } from '../../lib/event/schema.ts';

const OK = { type: 'data.read' };
const PRODUCER = { id: 'shop-1', prev: '0'.repeat(64), seq: 0 };

describe('what an event may be', () => {
  it.each([
    ['its type alone', OK],
    ['every id that fits a URL', { ...OK, id: 'evt_01.A:b~c@d=e+f-9' }],
    ['an id of 128 characters', { ...OK, id: 'a'.repeat(128) }],
    ['a UUID', { ...OK, id: '0192f3c4-1b2d-7c3e-9f00-000000000003' }],
    [
      'empty objects and texts where nothing must be in them',
      { ...OK, resource: {}, context: {}, changes: {}, details: {}, description: '' },
    ],
    ['any JSON in changes', { ...OK, changes: { before: null, after: [1, 'a', { b: true }] } }],
    ['a masked address', { ...OK, actor: { id: 'a', ip: '203.0.113.***' } }],
    ['another', { ...OK, actor: { id: 'a', ip: '2001:db8:0:***' } }],
    ['numbered', { ...OK, id: 'e-1', producer: PRODUCER }],
    ['an IPv6 address', { ...OK, actor: { id: 'a', ip: '::1' } }],
  ])('%s', (_what, event) => {
    expect(eventInputSchema.safeParse(event).data).toEqual(event);
  });
});

const TOO_LONG = (max: number): string => `Too big: expected string to have <=${max} characters`;
const EMPTY = 'Too small: expected string to have >=1 characters';
const ID = 'must start with a letter or digit, hold only letters, digits and ._:~@=+- and not be digits alone';
const TIME = 'must be an RFC 3339 time, such as 2026-01-31T23:59:59.123Z';
const TYPE = 'must be words joined by dots, such as invoice.paid, or a name from the catalogue (docs/schema.md)';
const IP = 'must be an IPv4 or IPv6 address, without port';

describe('what an event may not be', () => {
  it.each([
    [{}, 'type', 'Invalid input: expected string, received undefined'],
    [{ type: 'Invoice Paid' }, 'type', TYPE],
    [{ type: 'invoice' }, 'type', TYPE],
    [{ type: 7 }, 'type', 'Invalid input: expected string, received number'],
    [{ type: `a.${'b'.repeat(127)}` }, 'type', TOO_LONG(128)],
    [{ ...OK, id: '' }, 'id', ID],
    [{ ...OK, id: '12345' }, 'id', ID],
    [{ ...OK, id: 'a/b' }, 'id', ID],
    [{ ...OK, id: 'a b' }, 'id', ID],
    [{ ...OK, id: '-a' }, 'id', ID],
    [{ ...OK, id: 'a\n' }, 'id', ID],
    [{ ...OK, id: 'ä' }, 'id', ID],
    [{ ...OK, id: 'a'.repeat(129) }, 'id', TOO_LONG(128)],
    [{ ...OK, producer: PRODUCER }, 'id', 'is missing: the event is numbered, and the next one names it by its id'],
    [
      { ...OK, id: 'e', producer: { ...PRODUCER, id: 'a b' } },
      'producer.id',
      'must start with a letter or digit and hold only letters, digits and ._-',
    ],
    [
      { ...OK, id: 'e', producer: { ...PRODUCER, prev: 'A'.repeat(64) } },
      'producer.prev',
      'must be 64 lower-case hexadecimal digits',
    ],
    [{ ...OK, id: 'e', producer: { ...PRODUCER, seq: -1 } }, 'producer.seq', 'Too small: expected number to be >=0'],
    [{ ...OK, time: '2026-11-21' }, 'time', TIME],
    [{ ...OK, time: 1732162860 }, 'time', 'Invalid input: expected string, received number'],
    [
      { ...OK, severity: 'warn' },
      'severity',
      'Invalid option: expected one of "debug"|"info"|"warning"|"error"|"critical"',
    ],
    [
      { ...OK, outcome: 'ok' },
      'outcome',
      'Invalid option: expected one of "success"|"failure"|"denied"|"blocked"|"error"',
    ],
    [{ ...OK, decision: 'maybe' }, 'decision', 'Invalid option: expected one of "allow"|"deny"|"require_approval"'],
    [{ ...OK, action: '' }, 'action', EMPTY],
    [{ ...OK, action: 'a'.repeat(257) }, 'action', TOO_LONG(256)],
    [{ ...OK, description: 'a'.repeat(8193) }, 'description', TOO_LONG(8192)],
    [{ ...OK, actor: 'alice' }, 'actor', 'Invalid input: expected object, received string'],
    [{ ...OK, actor: null }, 'actor', 'Invalid input: expected object, received null'],
    [{ ...OK, actor: [] }, 'actor', 'Invalid input: expected object, received array'],
    [{ ...OK, actor: {} }, 'actor.id', 'Invalid input: expected string, received undefined'],
    [{ ...OK, actor: { id: '' } }, 'actor.id', EMPTY],
    [{ ...OK, actor: { id: 'a'.repeat(513) } }, 'actor.id', TOO_LONG(512)],
    [
      { ...OK, actor: { id: 'a', type: 'robot' } },
      'actor.type',
      'Invalid option: expected one of "user"|"system"|"admin"|"agent"|"service"',
    ],
    [{ ...OK, actor: { id: 'a', ip: '203.0.113.7:80' } }, 'actor.ip', IP],
    [{ ...OK, actor: { id: 'a', ip: '203.0.113' } }, 'actor.ip', IP],
    [{ ...OK, actor: { id: 'a', ip: '***' } }, 'actor.ip', IP],
    [{ ...OK, actor: { id: 'a', name: 'a'.repeat(257) } }, 'actor.name', TOO_LONG(256)],
    [{ ...OK, actor: { id: 'a', userAgent: 'a'.repeat(1025) } }, 'actor.userAgent', TOO_LONG(1024)],
    [{ ...OK, resource: { id: 7 } }, 'resource.id', 'Invalid input: expected string, received number'],
    [{ ...OK, resource: { id: 'a'.repeat(1025) } }, 'resource.id', TOO_LONG(1024)],
    [{ ...OK, resource: { type: 'a'.repeat(129) } }, 'resource.type', TOO_LONG(128)],
    [{ ...OK, context: { tenant: '' } }, 'context.tenant', EMPTY],
    [{ ...OK, context: { correlation: 'a'.repeat(257) } }, 'context.correlation', TOO_LONG(256)],
    [{ ...OK, details: [] }, 'details', 'must be a JSON object'],
    [{ ...OK, details: null }, 'details', 'must be a JSON object'],
    [{ ...OK, details: 'x' }, 'details', 'must be a JSON object'],
    [{ ...OK, changes: [] }, 'changes', 'Invalid input: expected object, received array'],
  ])('%j', (event, field, message) => {
    const issues = eventInputSchema.safeParse(event).error?.issues ?? [];
    expect({ field: issues[0]?.path.join('.'), message: issues[0]?.message }).toEqual({ field, message });
  });

  it.each([
    ['user', { ...OK, user: 'alice' }],
    ['redacted', { ...OK, redacted: [] }],
    ['email', { ...OK, actor: { id: 'a', email: 'x' } }],
    ['owner', { ...OK, resource: { owner: 'x' } }],
    ['trace', { ...OK, context: { trace: 'x' } }],
    ['diff', { ...OK, changes: { diff: 'x' } }],
    ['constructor', { ...OK, constructor: 'x' }],
    ['__proto__', JSON.parse('{"type":"data.read","__proto__":{"id":"x"}}')],
    ['__proto__', { ...OK, actor: JSON.parse('{"id":"a","__proto__":{"type":"admin"}}') }],
  ])('an unknown field %s', (key, event) => {
    expect(eventInputSchema.safeParse(event).error?.issues[0]).toMatchObject({
      code: 'unrecognized_keys',
      keys: [key],
    });
  });
});

describe('a stored event', () => {
  const STORED = { id: 'e-1', type: 'auth.login', severity: 'info' };

  it('has id and severity, a type by its own name, and may list what was redacted', () => {
    expect(auditEventSchema.safeParse({ ...STORED, redacted: ['details.a'] }).success).toBe(true);
    for (const wrong of [{ id: undefined }, { severity: undefined }, { type: 'login' }, { type: 'AUTH.LOGIN' }]) {
      expect(auditEventSchema.safeParse({ ...STORED, ...wrong }).success).toBe(false);
    }
  });
});
