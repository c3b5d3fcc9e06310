import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogEvent, prepareEvent } from '../../../lib/client/event/event.ts';
import { MAX_LOGGED_BYTES } from '../../../lib/client/event/event-size.ts';
import { converted } from '../../../lib/client/event/to-serializable.ts';
import { CATALOGUE } from '../../../lib/contract/catalogue.ts';
import {
  ACTOR_TEXTS,
  CONTEXT_FIELDS,
  CONTEXT_TEXT,
  EVENT_TEXTS,
  RESOURCE_TEXTS,
  type TextLimits,
} from '../../../lib/contract/event.ts';
import { prepareBatch } from '../../../lib/event/intake.ts';
import { DEFAULT_POLICY } from '../../../lib/privacy/policy.ts';

describe('every type of the catalogue, by each of its names', () => {
  it.each(CATALOGUE.flatMap((type) => [type.name, ...type.aliases].map((name) => [name, type] as const)))(
    'is taken with its default severity: %s',
    (name, type) => {
      expect(prepareEvent({ type: name }).severity).toBe(type.severity);
      expect(prepareEvent({ type: name.toUpperCase() }).severity).toBe(type.severity);
    },
  );
});

describe('every field of the contract', () => {
  const longest: LogEvent = {
    type: 'a.b',
    action: 'x'.repeat(EVENT_TEXTS.action.max),
    actor: { ...textsOf(ACTOR_TEXTS), id: 'x'.repeat(ACTOR_TEXTS.id.max), ip: '2001:db8:0:***' },
    context: Object.fromEntries(CONTEXT_FIELDS.map((field) => [field, 'x'.repeat(CONTEXT_TEXT.max)])),
    description: 'x'.repeat(EVENT_TEXTS.description.max),
    resource: textsOf(RESOURCE_TEXTS),
  };

  it('is taken by the client and by the server, at its limit', () => {
    const { json } = prepareEvent(longest);
    const [stored] = prepareBatch(Buffer.from(json), 'application/json', DEFAULT_POLICY);
    expect(JSON.parse(stored?.json ?? '')).toMatchObject(JSON.parse(json));
  });

  it.each([
    ['action', { action: `${longest.action}x` }],
    ['description', { description: `${longest.description}x` }],
    ...Object.entries(longest.actor ?? {}).map(tooLong('actor', { id: 'x' })),
    ...Object.entries(longest.resource ?? {}).map(tooLong('resource')),
    ...Object.entries(longest.context ?? {}).map(tooLong('context')),
  ])('is refused by both beyond its limit: %s', (field, fields) => {
    const event: LogEvent = { type: 'a.b', ...fields };
    const refused = expect.objectContaining({ code: 'invalid_event', field });
    expect(() => prepareEvent(event, { invalid: 'throw' })).toThrow(refused);
    expect(() => prepareBatch(Buffer.from(JSON.stringify(event)), 'application/json', DEFAULT_POLICY)).toThrow(refused);
  });
});

/** Every text of a part of an event, as long as it may be. */
function textsOf(limits: Readonly<Record<string, TextLimits>>): Record<string, string> {
  return Object.fromEntries(Object.entries(limits).map(([name, { max }]) => [name, 'x'.repeat(max)]));
}

function tooLong(part: string, others: object = {}) {
  return ([name, value]: readonly [string, unknown]): [field: string, fields: object] => [
    `${part}.${name}`,
    { [part]: { ...others, [name]: `${value}`.padEnd(1025, 'x') } },
  ];
}

describe('an event', () => {
  it('gets an id, a time and a severity, and is what the server takes', () => {
    const prepared = prepareEvent({ type: 'login_failed', actor: { id: 'alice', ip: '::1' }, details: { n: 1n } });
    expect(prepared).toMatchObject({ type: 'login_failed', severity: 'warning', bytes: prepared.json.length });
    expect(JSON.parse(prepared.json)).toMatchObject({ id: prepared.id, time: expect.any(String), details: { n: '1' } });
    expect(prepareBatch(Buffer.from(prepared.json), 'application/json', DEFAULT_POLICY)).toHaveLength(1);
  });

  it.each<[field: string, event: object]>([
    ['type', {}],
    ['type', { type: 'Invoice Paid' }],
    ['type', { type: 7 }],
    ['user', { type: 'a.b', user: 'x' }],
    ['actor.id', { type: 'a.b', actor: { type: 'user' } }],
    ['actor.mail', { type: 'a.b', actor: { id: 'x', mail: 'y' } }],
    ['actor', { type: 'a.b', actor: 'alice' }],
    ['severity', { type: 'a.b', severity: 'bad' }],
    ['outcome', { type: 'a.b', outcome: ['success'] }],
    ['context.tenant', { type: 'a.b', context: { tenant: 7 } }],
    ['details', { type: 'a.b', details: [] }],
    ['id', { type: 'a.b', id: '42' }],
    ['time', { type: 'a.b', time: 'yesterday' }],
    ['time', { type: 'a.b', time: new Date(Number.NaN) }],
    ['constructor', { type: 'a.b', constructor: 'x' }],
  ])('that is wrong in %s says so', (field, event) => {
    // The cast: a program in JavaScript may pass anything.
    expect(() => prepareEvent(event as LogEvent, { invalid: 'throw' })).toThrow(
      expect.objectContaining({ code: 'invalid_event', field, message: expect.stringContaining(`${field}: `) }),
    );
  });

  it('that is no object says so', () => {
    // The cast: a program in JavaScript may pass anything.
    expect(() => prepareEvent(null as unknown as LogEvent, { invalid: 'throw' })).toThrow(
      expect.objectContaining({ code: 'invalid_event', message: 'an event must be an object' }),
    );
  });
});

describe('an event that holds anything', () => {
  it('is what `plain` makes of it, halves of surrogate pairs too', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\\ud800', '\ud800', '\udfff', '\u{1f600}') });
    const value = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      key: text,
      values: [fc.float(), text],
    });
    fc.assert(
      fc.property(value, text, (member, description) => {
        const event: LogEvent = {
          type: 'a.b',
          id: 'e-1',
          time: '2026-01-01T00:00:00Z',
          description,
          details: { member },
        };
        const { value, places } = converted(event);
        const { converted: marks = [], ...made } = JSON.parse(prepareEvent(event).json);
        expect(JSON.stringify(made)).toBe(JSON.stringify(value));
        expect(marks.length > 0).toBe(places.size > 0);
      }),
    );
    const { json } = prepareEvent({ type: 'a.b', description: 'x\ud800', details: { '\udc00': '\ud800y' } });
    expect(JSON.parse(json)).toMatchObject({
      ...{ description: 'x\ufffd', details: { '\ufffd': '\ufffdy' } },
      converted: ['description', expect.stringContaining('details')],
    });
  });
});

describe('an event whose values change while they are read', () => {
  it('is taken in one of their states', () => {
    let reads = 0;
    const details = {
      get n(): unknown {
        return reads++ === 0 ? 1 : 2n;
      },
    };
    expect(JSON.parse(prepareEvent({ type: 'a.b', details }).json).details).toEqual({ n: '2' });
  });
});

describe('an event that is too large', () => {
  const huge: LogEvent = { type: 'a.b', details: { token: 'x'.repeat(70_000) }, changes: { after: 'y' } };

  it('is cut, with a note of what was there and nothing of its text', () => {
    const { json, bytes } = prepareEvent(huge);
    expect(JSON.parse(json)).toMatchObject({
      details: { cut: { bytes: 70_012, members: 'token' } },
      changes: { after: 'y' },
    });
    expect(bytes).toBeLessThan(MAX_LOGGED_BYTES);
    const both = prepareEvent({ ...huge, changes: { before: 'y'.repeat(70_000) } });
    expect(JSON.parse(both.json).changes).toEqual({ after: { cut: { bytes: 70_013, members: 'before' } } });
  });

  it('is refused, by choice', () => {
    expect(() => prepareEvent(huge, { tooLarge: 'refuse' })).toThrow(
      expect.objectContaining({
        code: 'record_too_large',
        field: 'details',
        message: expect.stringMatching(/has 70\d+ bytes/),
      }),
    );
  });
});
