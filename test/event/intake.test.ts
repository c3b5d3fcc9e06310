import { describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES, MAX_EVENT_BYTES } from '../../lib/contract/event.ts';
import { MAX_STORED_EVENT_BYTES, MAX_SUBMITTER_BYTES, prepareBatch } from '../../lib/event/intake.ts';
import { recordLine } from '../../lib/log/record.ts';
import { DEFAULT_POLICY } from '../../lib/privacy/policy.ts';

const JSON_TYPE = 'application/json';

function prepare(body: unknown, contentType: string | undefined = JSON_TYPE): ReturnType<typeof prepareBatch> {
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  return prepareBatch(bytes, contentType, DEFAULT_POLICY);
}

/** An event of just so many bytes as sent. */
function eventOf(bytes: number): string {
  const frame = JSON.stringify({ type: 'a.b', details: { text: '' } });
  return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`);
}

describe('one event', () => {
  it('becomes canonical JSON, normalised: id, severity and outcome filled in, the type by its name', () => {
    const [event, ...others] = prepare({ type: 'LOGIN_FAILED', actor: { type: 'user', id: 'bob' } });
    expect(others).toEqual([]);
    expect(event?.json).toBe(
      `{"actor":{"id":"bob","type":"user"},"id":"${event?.id}","outcome":"failure","severity":"warning","type":"auth.login_failed"}`,
    );
  });

  it('keeps what it says itself', () => {
    const sent = {
      id: 'e-1',
      outcome: 'error',
      severity: 'critical',
      time: '2026-11-21t04:21:00.50+01:00',
      type: 'auth.login',
    };
    expect(prepare(sent)).toEqual([{ id: 'e-1', json: JSON.stringify(sent) }]);
  });

  it('gives the same bytes however it was written', () => {
    const texts = [
      '{"id":"e-1","type":"a.b","details":{"z":1.50,"a":"\\u00e9","n":-0,"l":[1e2]}}',
      ' {"details" : {"l":[100],"n":0,"a":"é","z":1.5},\n"type":"a\\u002eb", "id":"e-1"} ',
    ];
    expect(texts.map((text) => prepare(text)[0]?.json)).toEqual(
      Array(2).fill('{"details":{"a":"é","l":[100],"n":0,"z":1.5},"id":"e-1","severity":"info","type":"a.b"}'),
    );
  });

  it('keeps a member __proto__ of its details, and one named constructor', () => {
    const text = '{"id":"e-1","type":"a.b","details":{"__proto__":{"x":1},"constructor":2}}';
    expect(prepare(text)[0]?.json).toBe(
      '{"details":{"__proto__":{"x":1},"constructor":2},"id":"e-1","severity":"info","type":"a.b"}',
    );
  });

  it('gets an id that sorts by when it was made', () => {
    const ids = Array.from({ length: 50 }, () => prepare({ type: 'a.b' })[0]?.id ?? '');
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(50);
  });
});

describe('a batch', () => {
  it('keeps its order, and takes a thousand', () => {
    const events = Array.from({ length: 1000 }, (_, i) => ({ id: `e-${i}`, type: 'a.b' }));
    expect(prepare({ events }).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
  });

  it.each([
    [{ events: [] }, 'empty_batch', 'events', 'events: the batch has no events'],
    [{ events: {} }, 'invalid_event', 'events', 'events: must be an array of events'],
    [{ events: null }, 'invalid_event', 'events', 'events: must be an array of events'],
    [
      { events: [{ type: 'a.b' }], type: 'a.b' },
      'invalid_event',
      'type',
      'type: unknown field: a batch has `events` only',
    ],
    [
      { events: [{ type: 'a.b' }, 7] },
      'invalid_event',
      'events[1]',
      'events[1]: Invalid input: expected object, received number',
    ],
  ])('%j is refused', (body, code, field, message) => {
    expect(() => prepare(body)).toThrow(expect.objectContaining({ code, field, message }));
  });

  it('takes no more than a thousand', () => {
    expect(() => prepare({ events: Array(1001).fill({ type: 'a.b' }) })).toThrow(
      expect.objectContaining({
        code: 'batch_too_large',
        field: 'events',
        message: 'events: a batch has at most 1000 events: send the rest separately',
      }),
    );
  });

  it('is refused whole for its first bad event, by index', () => {
    const events = [{ type: 'a.b' }, { type: 'a.b' }, { type: 'a.b', actor: { id: '' } }, { type: 'X' }];
    expect(() => prepare({ events })).toThrow(
      expect.objectContaining({
        code: 'invalid_event',
        field: 'events[2].actor.id',
        message: 'events[2].actor.id: Too small: expected string to have >=1 characters',
      }),
    );
  });
});

describe('a body that is refused says why and where', () => {
  it.each([
    ['[]', 'invalid_event', undefined, 'the body must be a JSON object: an event, or {"events": [...]}'],
    ['"x"', 'invalid_event', undefined, 'the body must be a JSON object: an event, or {"events": [...]}'],
    ['', 'invalid_json', undefined, 'not valid JSON at line 1, column 1: expected a value, but the text ends'],
    [
      '{"type":"a.b"',
      'invalid_json',
      'type',
      'type: not valid JSON at line 1, column 14: expected a comma or }, but the text ends',
    ],
    ['{"type":"a.b","type":"a.c"}', 'invalid_json', 'type', 'type: the key comes twice in its object'],
    [
      '{"events":[{"type":"a.b"},{"type":"a.b","details":{"a":{"b":1,"b":2}}}]}',
      'invalid_json',
      'events[1].details.a.b',
      'events[1].details.a.b: the key comes twice in its object',
    ],
    [
      '{"type":"a.b","details":{"s":"\\ud800"}}',
      'invalid_json',
      'details.s',
      'details.s: a lone surrogate is no character: the text was cut in the middle of one',
    ],
    ['{"type":"a.b","user":"bob"}', 'invalid_event', 'user', 'user: unknown field: free data belongs in `details`'],
    [
      '{"type":"a.b","__proto__":{"id":"x"}}',
      'invalid_event',
      '__proto__',
      '__proto__: unknown field: free data belongs in `details`',
    ],
    [
      '{"events":[{"type":"a.b","actor":{"id":"a","e-mail":"x"}}]}',
      'invalid_event',
      'events[0].actor.e-mail',
      'events[0].actor.e-mail: unknown field: free data belongs in `details`',
    ],
    [
      '{"type":"a.b","redacted":["x"]}',
      'invalid_event',
      'redacted',
      'redacted: is set by the server only: leave it out',
    ],
    [
      '{"type":"a.b","time":"yesterday"}',
      'invalid_event',
      'time',
      'time: must be an RFC 3339 time, such as 2026-01-31T23:59:59.123Z',
    ],
  ])('%s', (text, code, field, message) => {
    expect(() => prepare(text)).toThrow(expect.objectContaining({ name: 'SealtrailError', code, field, message }));
  });
});

describe('nesting', () => {
  const nested = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;

  it.each(['', 'events[0].'])('goes 32 levels deep, the event being the first: %sdetails', (where) => {
    const body = (levels: number): string => {
      const event = `{"type":"a.b","details":${nested(levels - 1)}}`;
      return where === '' ? event : `{"events":[${event}]}`;
    };
    expect(prepare(body(32))).toHaveLength(1);
    const field = `${where}details${'.a'.repeat(31)}`;
    expect(() => prepare(body(33))).toThrow(
      expect.objectContaining({ code: 'invalid_json', field, message: `${field}: nested deeper than 32 levels` }),
    );
  });
});

describe('sizes', () => {
  it('an event has at most 32,768 bytes as sent', () => {
    expect(prepare(eventOf(MAX_EVENT_BYTES))).toHaveLength(1);
    expect(prepare(`{"events":[${eventOf(MAX_EVENT_BYTES)},\n${eventOf(MAX_EVENT_BYTES)}]}`)).toHaveLength(2);
    const tooLarge = eventOf(MAX_EVENT_BYTES + 1);
    const message = 'an event has at most 32768 bytes, this one 32769';
    expect(() => prepare(tooLarge)).toThrow(
      expect.objectContaining({ code: 'record_too_large', field: undefined, message }),
    );
    expect(() => prepare(`{"events":[${eventOf(100)},${tooLarge}]}`)).toThrow(
      expect.objectContaining({ code: 'record_too_large', field: 'events[1]', message: `events[1]: ${message}` }),
    );
  });

  it('a request has at most 5,000,000 bytes', () => {
    const body = JSON.stringify({ type: 'a.b' });
    expect(prepare(body + ' '.repeat(MAX_BODY_BYTES - body.length))).toHaveLength(1);
    expect(() => prepare(body + ' '.repeat(MAX_BODY_BYTES + 1 - body.length))).toThrow(
      expect.objectContaining({
        code: 'batch_too_large',
        message: 'a request has at most 5000000 bytes, this one 5000001',
      }),
    );
  });

  it('of an event that grows too large in its canonical form the data is cut, and said to be', () => {
    const grown = (count: number): string =>
      `{"id":"e-1","type":"a.b","actor":{"id":"ann"},"details":{"n":[${Array(count).fill('9e15').join()}]}}`;
    const [event] = prepare(grown(3800));
    expect(Buffer.byteLength(event?.json ?? '')).toBeGreaterThan(MAX_EVENT_BYTES);
    const [cut] = prepare(`{"events":[${grown(6000)}]}`);
    expect(JSON.parse(cut?.json ?? '')).toEqual({
      id: 'e-1',
      type: 'a.b',
      severity: 'info',
      actor: { id: 'ann' },
      details: { cut: { bytes: 102_007, members: 'n' } },
      converted: ['details'],
    });
  });

  it('leaves room for the rest of the record, whatever the trail and however long the submitter’s name', () => {
    const envelope = {
      trail: 't'.repeat(63),
      seq: Number.MAX_SAFE_INTEGER,
      prev: 'f'.repeat(64),
      receivedAt: 8.64e15,
      submitter: 's'.repeat(MAX_SUBMITTER_BYTES),
    };
    const line = recordLine(envelope, 'x'.repeat(MAX_STORED_EVENT_BYTES));
    expect(Buffer.byteLength(line)).toBe(65_535);
  });
});

describe('the content type', () => {
  it.each([
    ...['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset=UTF-8', ' application/json '],
    ...['application/json; charset="utf-8"', 'application/json;'],
  ])('%j is taken', (contentType) => {
    expect(prepare({ type: 'a.b' }, contentType)).toHaveLength(1);
  });

  it.each([
    ...['', 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'application/json; charset=latin1'],
    ...['application/json, text/html', 'application/problem+json', 'json', `application/json;${' '.repeat(1000)}`],
  ])('%j is not', (contentType) => {
    expect(() => prepare({ type: 'a.b' }, contentType)).toThrow(
      expect.objectContaining({
        code: 'unsupported_media_type',
        field: 'Content-Type',
        message: 'send events with Content-Type: application/json',
      }),
    );
  });

  it('must be there', () => {
    expect(() => prepareBatch(Buffer.from('{"type":"a.b"}'), undefined, DEFAULT_POLICY)).toThrow(
      expect.objectContaining({ code: 'unsupported_media_type' }),
    );
  });
});

describe('integers of 64 bits', () => {
  // As Windows, Entra ID, PAN-OS and Cloudflare send them.
  const SENT = [
    [
      '{"Keywords":-9214364837600034816,"EventID":4624}',
      { Keywords: '-9214364837600034816', EventID: 4624 },
      ['details.Keywords'],
    ],
    [
      '{"properties":{"__UDI_RequiredFields_EventTime":638754711120000000}}',
      { properties: { __UDI_RequiredFields_EventTime: '638754711120000000' } },
      ['details.properties.__UDI_RequiredFields_EventTime'],
    ],
    ['{"SequenceNo":7353954110769176067}', { SequenceNo: '7353954110769176067' }, ['details.SequenceNo']],
    ['{"Datetime":1657630626219000000}', { Datetime: '1657630626219000000' }, ['details.Datetime']],
  ] as const;

  it.each(SENT)('%s is kept to the digit, and marked', (details, kept, converted) => {
    const [event] = prepare(`{"type":"siem.event","details":${details}}`);
    expect(JSON.parse(event?.json ?? '')).toMatchObject({ details: kept, converted });
  });

  it('one of them does not cost the other 999', () => {
    const events = Array.from(
      { length: 1000 },
      (_, i) => `{"type":"data.read","details":{"n":${i === 500 ? '-9214364837600034816' : i}}}`,
    );
    const prepared = prepare(`{"events":[${events.join()}]}`);
    expect(prepared).toHaveLength(1000);
    expect(prepared.filter(({ json }) => json.includes('converted'))).toHaveLength(1);
  });

  it('are refused where the policy says so, with a reason that is true', () => {
    const body = Buffer.from('{"type":"a.b","details":{"n":9007199254740993}}');
    expect(() => prepareBatch(body, 'application/json', { ...DEFAULT_POLICY, longNumbers: 'refuse' })).toThrow(
      expect.objectContaining({
        code: 'invalid_json',
        field: 'details.n',
        message:
          'details.n: the number 9007199254740993 is beyond ±(2^53 - 1) or has more digits than a double keeps: send it as a string',
      }),
    );
  });
});
