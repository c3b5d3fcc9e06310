import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesTrail } from '../../lib/contract/trail-pattern.ts';
import { assertKept, overlap, REGIMES, type RegimeLabel } from '../../lib/stack/regimes.ts';

const AI_ACT = REGIMES['eu-ai-act'].days;
const label = (trail: string, entry: number): RegimeLabel => ({ regime: 'eu-ai-act', trail, entry });

describe('a trail that is labelled for the EU AI Act', () => {
  it('is kept for six months, the longest of which have 184 days', () => {
    const halfYears = Array.from(
      { length: 48 },
      (_, month) => (Date.UTC(2026, month + 6, 1) - Date.UTC(2026, month, 1)) / 86_400_000,
    );
    expect(Math.max(...halfYears)).toBe(AI_ACT);
  });

  it.each([
    ['all, kept long enough', { default: { archiveDays: AI_ACT } }, [label('*', -1)], undefined],
    ['all, kept too short', { default: { archiveDays: AI_ACT - 1 } }, [label('*', -1)], 'archiveFor is 183'],
    [
      'all, and one of them too short',
      { default: { archiveDays: 400 }, trails: [{ trail: 'debug-*', archiveDays: 30 }] },
      [label('*', -1)],
      'archiveFor of the trails debug-* is 30',
    ],
    [
      'one, itself kept longer than the rest',
      { default: { archiveDays: 1 }, trails: [{ trail: 'agents', archiveDays: 200 }] },
      [label('agents', 0)],
      undefined,
    ],
    [
      'one, that says nothing of itself',
      { default: { archiveDays: 30 }, trails: [{ trail: 'agents' }] },
      [label('agents', 0)],
      'archiveFor is 30',
    ],
    [
      'some, of which a later entry makes one shorter',
      {
        default: { archiveDays: 400 },
        trails: [
          { trail: 'agents-*', archiveDays: 400 },
          { trail: '*-test', archiveDays: 5 },
        ],
      },
      [label('agents-*', 0)],
      'archiveFor of the trails *-test is 5',
    ],
    [
      'some, of which an earlier entry is overruled',
      {
        default: { archiveDays: 400 },
        trails: [
          { trail: 'a*', archiveDays: 5 },
          { trail: 'agents', archiveDays: 400 },
        ],
      },
      [label('agents', 1)],
      undefined,
    ],
    [
      'one, beside others that are short',
      { default: { archiveDays: 400 }, trails: [{ trail: 'agents' }, { trail: 'debug', archiveDays: 5 }] },
      [label('agents', 0)],
      undefined,
    ],
  ])('%s', (_, retention, labels, message) => {
    if (message === undefined) assertKept(retention, labels);
    else expect(() => assertKept(retention, labels)).toThrow(message);
  });

  it('names the rule', () => {
    expect(() => assertKept({ default: { archiveDays: 30 } }, [label('*', -1)])).toThrow(
      "articles 19(1) and 26(6) of the EU AI Act ask for at least 184 days, and archiveFor is 30: all trails cannot be labelled 'eu-ai-act'",
    );
  });
});

describe('two patterns', () => {
  it('overlap where a name matches both', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 5 });
    const longer = (name: string): string[] =>
      name.length >= 7 ? [name] : [name, ...longer(`${name}a`), ...longer(`${name}b`)];
    const names = [...longer('a'), ...longer('b')];
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const isShared = names.some((name) => matchesTrail(a, name) && matchesTrail(b, name));
        // A common name need not be longer than both patterns together; those of up to seven letters are tried.
        if (isShared) expect([a, b, overlap(a, b)]).toEqual([a, b, true]);
        else if (a.length + b.length <= 7)
          expect([a, b, overlap(a, b)]).toEqual([a, b, /^\*+$/.test(a) && /^\*+$/.test(b)]);
      }),
    );
  });
});
