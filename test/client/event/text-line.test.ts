import { describe, expect, it } from 'vitest';
import { textLine } from '../../../lib/client/event/text-line.ts';

describe('a line of text', () => {
  it('says type, outcome, actor and action (source row: text line)', () => {
    const event = {
      time: 't',
      type: 'auth.login',
      outcome: 'denied',
      actor: { id: 'alice' },
      action: 'sign-in',
      id: 'e',
    };
    expect(textLine(JSON.stringify(event), 'warning')).toBe(
      't WARNING auth.login outcome=denied actor=alice action=sign-in id=e',
    );
  });

  it('is one, whatever the event holds', () => {
    const event = { time: 't', type: 'a.b', actor: { id: 'x y' }, description: 'a\n\u001b[31mb\u2028', id: 'e' };
    expect(textLine(JSON.stringify(event), 'info')).toBe(
      't INFO a.b actor="x y" description="a\\n\\u001b[31mb\\u2028" id=e',
    );
  });
});
