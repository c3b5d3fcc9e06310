import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CLOUD_EVENT } from '../../../lib/event/cloud-events.ts';
import { prepareBatch } from '../../../lib/event/intake.ts';
import { cloudEventLine } from '../../../lib/export/formats/cloud-event.ts';
import { DEFAULT_POLICY } from '../../../lib/privacy/policy.ts';

const event = {
  id: 'e-1',
  severity: 'info',
  type: 'invoice.paid',
  resource: { id: 'inv-7', type: 'invoice' },
  details: { total: 12 },
};
const line = JSON.stringify({
  event,
  prev: '0'.repeat(64),
  receivedAt: 1_790_000_000_000,
  seq: 7,
  submitter: 'app',
  trail: 'orders',
  v: 1,
});

describe('a record as a CloudEvent', () => {
  const text = cloudEventLine(line, 'audit.example.com');
  const cloudEvent = JSON.parse(text);

  it('has the attributes of the specification, and the record in extensions', () => {
    expect(cloudEvent).toEqual({
      specversion: '1.0',
      id: 'e-1',
      source: '//audit.example.com/orders',
      type: 'invoice.paid',
      time: '2026-09-21T14:13:20.000Z',
      subject: 'inv-7',
      datacontenttype: 'application/json',
      sealtrailseq: '7',
      sealtrailhash: createHash('sha256')
        .update(Buffer.from([0]))
        .update(line)
        .digest('hex'),
      sealtrailreceived: '2026-09-21T14:13:20.000Z',
      data: event,
    });
    // CloudEvents 1.0, "Naming conventions": lower-case letters and digits, at most 20 of them.
    for (const name of Object.keys(cloudEvent)) expect(name).toMatch(/^[a-z0-9]{1,20}$/);
    expect(text.indexOf('\n')).toBe(text.length - 1);
  });

  it('is taken by a log again', () => {
    const [prepared] = prepareBatch(Buffer.from(text), CLOUD_EVENT, DEFAULT_POLICY);
    expect(JSON.parse(prepared?.json ?? '')).toMatchObject({
      type: 'invoice.paid',
      resource: { id: 'inv-7' },
      details: { data: event },
    });
  });

  it('that is none is refused', () => {
    expect(() => cloudEventLine('{}', 'log')).toThrow(expect.objectContaining({ code: 'malformed_record' }));
  });
});
