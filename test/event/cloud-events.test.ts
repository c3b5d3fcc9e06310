import { describe, expect, it } from 'vitest';
import { CLOUD_EVENT, CLOUD_EVENTS } from '../../lib/event/cloud-events.ts';
import { prepareBatch } from '../../lib/event/intake.ts';
import { DEFAULT_POLICY } from '../../lib/privacy/policy.ts';

/** The example of the specification, section 3.1 of the JSON format. */
const EXAMPLE = {
  specversion: '1.0',
  type: 'com.example.someevent',
  source: '/mycontext',
  subject: 'order-7',
  id: 'C234-1234-1234',
  time: '2018-04-05T17:31:00Z',
  comexampleextension1: 'value',
  comexampleothervalue: 5,
  datacontenttype: 'application/json',
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  data: { appinfoA: 'abc', password: 'hunter2!x' },
};
const take = (value: unknown, type = CLOUD_EVENT, handling: 'strict' | 'lenient' = 'strict') =>
  prepareBatch(Buffer.from(JSON.stringify(value)), type, DEFAULT_POLICY, handling).map(({ json }) => JSON.parse(json));

describe('a CloudEvent', () => {
  it('becomes an event, with all of it that has no place of its own in the details', () => {
    expect(take(EXAMPLE)).toEqual([
      {
        id: expect.stringMatching(/^ce-[0-9a-f]{40}$/),
        type: 'com.example.someevent',
        severity: 'info',
        time: '2018-04-05T17:31:00Z',
        resource: { id: 'order-7' },
        context: { correlation: 'a'.repeat(32) },
        details: {
          cloudEvent: {
            id: 'C234-1234-1234',
            source: '/mycontext',
            type: 'com.example.someevent',
            comexampleextension1: 'value',
            comexampleothervalue: 5,
            datacontenttype: 'application/json',
          },
          data: { appinfoA: 'abc', password: '[redacted]' },
        },
        redacted: ['details.data.password'],
      },
    ]);
  });

  it('has the same id whenever it comes, and another one from another source', () => {
    const [first, again, other] = take(
      [EXAMPLE, { ...EXAMPLE, data: 1 }, { ...EXAMPLE, source: '/other' }],
      CLOUD_EVENTS,
    );
    expect(first?.id).toBe(again?.id);
    expect(first?.id).not.toBe(other?.id);
  });

  it('keeps bytes, and a type that can be none', () => {
    const { data, ...rest } = EXAMPLE;
    const [event] = take({ ...rest, type: 'Order Paid', data_base64: 'AAE=' }, `${CLOUD_EVENT}; charset=utf-8`);
    expect(event).toMatchObject({
      type: 'custom.event',
      details: { dataBase64: 'AAE=', cloudEvent: { type: 'Order Paid' } },
    });
  });

  it.each([
    ['specversion', { specversion: '0.3' }],
    ['id', { id: '' }],
    ['source', { source: undefined }],
    ['type', { type: 7 }],
    ['time', { time: 'yesterday' }],
    ['data_base64', { data_base64: 'AAE=' }],
  ])('is refused for its %s, by name, in a batch by its place', (field, wrong) => {
    expect(() => take({ ...EXAMPLE, ...wrong })).toThrow(expect.objectContaining({ code: 'invalid_event', field }));
    expect(() => take([EXAMPLE, { ...EXAMPLE, ...wrong }], CLOUD_EVENTS)).toThrow(
      expect.objectContaining({ field: `events[1].${field}` }),
    );
    expect(take({ ...EXAMPLE, ...wrong }, CLOUD_EVENT, 'lenient')).toHaveLength(1);
  });

  it('comes in batches of at least one and at most 1,000, each within its bounds', () => {
    expect(() => take([], CLOUD_EVENTS)).toThrow(expect.objectContaining({ code: 'empty_batch' }));
    expect(() => take(Array(1001).fill(EXAMPLE), CLOUD_EVENTS)).toThrow(
      expect.objectContaining({ code: 'batch_too_large' }),
    );
    expect(() => take([{ ...EXAMPLE, data: 'x'.repeat(40_000) }], CLOUD_EVENTS)).toThrow(
      expect.objectContaining({ code: 'record_too_large' }),
    );
    expect(take(Array(1000).fill(EXAMPLE), CLOUD_EVENTS)).toHaveLength(1000);
  });

  it('cannot smuggle other members into the batch', () => {
    const body = Buffer.from('[],"events":[{"type":"auth.login"}]');
    expect(() => prepareBatch(body, CLOUD_EVENTS, DEFAULT_POLICY)).toThrow(
      expect.objectContaining({ code: 'invalid_json' }),
    );
    expect(() => prepareBatch(body, CLOUD_EVENTS, DEFAULT_POLICY, 'lenient')).toThrow();
    expect(() => take({ events: [] }, CLOUD_EVENTS)).toThrow(expect.objectContaining({ code: 'invalid_event' }));
  });

  it('says where a number is kept as text', () => {
    const body = JSON.stringify(EXAMPLE)
      .replace('"abc"', '12345678901234567890')
      .replace(':5', ':98765432109876543210');
    const [event] = prepareBatch(Buffer.from(body), CLOUD_EVENT, DEFAULT_POLICY).map(({ json }) => JSON.parse(json));
    expect(event).toMatchObject({
      converted: ['details.cloudEvent.comexampleothervalue', 'details.data.appinfoA'],
      details: { data: { appinfoA: '12345678901234567890' } },
    });
  });
});
