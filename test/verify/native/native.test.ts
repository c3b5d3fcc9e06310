import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyScan, scanRecordLine } from '../../../lib/json/scan-canonical.ts';
import { completeRoot } from '../../../lib/log/tile-hash.ts';
import { native, type ScannedPlaces, tileRoot } from '../../../lib/verify/native/native.ts';

/** What WebAssembly says is what JavaScript says, or nothing. */

const ORDERS = Buffer.from('orders');
const lineOf = (event: string, seq = '7'): string =>
  `{"event":${event},"prev":"${'ab'.repeat(32)}","receivedAt":1700000000000,"seq":${seq},"submitter":"sub","trail":"orders","v":1}`;

function scanned(text: Buffer, from = 0): { lines: ScannedPlaces[]; end: number } {
  const lines: ScannedPlaces[] = [];
  const end = native?.scan(text, from, ORDERS, (line) => lines.push({ ...line })) ?? -1;
  return { lines, end };
}

/** What the scanner in JavaScript says of the same bytes. */
function said(text: Buffer, { at, end }: ScannedPlaces): object | undefined {
  const into = emptyScan();
  if (!scanRecordLine(text, at, end, into)) return undefined;
  const { idAt, idEnd, producerAt, producerEnd, trailAt, trailEnd, ...rest } = into;
  if (text.toString('utf8', trailAt, trailEnd) !== 'orders') return undefined;
  return {
    ...rest,
    idAt,
    producerAt,
    ...(idAt < 0 ? {} : { idEnd }),
    ...(producerAt < 0 ? {} : { producerEnd }),
  };
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\ue000', '\u{10000}', '\ud7ff', '"', '\\', '\n', '\u0001', '\u007f', 'é', 'a') }),
);
const json = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.integer().map((n) => n / 1000),
    fc.constantFrom(true, false, null, 0, 1e21, 1e-6, 1e-7, 0.5, -0.25, 123456789012345680000, 5e-324),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.oneof(text, fc.constantFrom('id', 'producer', 'type')), tie('value'), { maxKeys: 6 }),
})).object;
const canonicalEvent = json
  .filter((value) => JSON.stringify(value).isWellFormed() && !/\\ud[89a-f]/.test(JSON.stringify(value)))
  .map((value) => canonicalize(value) ?? '');
const edit = fc.record({
  where: fc.nat(),
  cut: fc.nat(3),
  put: fc.constantFrom(
    ...['', '', ' ', '"', '\\', '0', '1', '-', '.', 'e', ',', ':', '{', '}', '[', ']', 'a', '\t', '\u0000', '/'],
    ...['\\u001f', '\\n', '\\/', 'é', 'null', '"a":1,', '1.0', '0.50', '-0', '1e5', 'orders', '\\ud83d\\ude00'],
  ),
});

describe('lines that are scanned in WebAssembly', () => {
  test('are taken where they are usual, with every place', () => {
    const event = '{"actor":{"id":"al\\"ice é"},"details":{"a":[1,-2,0.5,true,null]},"id":"e-1","type":"action.x"}';
    const all = Buffer.from(`skipped\n${lineOf(event)}\n${lineOf('{}', '8')}\nthe rest`);
    const { lines, end } = scanned(all, 8);
    expect(lines.map(({ isTaken, seq }) => [isTaken, seq])).toEqual([
      [true, 7],
      [true, 8],
    ]);
    expect(all.toString('utf8', end)).toBe('the rest');
    const [first, second] = lines;
    expect(all.toString('utf8', first?.idAt, first?.idEnd)).toBe('"e-1"');
    expect(all.toString('utf8', first?.submitterAt, first?.submitterEnd)).toBe('sub');
    expect(all.toString('utf8', first?.typeAt).startsWith('"action.x"')).toBe(true);
    expect([second?.idAt, second?.producerAt, second?.typeAt]).toEqual([-1, -1, -1]);
  });

  test('are never taken where JavaScript does not, and have the same places, after any small edit', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(canonicalEvent, edit), { minLength: 1, maxLength: 4 }), (events) => {
        const edited = events.map(([event, { where, cut, put }]) => {
          const line = lineOf(event);
          const at = where % (line.length + 1);
          return put === '' ? line : line.slice(0, at) + put + line.slice(at + cut);
        });
        const all = Buffer.from(`${edited.join('\n')}\n`);
        const { lines } = scanned(all);
        expect(lines.map(({ at, end }) => all.toString('utf8', at, end))).toEqual(
          all.toString().split('\n').slice(0, -1),
        );
        for (const line of lines) {
          const { isTaken, at: _, end: __, typeAt: ___, idEnd, producerEnd, ...places } = line;
          if (!isTaken) continue;
          const ends = { ...(line.idAt < 0 ? {} : { idEnd }), ...(line.producerAt < 0 ? {} : { producerEnd }) };
          expect({ ...places, ...ends }).toEqual(said(all, line));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('of any bytes at all are cut at their line feeds, and none of them is taken', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        const all = Buffer.from(bytes);
        const { lines, end } = scanned(all);
        expect(lines.every(({ isTaken }) => !isTaken)).toBe(true);
        expect(end).toBe(all.lastIndexOf(10) + 1);
        expect(lines).toHaveLength(all.filter((byte) => byte === 10).length);
      }),
    );
  });

  test('of another trail, or with one byte too many, are left to the other scanner', () => {
    const good = lineOf('{}');
    for (const bad of [good.replace('orders', 'order'), good.replace('orders', 'orders2'), `${good} `, good.slice(1)]) {
      expect(scanned(Buffer.from(`${bad}\n`)).lines[0]?.isTaken).toBe(false);
    }
  });

  test('are found in more text, and in more of them, than memory holds at once', () => {
    const line = lineOf(`{"note":"${'x'.repeat(3000)}"}`);
    const many = Buffer.from(`${line}\n`.repeat(1500) + '\n'.repeat(3000));
    const { lines, end } = scanned(many);
    expect([lines.length, lines.filter(({ isTaken }) => isTaken).length, end]).toEqual([4500, 1500, many.length]);
  });
});

describe('the root of a tile', () => {
  test.each([1, 2, 4, 8, 16, 128, 256])('of %i hashes is the one that node:crypto gives', (width) => {
    const row = Buffer.concat(Array.from({ length: width }, (_, n) => hash('sha256', `${width} ${n}`, 'buffer')));
    expect(tileRoot(row).toString('hex')).toBe(completeRoot(Buffer.from(row)).toString('hex'));
  });
});
