import { describe, expect, it } from 'vitest';
import { errorAt, fieldPath, type Step } from '../../lib/json/field-path.ts';

describe('the path of a field', () => {
  it.each<[Step[], string]>([
    [[], ''],
    [['actor', 'id'], 'actor.id'],
    [['events', 3, 'details', 'items', 0, 'x-y'], 'events[3].details.items[0].x-y'],
    [[0, 'a'], '[0].a'],
    [['a.b', 'c'], '["a.b"].c'],
    [['details', '0'], 'details["0"]'],
    [['details', '', 'a"]'], 'details[""]["a\\"]"]'],
    [['details', 'line\nbreak', '\u202e'], 'details["line\\nbreak"]["\u202e"]'],
    [['a'.repeat(128)], 'a'.repeat(128)],
    [['a'.repeat(129), 'b'], `["${'a'.repeat(128)}…"].b`],
    [[`${'a'.repeat(127)}😀`], `["${'a'.repeat(127)}\ufffd…"]`],
  ])('%j is %s', (steps, path) => {
    expect(fieldPath(steps)).toBe(path);
  });
});

describe('an error about a field', () => {
  it('names it in the message and by itself, and keeps its cause', () => {
    const cause = new Error('deep');
    expect(errorAt('invalid_event', ['a', 1], 'must be b', cause)).toMatchObject({
      code: 'invalid_event',
      message: 'a[1]: must be b',
      field: 'a[1]',
      cause,
    });
  });

  it('names none where it is about the whole', () => {
    const error = errorAt('invalid_json', [], 'no');
    expect([error.message, error.field, error.cause]).toEqual(['no', undefined, undefined]);
  });
});
