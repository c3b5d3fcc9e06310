import { expect, it } from 'vitest';
import { eventIdsOf, newEventId } from '../../lib/event/event-id.ts';
import { eventInputSchema } from '../../lib/event/schema.ts';

it('ids are UUIDv7 (RFC 9562 section 5.7), each greater than the one before, and made now', () => {
  const before = Date.now();
  // More than one draw of random numbers.
  const ids = Array.from({ length: 5000 }, newEventId);
  const after = Date.now();
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const madeAt = Number.parseInt(id.replace('-', '').slice(0, 12), 16);
    expect(madeAt).toBeGreaterThanOrEqual(before);
    expect(madeAt).toBeLessThanOrEqual(after + 1);
  }
  expect(ids).toEqual([...new Set(ids)].sort());
  expect(eventInputSchema.safeParse({ type: 'a.b', id: ids[0] }).success).toBe(true);
});

it('their random parts differ', () => {
  const ends = Array.from({ length: 1000 }, () => newEventId().slice(-8));
  expect(new Set(ends).size).toBeGreaterThan(990);
});

it('under an idempotency key they follow from it: UUIDv8 (RFC 9562 section 5.8), the same in each repetition and in no other request', () => {
  const request = { trail: 'orders', identity: 'shop', key: 'k', bodyHash: 'ab' };
  const id = eventIdsOf(request);
  expect([id(0), eventIdsOf({ ...request })(0)]).toEqual(Array(2).fill('f344c83e-6b69-8ae8-9f11-a4485cc6b80c'));
  const others = Object.keys(request).map((name) => eventIdsOf({ ...request, [name]: 'x' })(0));
  expect(new Set([id(0), id(1), ...others]).size).toBe(6);
  for (const one of others)
    expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
