import { expect, it } from 'vitest';
import { newEventId } from '../../lib/event/event-id.ts';
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
