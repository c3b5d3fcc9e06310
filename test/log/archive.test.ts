import fc from 'fast-check';
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
import { isObjectKey } from '../../lib/store/object-key.ts';
import { parseArchiveName } from '../../lib/verify/names.ts';

/** Names under lock can never be changed: these are written down by hand, from docs and C2SP tlog-tiles. */
describe('the names of an archive', () => {
  it('are these', () => {
    expect([
      newestCheckpointName('orders'),
      checkpointName('orders', 70_000),
      tileName('orders', { level: 0, index: 1_234_067, width: 256 }),
      tileName('orders', { level: 1, index: 0, width: 17 }),
      bundleName('orders', 273, 112),
      segmentName('orders', 1_795_234_567_890, 0, 99),
      vkeyName('0f1e2d3c'),
      pemName('0f1e2d3c'),
    ]).toEqual([
      'orders/checkpoint',
      'orders/checkpoints/70000',
      'orders/tile/0/x001/x234/067',
      'orders/tile/1/000.p/17',
      'orders/tile/entries/273.p/112',
      'orders/records/dt=2026-11-21/0000000000000000-0000000000000099.jsonl.gz',
      'keys/0f1e2d3c.vkey',
      'keys/0f1e2d3c.pem',
    ]);
  });

  it('hold the UTC date, not the one of the place', () => {
    const midnight = Date.UTC(2027, 0, 1);
    expect([utcDate(midnight - 1), utcDate(midnight)]).toEqual(['2026-12-31', '2027-01-01']);
  });

  const seq = fc.nat(Number.MAX_SAFE_INTEGER);
  const time = fc.nat(Date.UTC(9999, 11, 31));

  it('of segments sort like their records', () => {
    fc.assert(
      fc.property(seq, seq, time, time, (a, b, s, t) => {
        fc.pre(a !== b);
        const earlier = segmentName('orders', Math.min(s, t), Math.min(a, b), Math.min(a, b));
        const later = segmentName('orders', Math.max(s, t), Math.max(a, b), Math.max(a, b));
        expect(earlier < later).toBe(true);
      }),
    );
  });

  it('are keys that every store takes, and the verifier reads back', () => {
    fc.assert(
      fc.property(seq, fc.nat(1000), time, (first, more, receivedAt) => {
        const last = Math.min(Number.MAX_SAFE_INTEGER, first + more);
        const name = segmentName('_system', receivedAt, first, last);
        expect(isObjectKey(name)).toBe(true);
        const day = Math.floor(receivedAt / 86_400_000) * 86_400_000;
        expect(parseArchiveName(name)).toEqual({ kind: 'segment', trail: '_system', segment: { first, last, day } });
        expect(parseArchiveName(checkpointName('orders', first))).toMatchObject({ kind: 'checkpoint', size: first });
      }),
    );
  });
});
