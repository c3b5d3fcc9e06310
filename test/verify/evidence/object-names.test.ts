import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bundleName,
  checkpointName,
  newestCheckpointName,
  pemName,
  segmentName,
  tileName,
  vkeyName,
} from '../../../lib/log/archive.ts';
import { parseArchiveName } from '../../../lib/verify/evidence/object-names.ts';

const DAY = Date.UTC(2026, 10, 21);
const number = fc.maxSafeNat();

describe('the names of an archive', () => {
  test('are all read back', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('orders', 'a', '_system', '0-x'),
        number,
        number,
        fc.integer({ min: 1, max: 256 }),
        fc.nat(6),
        (trail, a, b, width, level) => {
          const [first, last] = [Math.min(a, b), Math.max(a, b)];
          expect(parseArchiveName(newestCheckpointName(trail))).toEqual({ kind: 'newest', trail });
          expect(parseArchiveName(checkpointName(trail, a))).toEqual({ kind: 'checkpoint', trail, size: a });
          expect(parseArchiveName(segmentName(trail, DAY + 5000, first, last))).toEqual({
            kind: 'segment',
            trail,
            segment: { first, last, day: DAY },
          });
          expect(parseArchiveName(tileName(trail, { level, index: a, width }))).toEqual({
            kind: 'tile',
            trail,
            tile: { kind: 'hashes', level, index: a, width },
          });
          expect(parseArchiveName(bundleName(trail, a, width))).toEqual({
            kind: 'tile',
            trail,
            tile: { kind: 'entries', index: a, width },
          });
        },
      ),
    );
    expect(parseArchiveName(vkeyName('0f1e2d3c'))).toEqual({ kind: 'key', keyId: '0f1e2d3c', form: 'vkey' });
    expect(parseArchiveName(pemName('0f1e2d3c'))).toEqual({ kind: 'key', keyId: '0f1e2d3c', form: 'pem' });
  });

  test.each([
    'orders',
    'checkpoint',
    'Orders/checkpoint',
    'orders/checkpoint/1',
    'orders/checkpoints/01',
    'orders/checkpoints/9007199254740992',
    'orders/checkpoints/1e3',
    'orders/records/dt=2026-11-31/0000000000000000-0000000000000000.jsonl.gz',
    'orders/records/dt=2026-11-21/0-0.jsonl.gz',
    'orders/records/dt=2026-11-21/0000000000000001-0000000000000000.jsonl.gz',
    'orders/records/dt=2026-11-21/0000000000000000-9007199254740992.jsonl.gz',
    'orders/tile/0/0',
    'orders/tile/00/000',
    'orders/tile/0/000.p/256',
    'keys/0F1E2D3C.pem',
    'keys/0f1e2d3c.txt',
    'keys/checkpoint.pem',
  ])('%s is none of them', (key) => {
    expect(parseArchiveName(key).kind).toBe('unknown');
  });

  test('a name is read as one thing or nothing, whatever it is, and no object can have an odd one', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z./=-]{0,20}$/)), (key) => {
        const { kind } = parseArchiveName(key);
        const isOdd =
          key.length > 1024 ||
          key.split('/').some((part) => part === '.' || part === '..' || !/^[A-Za-z0-9._=-]{1,255}$/.test(part));
        expect(kind === 'bad').toBe(isOdd);
      }),
    );
  });

  test('an unknown object of a trail is filed under it', () => {
    expect(parseArchiveName('orders/notes.txt')).toEqual({ kind: 'unknown', trail: 'orders' });
    expect(parseArchiveName('README')).toEqual({ kind: 'unknown' });
  });
});
