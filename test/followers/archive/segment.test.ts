import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdsSegment, packSegment, type Segment, SegmentCutter } from '../../../lib/followers/archive/segment.ts';
import { DAY, MORNING } from '../fake-ledger.ts';

interface Line {
  readonly text: string;
  readonly receivedAt: number;
}

function cut(lines: readonly Line[], limits: { records: number; bytes: number }, first = 0): Segment[] {
  const cutter = new SegmentCutter(limits, first);
  const segments = lines.map(({ text, receivedAt }) => cutter.add(Buffer.from(text), receivedAt));
  return [...segments, cutter.finish()].filter((segment) => segment !== undefined);
}

const lines = (count: number, receivedAt = MORNING, bytes = 9): Line[] =>
  Array.from({ length: count }, (_, n) => ({ text: String(n).padStart(bytes, '0'), receivedAt }));

const ranges = (segments: readonly Segment[]) => segments.map(({ first, last }) => [first, last]);

describe('the segments of a run', () => {
  it('are one where there is room', () => {
    const [segment, ...others] = cut(lines(3), { records: 10, bytes: 1000 }, 100);
    expect(others).toEqual([]);
    expect(segment).toMatchObject({ first: 100, last: 102, receivedAt: MORNING });
    expect(Buffer.from(segment?.raw ?? []).toString()).toBe('000000000\n000000001\n000000002\n');
  });

  it('end at so many records', () => {
    expect(ranges(cut(lines(7), { records: 3, bytes: 1000 }))).toEqual([
      [0, 2],
      [3, 5],
      [6, 6],
    ]);
  });

  it('end before so many bytes, line feeds counted', () => {
    expect(ranges(cut(lines(4), { records: 10, bytes: 20 }))).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(ranges(cut(lines(4), { records: 10, bytes: 19 }))).toHaveLength(4);
  });

  it('hold at least one record, however large', () => {
    expect(ranges(cut(lines(2), { records: 10, bytes: 1 }))).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  it('end with the UTC day', () => {
    const night = Date.UTC(2026, 10, 21, 23, 59, 59, 999);
    const segments = cut([...lines(2, night), ...lines(1, night + 1), ...lines(1, night + DAY)], {
      records: 10,
      bytes: 1000,
    });
    expect(segments.map(({ first, last, receivedAt }) => [first, last, receivedAt])).toEqual([
      [0, 1, night],
      [2, 3, night + 1],
    ]);
  });

  it('of no record are none', () => {
    expect(cut([], { records: 10, bytes: 1000 })).toEqual([]);
  });

  it('hold every record once, in order, within the limits and one day', () => {
    const line = fc.record({ bytes: fc.nat(50), later: fc.nat(DAY) });
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(200),
        (shape, records, bytes) => {
          let receivedAt = MORNING;
          const all = shape.map(({ bytes: size, later }, n) => {
            receivedAt += later;
            return { text: `${n}:${'x'.repeat(size)}`, receivedAt };
          });
          const segments = cut(all, { records, bytes }, 5);
          expect(Buffer.concat(segments.map(({ raw }) => raw)).toString()).toBe(
            all.map(({ text }) => `${text}\n`).join(''),
          );
          let next = 5;
          for (const { first, last, raw, receivedAt: at } of segments) {
            expect(first).toBe(next);
            next = last + 1;
            expect(last - first + 1).toBeLessThanOrEqual(records);
            if (last > first) expect(raw.length).toBeLessThanOrEqual(bytes);
            for (const { receivedAt: other } of all.slice(first - 5, last - 4)) {
              expect(Math.floor(other / DAY)).toBe(Math.floor(at / DAY));
            }
          }
        },
      ),
    );
  });
});

describe('a stored segment', () => {
  const raw = Buffer.from('{"a":1}\n{"b":2}\n'.repeat(100));

  it('is gzip that unpacks to its lines', async () => {
    const packed = await packSegment(raw);
    expect(gunzipSync(packed).equals(raw)).toBe(true);
    expect(await holdsSegment(packed, raw)).toBe(true);
  });

  it('is the same when another zlib packed it, into other bytes', async () => {
    const other = gzipSync(raw, { level: 1, strategy: 2 });
    expect(Buffer.compare(other, await packSegment(raw))).not.toBe(0);
    expect(await holdsSegment(other, raw)).toBe(true);
  });

  it('may be empty inside', async () => {
    expect(await holdsSegment(gzipSync(''), Buffer.alloc(0))).toBe(true);
  });

  const good = gzipSync(raw);
  const withByte = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(good);
    bytes[at < 0 ? bytes.length + at : at] = value;
    return bytes;
  };
  const named = (name: string): Buffer => {
    const header = Buffer.from(good.subarray(0, 10));
    header[3] = 0x08;
    return Buffer.concat([header, Buffer.from(`${name}\0`), good.subarray(10)]);
  };
  it.each<[string, Buffer]>([
    ['other lines', gzipSync(raw.toString().replace('1', '2'))],
    ['fewer lines', gzipSync(raw.subarray(0, -8))],
    ['more lines', gzipSync(Buffer.concat([raw, raw]))],
    ['a bomb', gzipSync(Buffer.alloc(50_000_000))],
    ['bytes after the end', Buffer.concat([good, Buffer.from('x')])],
    ['zeros after the end', Buffer.concat([good, Buffer.alloc(3)])],
    ['a second member', Buffer.concat([good, gzipSync('')])],
    ['its end missing', good.subarray(0, -1)],
    ['bytes before the trailer', Buffer.concat([good.subarray(0, -8), Buffer.from('x'), good.subarray(-8)])],
    ['another checksum', withByte(-8, (good.at(-8) ?? 0) ^ 1)],
    ['another length', withByte(-1, 1)],
    ['a file name in its header', named('orders.jsonl')],
    ['another method', withByte(2, 7)],
    ['no gzip at all', raw],
    ['nothing', Buffer.alloc(0)],
    ['a header alone', good.subarray(0, 10)],
  ])('is not the same with %s', async (_what, stored) => {
    expect(await holdsSegment(stored, raw)).toBe(false);
  });

  it('still unpacks to its lines when a flipped bit goes unnoticed', async () => {
    // A few bits say nothing about the lines: the header's time and system, and what fills up deflate's last byte.
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length * 8 - 1), async (bit) => {
        const at = Math.floor(bit / 8);
        const changed = withByte(at, (good[at] ?? 0) ^ (1 << (bit % 8)));
        if (await holdsSegment(changed, raw)) expect(gunzipSync(changed).equals(raw)).toBe(true);
      }),
    );
  });
});
