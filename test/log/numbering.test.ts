import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_RUNS, type NumberedEvent, Numbering } from '../../lib/log/numbering.ts';
import { FIRST_LINK, producerLink, producerMarkOf } from '../../lib/log/producer.ts';
import { refusal } from './refusal.ts';

/** A producer's events, numbered with gaps of its own where it says so; `record` is set on delivery. */
function produce(numbers: readonly number[], prefix = 'e'): Omit<NumberedEvent, 'record'>[] {
  let prev = FIRST_LINK;
  return numbers.map((seq) => {
    const event = { seq, prev, link: producerLink(`${prefix}-${seq}`, { id: 'p', prev, seq }) };
    prev = event.link;
    return event;
  });
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function follow(events: readonly Omit<NumberedEvent, 'record'>[], from = 0): Numbering {
  const numbering = new Numbering();
  for (const [i, event] of events.entries()) numbering.add({ ...event, record: from + i });
  return numbering;
}

const missing = (numbering: Numbering): number[] =>
  numbering.gaps().flatMap(({ first, last }) => upTo(last - first + 1).map((i) => first + i));

describe('the link of an event', () => {
  it('is SHA-256 of the canonical JSON of what is sealed as sent: anybody can compute it', () => {
    // printf '{"id":"01-order","producer":{"id":"shop-1","prev":"0…0","seq":0}}' | sha256sum
    expect(producerLink('01-order', { id: 'shop-1', prev: FIRST_LINK, seq: 0 })).toBe(
      '0349f40d3f3040ff330cad7405254e99b4d7e419c2cca7057a7c535ef231d7b4',
    );
  });

  it('is read from a record with all that belongs to it, or not at all', () => {
    const mark = { id: 'shop-1', prev: FIRST_LINK, seq: 3 };
    expect(producerMarkOf({ type: 'a.b' })).toBeUndefined();
    expect(producerMarkOf({ producer: mark })).toEqual(mark);
    for (const [producer, what] of [
      ['x', /an object/],
      [null, /an object/],
      [{ ...mark, more: 1 }, /members/],
      [{ id: 'shop-1', seq: 3 }, /members/],
      [{ ...mark, id: 'a/b' }, /id is a name/],
      [{ ...mark, id: 'a'.repeat(65) }, /id is a name/],
      [{ ...mark, prev: 'F'.repeat(64) }, /prev/],
      [{ ...mark, seq: -1 }, /seq/],
      [{ ...mark, seq: 1.5 }, /seq/],
    ] as const) {
      expect(refusal(() => producerMarkOf({ producer }))).toMatchObject({
        code: 'malformed_record',
        message: expect.stringMatching(what),
      });
    }
  });
});

describe('the numbers of a producer', () => {
  it('are one run where nothing is missing', () => {
    const numbering = follow(produce(upTo(1000)));
    expect([numbering.gaps(), numbering.conflicts(), numbering.declared()]).toEqual([[], [], 0]);
    expect(numbering.state()).toMatchObject({ received: 1000, runs: [{ first: 0, next: 1000 }] });
  });

  it('show what was taken out, wherever that was but at the end', () => {
    const events = produce(upTo(10));
    const left = events.filter(({ seq }) => ![0, 4, 5, 9].includes(seq));
    expect(follow(left).gaps()).toEqual([
      { first: 0, last: 0, record: 0 },
      { first: 4, last: 5, record: 3 },
    ]);
  });

  it('leave out what the producer says it has left out, also at the start', () => {
    const numbering = follow(produce([3, 4, 9, 10]));
    expect([numbering.gaps(), numbering.declared(), numbering.conflicts()]).toEqual([[], 7, []]);
  });

  it('do not let a loss look like one that the producer declared', () => {
    const events = produce([0, 1, 5, 6]);
    const numbering = follow(events.filter(({ seq }) => seq !== 1));
    expect(missing(numbering)).toEqual([1, 2, 3, 4]);
  });

  it('tell the same event again from another one with its number', () => {
    const events = produce(upTo(20));
    const again = follow([...events.slice(0, 12), ...events.slice(5, 12), ...events.slice(12)]);
    expect([again.conflicts(), again.state().repeated, again.gaps()]).toEqual([[], 7, []]);
    const others = [...events.slice(0, 5), ...produce(upTo(5), 'other').slice(5)];
    const twin = { seq: 5, prev: events[4]?.link ?? '', link: 'f'.repeat(64) };
    expect(follow([...events.slice(0, 6), twin, ...others.slice(6)]).conflicts()).toEqual([{ seq: 5, record: 6 }]);
  });

  it('show two processes that number alike, no matter who is ahead', () => {
    const a = produce(upTo(30));
    const b = [...a.slice(0, 10), ...produceAfter(a[9]?.link ?? '', 10, 20)];
    for (const order of [
      [...a, ...b.slice(10)],
      [...a.slice(0, 12), ...b.slice(10), ...a.slice(12)],
      a.slice(0, 10).concat(a.slice(10).flatMap((event, i) => [event, b[10 + i] ?? []].flat())),
    ]) {
      const found = follow(order).conflicts();
      expect(found.length).toBeGreaterThan(0);
      for (const { seq } of found) expect(seq).toBeGreaterThanOrEqual(9);
    }
  });

  it('do not let anybody fill a gap with something else', () => {
    const events = produce(upTo(6));
    const false3 = { seq: 3, prev: events[2]?.link ?? '', link: 'a'.repeat(64) };
    const numbering = follow([...events.filter(({ seq }) => seq !== 3), false3]);
    expect(numbering.conflicts()).toEqual([{ seq: 3, record: 0 + 3 }]);
  });

  it('in any order, less any of them: exactly what is missing is found, and no conflict', () => {
    const scenario = fc
      .tuple(fc.integer({ min: 1, max: 40 }), fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 40 }))
      .chain(([count, jumps]) => {
        let seq = -1;
        const numbers = upTo(count).map((i) => {
          seq += jumps[i] ?? 1;
          return seq;
        });
        return fc.record({
          numbers: fc.constant(numbers),
          order: fc.shuffledSubarray(upTo(count)),
          cuts: fc.array(fc.nat(count), { maxLength: 3 }),
        });
      });
    fc.assert(
      fc.property(scenario, ({ numbers, order, cuts }) => {
        const events = produce(numbers);
        const delivered = order.flatMap((i) => events[i] ?? []);
        const whole = follow(delivered);
        const sent = new Set(numbers);
        const got = new Set(delivered.map(({ seq }) => seq));
        const lost = numbers.filter((n) => !got.has(n) && n < Math.max(-1, ...got));
        // Numbers that were left out beside a lost event are missing with it: no one is left to say what they were.
        expect(missing(whole).filter((n) => sent.has(n))).toEqual(lost);
        if (lost.length === 0) expect(missing(whole)).toEqual([]);
        expect(whole.conflicts()).toEqual([]);
        // Seen in parts, and stored in between: the same.
        const bounds = [0, ...cuts.map((cut) => Math.min(cut, delivered.length)).sort((a, b) => a - b)];
        const joined = new Numbering();
        for (const [i, from] of bounds.entries()) {
          const part = follow(delivered.slice(from, bounds[i + 1] ?? delivered.length), from);
          joined.join(JSON.parse(JSON.stringify(part.state())));
        }
        expect(joined.gaps().map(({ first, last }) => [first, last])).toEqual(
          whole.gaps().map(({ first, last }) => [first, last]),
        );
        expect([joined.conflicts(), joined.declared()]).toEqual([[], whole.declared()]);
      }),
      { numRuns: 300 },
    );
  });

  it('take no more memory for a producer that loses every other event, and lose no count', () => {
    const events = produce(upTo(1000)).filter(({ seq }) => seq % 2 === 0);
    const numbering = follow(events);
    const { runs, lost } = numbering.state();
    expect(runs.length).toBe(MAX_RUNS);
    expect(lost + missing(numbering).length).toBe(499);
    expect(numbering.conflicts()).toEqual([]);
  });
});

function produceAfter(link: string, from: number, count: number): Omit<NumberedEvent, 'record'>[] {
  let prev = link;
  return upTo(count).map((i) => {
    const seq = from + i;
    const event = { seq, prev, link: producerLink(`twin-${seq}`, { id: 'p', prev, seq }) };
    prev = event.link;
    return event;
  });
}
