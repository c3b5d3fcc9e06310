import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textLine } from '../../lib/event/text.ts';

describe('an event as a line of text', () => {
  it('begins with time, severity and type, and has every field', () => {
    expect(
      textLine({
        id: 'e-1',
        time: '2026-11-21T04:21:00Z',
        type: 'data.update',
        severity: 'warning',
        action: 'changed amount',
        outcome: 'success',
        decision: 'allow',
        actor: { id: 'alice', type: 'user', name: 'Alice A', ip: '203.0.113.***', userAgent: 'curl/8' },
        resource: { id: 'inv-1', type: 'invoice', name: '' },
        context: { tenant: 'acme', session: 's=1' },
        description: 'said "hello"',
        changes: { before: 1, after: 2 },
        details: { a: [1, 'x y'] },
        redacted: ['details.token'],
      }),
    ).toBe(
      '2026-11-21T04:21:00Z WARNING data.update outcome=success decision=allow action="changed amount" actor=alice ' +
        'actor.type=user actor.name="Alice A" actor.ip=203.0.113.*** actor.userAgent=curl/8 resource=inv-1 ' +
        'resource.type=invoice resource.name="" context.tenant=acme context.session="s=1" id=e-1 ' +
        'description="said \\"hello\\"" changes={"before":1,"after":2} details={"a":[1,"x y"]} redacted=["details.token"]',
    );
  });

  it('says - for what is not known yet', () => {
    expect(textLine({ type: 'a.b' })).toBe('- - a.b');
  });

  it.each([
    ['a line break', 'x\nERROR auth.login actor=root', '"x\\nERROR auth.login actor=root"'],
    ['a carriage return', 'x\ry', '"x\\ry"'],
    ['a terminal’s escape', '\u001b[2J', '"\\u001b[2J"'],
    ['a C1 control', '\u009b2J', '"\\u009b2J"'],
    ['a delete', '\u007f', '"\\u007f"'],
    ['a line separator', 'a\u2028b', '"a\\u2028b"'],
    ['a direction', 'a\u202eb', '"a\\u202eb"'],
    ['a zero width space', 'a\u200bb', '"a\\u200bb"'],
    ['a byte order mark', '\ufeffa', '"\\ufeffa"'],
    ['a tag that does not show', 'a\u{e0041}', '"a\\udb40\\udc41"'],
    ['a lone surrogate', 'a\ud800', '"a\\ud800"'],
    ['another pair', 'x outcome=success', '"x outcome=success"'],
    ['letters of any script', 'Jörg 用户 😀', '"Jörg 用户 😀"'],
  ])('%s in a value stays within it', (_what, value, shown) => {
    expect(textLine({ type: 'a.b', actor: { id: value } })).toBe(`- - a.b actor=${shown}`);
  });

  it('is one line that shows all it holds, whatever the event', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, fc.jsonValue({ stringUnit: 'binary' }), (id, description, value) => {
        const line = textLine({ type: 'a.b', actor: { id }, description, details: { [id]: value } });
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        expect(line).toContain(' actor=');
      }),
    );
  });
});
