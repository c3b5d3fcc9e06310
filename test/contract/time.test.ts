import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timeMillis } from '../../lib/contract/time.ts';

describe('times of RFC 3339', () => {
  it.each([
    // Section 5.8 of the RFC.
    ['1985-04-12T23:20:50.52Z', Date.UTC(1985, 3, 12, 23, 20, 50, 520)],
    ['1996-12-19T16:39:57-08:00', Date.UTC(1996, 11, 20, 0, 39, 57)],
    ['1990-12-31T23:59:60Z', Date.UTC(1991, 0, 1)],
    ['1990-12-31T15:59:60-08:00', Date.UTC(1991, 0, 1)],
    ['1937-01-01T12:00:27.87+00:20', Date.UTC(1937, 0, 1, 11, 40, 27, 870)],
    ['2026-11-21t04:21:00z', Date.UTC(2026, 10, 21, 4, 21)],
    ['2026-11-21T04:21:00-00:00', Date.UTC(2026, 10, 21, 4, 21)],
    ['2026-11-21T04:21:00.123456789Z', Date.UTC(2026, 10, 21, 4, 21, 0, 123)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2000-02-29T00:00:00+23:59', Date.UTC(2000, 1, 28, 0, 1)],
    ['0001-01-01T00:00:00Z', -62135596800000],
  ])('%s is an instant', (text, millis) => {
    expect(timeMillis(text)).toBe(millis);
  });

  it.each([
    ['2026-11-21', 'a day alone'],
    ['2026-11-21T04:21Z', 'no seconds'],
    ['2026-11-21T04:21:00', 'no offset'],
    ['2026-11-21 04:21:00Z', 'a space for the T'],
    ['2026-11-21T04:21:00+0100', 'an offset without its colon'],
    ['2026-11-21T04:21:00.Z', 'a point without digits'],
    ['2026-02-29T00:00:00Z', 'a day that 2026 does not have'],
    ['1900-02-29T00:00:00Z', 'a day that 1900 did not have'],
    ['2026-04-31T00:00:00Z', 'a 31st of April'],
    ['2026-00-01T00:00:00Z', 'month 0'],
    ['2026-13-01T00:00:00Z', 'month 13'],
    ['2026-01-00T00:00:00Z', 'day 0'],
    ['2026-11-21T24:00:00Z', 'hour 24'],
    ['2026-11-21T23:60:00Z', 'minute 60'],
    ['2026-11-21T23:59:61Z', 'second 61'],
    ['2026-11-21T23:59:60Z', 'a leap second in the middle of a month'],
    ['1990-12-31T12:00:60Z', 'a leap second at noon'],
    ['1990-12-31T15:59:60+08:00', 'a leap second at another time of the world'],
    ['2026-11-21T04:21:00+24:00', 'an offset of a day'],
    ['2026-11-21T04:21:00+00:60', 'an offset of 60 minutes'],
    [' 2026-11-21T04:21:00Z', 'a space before'],
    ['2026-11-21T04:21:00Z\n', 'a line end after'],
    ['+012026-11-21T04:21:00Z', 'a year beyond 9999'],
    ['２０２６-11-21T04:21:00Z', 'digits of another script'],
    [`2026-11-21T04:21:00.${'1'.repeat(60)}Z`, 'more digits than a clock has'],
    ['1732162860', 'seconds since 1970'],
    ['', 'nothing'],
  ])('%j is none: %s', (text) => {
    expect(timeMillis(text)).toBeUndefined();
  });

  it('agrees with Date on every instant that Date can write', () => {
    const date = fc.date({
      noInvalidDate: true,
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
    });
    fc.assert(
      fc.property(date, (instant) => {
        expect(timeMillis(instant.toISOString())).toBe(instant.getTime());
      }),
    );
  });
});
