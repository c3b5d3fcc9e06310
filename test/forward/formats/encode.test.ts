import { describe, expect, it } from 'vitest';
import { happenedAt, recordEncoder } from '../../../lib/forward/formats/encode.ts';
import type { ForwardFormat } from '../../../lib/forward/settings.ts';
import { leafHash } from '../../../lib/log/hash.ts';
import { parseRecord } from '../../../lib/log/record.ts';
import { linesOf } from '../batches.ts';

const EVENT = {
  action: 'login|form',
  actor: { id: 'bob', ip: '203.0.113.7', name: 'Bob = Builder', userAgent: 'curl/8' },
  context: { correlation: 't-1', request: 'r-1', tenant: 'acme' },
  description: 'first line\nsecond \\ line',
  details: { amount: 7 },
  outcome: 'denied',
  resource: { id: 'r/1', name: 'door', type: 'room' },
  severity: 'warning',
  time: '2025-12-31T23:00:00.000Z',
};
const [LINE = ''] = linesOf(7, 8, () => EVENT);
const encode = (format: ForwardFormat, original = false, line = LINE) =>
  recordEncoder(format, { logName: 'audit.example.com', chain: 'c', original })(line);

describe('a record', () => {
  it('stays byte for byte what was sealed', () => expect(encode('record')).toBe(LINE));

  it('is an event of ECS, with what ECS has no place for beside it', () => {
    const event = JSON.parse(encode('ecs'));
    expect(event).toMatchObject({
      '@timestamp': '2025-12-31T23:00:00.000Z',
      event: { id: 'e-7', action: 'login|form', code: 'order.paid', outcome: 'failure', sequence: 7, kind: 'event' },
      user: { id: 'bob' },
      source: { ip: '203.0.113.7' },
      organization: { id: 'acme' },
      trace: { id: 't-1' },
      sealtrail: { trail: 'orders', seq: 7, event: { details: { amount: 7 } } },
    });
    expect(event.event.hash).toBe(Buffer.from(leafHash(LINE)).toString('hex'));
    expect(event.event.original).toBeUndefined();
    expect(JSON.parse(encode('ecs', true)).event.original).toBe(LINE);
  });

  it('is an event of OCSF, with its own line where that is asked for', () => {
    expect(JSON.parse(encode('ocsf')).metadata).toMatchObject({ log_name: 'orders', sequence: 7 });
    expect(JSON.parse(encode('ocsf', true)).raw_data).toBe(LINE);
  });

  it('is a line of CEF in which nothing ends a field but what may', () => {
    const text = encode('cef');
    expect(text.split('\n')).toHaveLength(1);
    // A reader of CEF: seven pipes that are not escaped, then names and values.
    const [, header = '', extension = ''] = /^((?:(?:\\.|[^|\\])*\|){7})(.*)$/.exec(text) ?? [];
    const parts = header.split('|');
    expect(parts.slice(0, 5)).toEqual(['CEF:0', 'Sealtrail', 'Sealtrail', '1', 'order.paid']);
    expect(parts[6]).toBe('5');
    const fields = Object.fromEntries(
      [...extension.matchAll(/(\w+)=((?:\\.|[^=\\])*?)(?= \w+=|$)/g)].map(([, name, value = '']) => [
        name,
        value.replace(/\\([\\=n])/g, (_, c: string) => (c === 'n' ? '\n' : c)),
      ]),
    );
    expect(fields).toMatchObject({
      cn1: '7',
      cs1: 'orders',
      suid: 'bob',
      suser: 'Bob = Builder',
      msg: EVENT.description,
    });
    expect(JSON.parse(fields.cs6 ?? '')).toEqual({ amount: 7 });
    expect(fields.act).toBe('login|form');
  });

  it('happened when its producer says, or else when it was received', () => {
    expect(happenedAt(parseRecord(LINE))).toBe(Date.parse(EVENT.time));
    expect(happenedAt(parseRecord(linesOf(0, 1)[0] ?? ''))).toBe(1_767_225_600_000);
  });
});
