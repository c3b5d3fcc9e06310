import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { GrowingTable } from '../../../lib/cli/output/records.ts';
import { summaryLines } from '../../../lib/cli/output/summary-lines.ts';
import { renderTable } from '../../../lib/cli/output/table.ts';
import { Progress, widthOf } from '../../../lib/cli/output/terminal.ts';
import type { SealedRecord } from '../../../lib/log/record.ts';
import { Screen } from '../in-process.ts';

/** What the command line shows of a log, on terminals of all widths. */

const out = new Screen();
const word = fc.oneof(fc.constant(undefined), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }));
const record = fc.record({
  trail: fc.constantFrom('orders', 'a-trail-with-a-name-as-long-as-they-are-in-real-life'),
  seq: fc.nat({ max: 9_999_999_999 }),
  type: fc.constantFrom('auth.login', 'github.pull_request_review_comment.created'),
  outcome: fc.constantFrom(undefined, 'success', 'blocked'),
  decision: fc.constantFrom(undefined, 'deny', 'require_approval'),
  severity: fc.constantFrom('info', 'critical'),
  actor: word,
  resource: word,
  action: word,
});

describe('a table of records', () => {
  it('fits every terminal of 40 columns or more, whatever the records hold', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 40, max: 160 }),
        fc.constantFrom('events' as const, 'actions' as const),
        (some, width, view) => {
          const records = some.map(
            ({ trail, seq, actor, resource, ...event }): SealedRecord => ({
              ...{ v: 1, trail, seq, prev: '', receivedAt: 1_800_000_000_000, submitter: 'writer' },
              event: { ...event, actor: { id: actor }, resource: { type: 'document', id: resource } },
            }),
          );
          const table = new GrowingTable(out, { width, view });
          for (const line of records.flatMap((one) => [...table.add([one]), ...table.add(records)])) {
            expect(stringWidth(line)).toBeLessThanOrEqual(width);
          }
        },
      ),
    );
  });
});

describe('a table that grows', () => {
  const record = (seq: number, actor: string, outcome?: string): SealedRecord => ({
    ...{ v: 1, trail: 'orders', seq, prev: '', receivedAt: 1_800_000_000_000, submitter: 'writer' },
    event: { type: 'data.read', actor: { id: actor }, outcome },
  });
  const actorsAt = (lines: readonly string[]): number[] => lines.map((line) => line.search(/actor|alice|bob/));

  it('keeps its columns where they are while it can, and says where they are when they move', () => {
    const table = new GrowingTable(out);
    const first = table.add([record(0, 'alice', 'success')]);
    expect(actorsAt(first)).toEqual([first[0]?.indexOf('actor'), first[0]?.indexOf('actor')]);
    // Nothing to say about the outcome, and shorter: still the same columns.
    expect(actorsAt(table.add([record(1, 'bob')]))).toEqual(actorsAt(first).slice(1));
    const moved = table.add([record(1_000_000_000, 'bob')]);
    expect(moved[0]).toMatch(/^ +record/);
    expect(actorsAt(moved)).toEqual([moved[0]?.indexOf('actor'), moved[0]?.indexOf('actor')]);
    expect(table.add([record(2, 'alice')])).toHaveLength(1);
  });

  it('takes more rows than a call has room for arguments', () => {
    const many = Array.from({ length: 200_000 }, (_, n) => ['x', `${n}`]);
    expect(renderTable([{ title: 'a' }, { title: 'b' }], many, 80)).toHaveLength(200_001);
  });
});

describe('a histogram', () => {
  const day = (n: number): number => Date.UTC(2026, 0, n);
  const lines = (days: readonly number[]) => {
    const counts = days.map((n) => ({ from: day(n), count: 1000 }));
    const summary = { total: 1000 * days.length, by: {}, histogram: { bucket: 'day', counts } } as const;
    return summaryLines('orders', summary, out, { width: 60 }).slice(3);
  };

  it('shows the days on which nothing came, and of many in a row how many', () => {
    expect(lines([1, 2, 4, 28]).map((line) => line.trim().split(/ {2,}/).slice(0, 2))).toEqual([
      ['2026-01-01', '1,000'],
      ['2026-01-02', '1,000'],
      ['2026-01-03', '0'],
      ['2026-01-04', '1,000'],
      ['… 23 days', '0'],
      ['2026-01-28', '1,000'],
    ]);
    expect(lines([3, 4])).toHaveLength(2);
  });
});

describe('a terminal that does not know its width', () => {
  it('is taken to have 80 columns', () => {
    const screen = new Screen(0);
    expect(widthOf(screen)).toBe(80);
    new Progress(screen).show(() => '7 of 9 done');
    expect(screen.text).toContain('7 of 9 done');
  });
});
