import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRelative, momentIn, numbersIn } from '../../lib/question/moments.ts';
import { momentOf, offsetAt, shownTime, startOf } from '../../lib/question/zones.ts';

/** A Monday. */
const NOW = Date.UTC(2026, 10, 30, 8, 15, 30, 500);
const at = (text: string, zone?: string): string | undefined => {
  const millis = momentIn(text, { now: NOW, zone });
  return millis === undefined ? undefined : new Date(millis).toISOString();
};

describe('a time in words', () => {
  it.each([
    ['2h', undefined, '2026-11-30T06:15:30.500Z'],
    ['-2h', undefined, '2026-11-30T06:15:30.500Z'],
    ['2h ago', undefined, '2026-11-30T06:15:30.500Z'],
    ['1h30m', undefined, '2026-11-30T06:45:30.500Z'],
    ['500ms', undefined, '2026-11-30T08:15:30.000Z'],
    ['2w', 'Europe/Berlin', '2026-11-16T08:15:30.500Z'],
    ['now', undefined, '2026-11-30T08:15:30.500Z'],
    ['today', undefined, '2026-11-30T00:00:00.000Z'],
    ['yesterday', undefined, '2026-11-29T00:00:00.000Z'],
    ['tomorrow', undefined, '2026-12-01T00:00:00.000Z'],
    ['today', 'America/New_York', '2026-11-30T05:00:00.000Z'],
    ['today', 'Pacific/Kiritimati', '2026-11-29T10:00:00.000Z'],
    ['08:00', undefined, '2026-11-30T08:00:00.000Z'],
    ['8:00', 'Europe/Berlin', '2026-11-30T07:00:00.000Z'],
    ['2026-11-30', undefined, '2026-11-30T00:00:00.000Z'],
    ['2026-11-30', '+02:00', '2026-11-29T22:00:00.000Z'],
    ['2026-11-30 08:00', undefined, '2026-11-30T08:00:00.000Z'],
    ['2026-11-30T08:00:01.5', 'Asia/Kolkata', '2026-11-30T02:30:01.500Z'],
    // An offset of its own counts.
    ['2026-11-30T08:00:00+01:00', 'Asia/Kolkata', '2026-11-30T07:00:00.000Z'],
    ['1760000000000', 'Asia/Kolkata', '2025-10-09T08:53:20.000Z'],
  ])('%s in %s is %s', (text, zone, expected) => {
    expect(at(text, zone)).toBe(expected);
  });

  it.each([
    '',
    'h',
    '2 hours',
    '2y',
    'last week',
    '25:00',
    '08:60',
    '2026-02-30',
    '2026-11-30 24:00',
    '99999999w',
    '-1',
  ])('%j is none', (text) => {
    expect(at(text)).toBeUndefined();
  });

  it('depends on when it is read, or not', () => {
    for (const text of ['2h', 'now', 'today', 'yesterday', '08:00']) expect(isRelative(text)).toBe(true);
    for (const text of ['2026-11-30', '5', '2026-11-30 08:00']) expect(isRelative(text)).toBe(false);
  });

  it('is the day before in a zone whose clocks were changed in the night', () => {
    const now = Date.UTC(2026, 2, 29, 22); // 29 March, the day of the change in Berlin, is 30 March there.
    expect(momentIn('yesterday', { now, zone: 'Europe/Berlin' })).toBe(Date.UTC(2026, 2, 28, 23));
    expect(momentIn('today', { now, zone: 'Europe/Berlin' })).toBe(Date.UTC(2026, 2, 29, 22));
  });
});

describe('the clocks of a zone', () => {
  it('show a time once, twice or never: the first of two, and as if they had not jumped', () => {
    const berlin = (...time: readonly [number, number, number, number, number]) =>
      new Date(momentOf('Europe/Berlin', Date.UTC(...time))).toISOString();
    expect(berlin(2026, 9, 25, 2, 30)).toBe('2026-10-25T00:30:00.000Z');
    expect(berlin(2026, 9, 25, 3, 0)).toBe('2026-10-25T02:00:00.000Z');
    expect(berlin(2026, 2, 29, 2, 30)).toBe('2026-03-29T01:30:00.000Z');
    expect(berlin(2026, 2, 29, 3, 0)).toBe('2026-03-29T01:00:00.000Z');
  });

  it('begin days, weeks and months', () => {
    const start = (unit: 'hour' | 'day' | 'week' | 'month', zone: string) =>
      shownTime(zone, startOf(unit, zone, NOW), unit);
    expect(start('hour', 'Asia/Kolkata')).toBe('2026-11-30 13:00');
    expect(start('day', 'America/New_York')).toBe('2026-11-30');
    expect(start('week', 'UTC')).toBe('2026-11-30');
    expect(start('month', 'Pacific/Kiritimati')).toBe('2026-11');
  });

  it('agree with themselves wherever they are', () => {
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe');
    const moment = fc.integer({ min: 0, max: Date.UTC(2040, 0, 1) });
    fc.assert(
      fc.property(zone, moment, fc.constantFrom('minute', 'hour', 'day', 'week', 'month'), (name, millis, unit) => {
        const start = startOf(unit, name, millis);
        expect(start).toBeLessThanOrEqual(millis);
        expect(startOf(unit, name, start)).toBe(start);
        expect(momentOf(name, start + offsetAt(name, start))).toBeLessThanOrEqual(start);
      }),
    );
  });
});

describe('record numbers', () => {
  it('are one, or a range with both ends', () => {
    expect(numbersIn('7')).toEqual({ from: 7, to: 8 });
    expect(numbersIn('10..20')).toEqual({ from: 10, to: 21 });
    expect(numbersIn('..20')).toEqual({ from: 0, to: 21 });
    expect(numbersIn('10..')).toEqual({ from: 10, to: Number.MAX_SAFE_INTEGER });
    for (const none of ['', '..', '20..10', '1.5', 'a', '1...2']) expect(numbersIn(none)).toBeUndefined();
  });
});
