import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { verdictOf } from '../../../lib/verify/archive/verify-trail.ts';
import {
  exitCodeOf,
  PROBLEM_KIND_NAMES,
  PROBLEM_KINDS,
  type ProblemKind,
  type Report,
} from '../../../lib/verify/index.ts';
import { Findings, MAX_PER_KIND, quoted, shownKey } from '../../../lib/verify/report/findings.ts';

/** Where the checks are tested. */
const CHECKS = join(import.meta.dirname, '..');
/** Where a kind is tested of a running log and its archive at once. */
const CLOCK = join(import.meta.dirname, '../../app/clock.test.ts');
const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/problems.md'), 'utf8');

describe('the kinds of problem', () => {
  test('are those that docs/problems.md explains, in its order and with its classes', () => {
    const rows = [
      ...(PAGE.split('\n## What `--index` adds\n')[0] ?? '').matchAll(
        /^\| `([a-z_]+)` \| (damage|open|note) \| .{20,} \|$/gm,
      ),
    ].map(([, kind, sort]) => [kind, sort]);
    expect(rows).toEqual(Object.entries(PROBLEM_KINDS));
  });

  test('are each asserted by a test', () => {
    const isTold =
      /(^|\/)(verify-archive|missing-trails|archiver|auditor|edits|interrupted|open-actions|ml-dsa|producer-order|surroundings|timestamps|witnesses|workers)\.test\.ts$|(^|\/)damage-\w+\.ts$/;
    const tests = readdirSync(CHECKS, { recursive: true, encoding: 'utf8' })
      .filter((name) => isTold.test(name))
      .map((name) => readFileSync(join(CHECKS, name), 'utf8'))
      .concat(readFileSync(CLOCK, 'utf8'))
      .join();
    expect(PROBLEM_KIND_NAMES.filter((kind) => !new RegExp(`['\\s{]${kind}['\\s:]`).test(tests))).toEqual([]);
  });

  test('decide the verdict: one of damage, and it is damaged; none, and it is ok', () => {
    expect(verdictOf([])).toBe('ok');
    for (const kind of PROBLEM_KIND_NAMES) {
      expect(verdictOf([kind])).toBe({ damage: 'damaged', open: 'incomplete', note: 'ok' }[PROBLEM_KINDS[kind]]);
    }
    expect(verdictOf(['unreadable', 'fork'])).toBe('damaged');
  });

  test('decide the exit code', () => {
    const of = (...kinds: ProblemKind[]): number => {
      const problemCounts = Object.fromEntries(kinds.map((kind) => [kind, 1]));
      const report: Pick<Report, 'verdict' | 'problemCounts'> = { verdict: verdictOf(kinds), problemCounts };
      return exitCodeOf(report as Report); // nothing else is looked at
    };
    expect([of(), of('fork'), of('unreadable'), of('unreadable', 'fork'), of('beyond_checkpoint')]).toEqual([
      0, 1, 2, 1, 1,
    ]);
  });
});

describe('the collection of problems', () => {
  const problem = (
    seq: number,
    object = 'x',
  ): { kind: 'wrong_seq'; trail: string; object: string; seq: number; message: string } => ({
    kind: 'wrong_seq',
    trail: 'orders',
    object,
    seq,
    message: 'm',
  });

  test('keeps the first hundred of a kind and counts them all', () => {
    const findings = new Findings();
    for (let seq = 0; seq < 1000; seq++) findings.add(problem(seq));
    findings.add({ kind: 'fork', message: 'm' });
    expect(findings.list().length).toBe(MAX_PER_KIND + 1);
    expect(findings.counts()).toEqual({ wrong_seq: 1000, fork: 1 });
    expect(findings.total).toBe(1001);
  });

  test('counts what is found twice once', () => {
    const findings = new Findings();
    for (const seq of [1, 2, 1]) findings.add(problem(seq));
    expect(findings.counts()).toEqual({ wrong_seq: 2 });
  });

  test('lists by trail, record and object, and what has no record last', () => {
    const findings = new Findings();
    const all = [
      { kind: 'bad_name' as const, object: 'z', message: 'm' },
      problem(1, 'b'),
      problem(2, 'a'),
      { kind: 'fork' as const, trail: 'orders', object: 'a', message: 'm' },
      { ...problem(0), trail: 'payments' },
    ];
    for (const each of all.toReversed()) findings.add(each);
    expect(findings.list()).toEqual(all);
  });

  test('shows names that could fool a reader in escapes', () => {
    expect(shownKey('orders/checkpoint')).toBe('orders/checkpoint');
    expect(shownKey('a\u001b[31m"\u202e\\')).toBe('a\\u001b[31m\\"\\u202e\\\\');
    expect(quoted('a"\u0007é')).toBe('"a\\"\\u0007\\u00e9"');
    expect(quoted('x'.repeat(500)).length).toBe(203);
  });
});
