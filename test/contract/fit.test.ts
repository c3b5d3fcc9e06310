import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differenceFromSent } from '../../lib/client/delivery/sealed-event-diff.ts';
import { fitEvent } from '../../lib/contract/fit.ts';
import { timeMillis } from '../../lib/contract/time.ts';
import { isLenient, prepareBatch } from '../../lib/event/intake.ts';
import { eventInputSchema } from '../../lib/event/schema.ts';
import { isMaskedIp } from '../../lib/privacy/mask.ts';
import { DEFAULT_POLICY } from '../../lib/privacy/policy.ts';

const RULES = { isTime: (text: string) => timeMillis(text) !== undefined, isMaskedIp };

/** What is sealed of a body that is sent as lenient. */
function sealed(body: string): Record<string, unknown>[] {
  const prepared = prepareBatch(Buffer.from(body), 'application/json', DEFAULT_POLICY, 'lenient');
  return prepared.map(({ json }) => JSON.parse(json));
}

const CORE = {
  type: 'payment.approved',
  action: 'approve',
  actor: { id: 'mallory' },
  resource: { type: 'payment', id: 'p-1' },
};

describe('what a caller controls never costs the record', () => {
  it.each([
    ['a 64-bit number', '{"tweet":1849284928492849284}'],
    ['a number beyond all', '{"x":1e300}'],
    ['thousands of secret keys', JSON.stringify(Array.from({ length: 2900 }, () => ({ pwd: 1 })))],
    ['thousands of secrets', JSON.stringify(Array.from({ length: 2600 }, () => ({ pwd: 'x' })))],
    ['half of a character', '"a\\ud800"'],
    ['brackets without end', `${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['a key that comes twice', '{"a":1,"a":2}'],
    ['far too much text', JSON.stringify('x'.repeat(200_000))],
    ['addresses that grow when they are masked', JSON.stringify('1.1.1.1 '.repeat(4000))],
  ])('%s in a body', (_what, body) => {
    const [event] = sealed(JSON.stringify({ ...CORE, details: { body: 0 } }).replace('"body":0', `"body":${body}`));
    expect(event).toMatchObject(CORE);
    expect(event?.details).toBeDefined();
  });

  it.each([
    ['203.0.113.7', '203.0.113.***', undefined],
    ['203.0.113.7:51234', '203.0.113.***', ['actor.ip']],
    ['[2001:db8::1]:443', '2001:db8:0:***', ['actor.ip']],
    ['x', undefined, ['actor.ip']],
  ])('an address %j', (ip, kept, converted) => {
    const [event] = sealed(JSON.stringify({ ...CORE, actor: { id: 'mallory', ip } }));
    expect(event).toMatchObject(CORE);
    expect(event?.actor).toEqual({ id: 'mallory', ...(kept && { ip: kept }) });
    expect(event?.converted).toEqual(converted);
    expect(event?.details).toEqual(kept === undefined ? { unfit: { 'actor.ip': 'x' } } : undefined);
  });

  it('an actor whose name is empty, a number or far too long: different ones stay different', () => {
    const events = sealed(
      JSON.stringify({
        events: ['', 17, `${'x'.repeat(600)}1`, `${'x'.repeat(600)}2`, null].map((id) => ({ ...CORE, actor: { id } })),
      }),
    );
    const ids = events.map(({ actor }) => (actor as { id: string }).id);
    expect(ids.slice(0, 2)).toEqual(['(unknown)', '17']);
    expect(ids[2]).toMatch(/^x{495}…[0-9a-f]{16}$/);
    expect(ids[2]).not.toBe(ids[3]);
    expect(ids[4]).toBe('(unknown)');
    expect(events.map(({ converted }) => converted)).toEqual(Array(5).fill(['actor.id']));
  });

  it('a type that is none, and fields that are none, are kept beside the rest', () => {
    const [event] = sealed(
      JSON.stringify({ type: 'No Such', foo: { a: 1 }, severity: 'loud', id: '1', details: { unfit: 1 } }),
    );
    expect(event).toMatchObject({
      type: 'custom.event',
      severity: 'info',
      details: { unfit: 1, unfit2: { type: 'No Such', foo: '{"a":1}', severity: 'loud', id: '1' } },
      converted: ['foo', 'id', 'severity', 'type'],
    });
  });

  it('one event that is none does not cost the other 999', () => {
    const events = [...Array.from({ length: 999 }, () => CORE), 'no event'];
    const kept = sealed(JSON.stringify({ events }));
    expect(kept).toHaveLength(1000);
    expect(kept[999]).toMatchObject({ type: 'custom.event', details: { unfit: { event: 'no event' } } });
  });
});

describe('the rules', () => {
  it('make an event of anything, and leave alone what is one', () => {
    const field = fc.constantFrom(
      ...[
        'type',
        'id',
        'time',
        'actor',
        'resource',
        'context',
        'changes',
        'details',
        'producer',
        'severity',
        'outcome',
      ],
      ...[
        'action',
        'decision',
        'description',
        'redacted',
        'converted',
        '__proto__',
        'ip',
        'name',
        'seq',
        'prev',
        'tenant',
      ],
    );
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.string({ minLength: 600, maxLength: 700 }),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(field, tie('value')),
      ),
    }));
    fc.assert(
      fc.property(value, (sent) => {
        const { event, converted } = fitEvent(sent, RULES);
        expect(eventInputSchema.safeParse(event).error).toBeUndefined();
        const again = fitEvent(event, RULES);
        expect(again.event).toEqual(event);
        expect(again.converted).toEqual([]);
        if (eventInputSchema.safeParse(sent).success && converted.length === 0) expect(event).toEqual(sent);
      }),
      { numRuns: 500 },
    );
  });

  it('mark every place, so that a receipt for a lenient append still shows that it is for what was sent', () => {
    for (const sent of [
      { actor: 'alice' },
      { actor: { name: 'Alice' }, resource: 'invoice' },
      { type: 'data.read', color: 'red', details: 'text' },
      { type: 'No Type', details: { unfit: 1 }, context: { tenant: 7, other: true } },
      { type: 'data.read', producer: { id: 'p' }, changes: [1], outcome: 'fine' },
    ]) {
      const [event] = sealed(JSON.stringify(sent));
      expect(differenceFromSent(sent, event)).toBeUndefined();
    }
  });

  it('apply where the request asks or the policy says so', () => {
    expect(isLenient(DEFAULT_POLICY, 'strict')).toBe(false);
    expect(isLenient(DEFAULT_POLICY, 'lenient')).toBe(true);
    expect(isLenient({ ...DEFAULT_POLICY, unfit: 'keep' }, 'strict')).toBe(true);
    expect(isLenient({ ...DEFAULT_POLICY, unfit: 'refuse' }, 'lenient')).toBe(false);
  });
});
