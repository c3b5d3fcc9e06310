import { describe, expect, it } from 'vitest';
import {
  bundleName,
  checkpointName,
  newestCheckpointName,
  pemName,
  segmentName,
  tileName,
  utcDate,
  vkeyName,
} from '../../lib/log/archive.ts';

const MORNING = Date.UTC(2026, 10, 21, 4, 0, 0);

describe("the names of an archive's objects", () => {
  it('are those that docs/spec.md lists', () => {
    expect(newestCheckpointName('orders')).toBe('orders/checkpoint');
    expect(checkpointName('orders', 70_000)).toBe('orders/checkpoints/70000');
    expect(tileName('orders', { level: 0, index: 1234067, width: 8 })).toBe('orders/tile/0/x001/x234/067.p/8');
    expect(bundleName('orders', 273, 112)).toBe('orders/tile/entries/273.p/112');
    expect(segmentName('orders', MORNING, 0, 99)).toBe(
      'orders/records/dt=2026-11-21/0000000000000000-0000000000000099.jsonl.gz',
    );
    expect(vkeyName('530d903a')).toBe('keys/530d903a.vkey');
    expect(pemName('530d903a')).toBe('keys/530d903a.pem');
  });

  it('of segments sort like the records in them', () => {
    const names = [
      segmentName('orders', MORNING, 0, 8),
      segmentName('orders', MORNING, 9, 99),
      segmentName('orders', MORNING, 100, 100),
      segmentName('orders', MORNING + 86_400_000, 101, 2 ** 53 - 2),
      segmentName('orders', MORNING + 86_400_000, 2 ** 53 - 1, 2 ** 53 - 1),
    ];
    expect(names.toSorted()).toEqual(names);
  });

  it('hold the date in UTC, to the millisecond', () => {
    expect(utcDate(Date.UTC(2026, 10, 21) - 1)).toBe('2026-11-20');
    expect(utcDate(Date.UTC(2026, 10, 21))).toBe('2026-11-21');
    expect(utcDate(0)).toBe('1970-01-01');
  });

  it('are keys that every object store takes', () => {
    const all = [
      newestCheckpointName('_system'),
      checkpointName('a-b', 1),
      tileName('a', { level: 6, index: 2 ** 40, width: 1 }),
      bundleName('a', 2 ** 40, 255),
      segmentName('a', MORNING, 1, 2),
      pemName('00000c67'),
    ];
    for (const name of all) expect(name).toMatch(/^[A-Za-z0-9._=-]+(\/[A-Za-z0-9._=-]+)*$/);
  });
});
