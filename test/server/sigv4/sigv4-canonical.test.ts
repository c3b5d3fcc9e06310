import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalHeader, canonicalPaths, canonicalQueries } from '../../../lib/server/sigv4/sigv4-canonical.ts';

describe('the readings of a path', () => {
  it.each<[path: string, readings: string[]]>([
    ['/v1/trails/orders/events', ['/v1/trails/orders/events']],
    ['/', ['/']],
    ['/a/', ['/a/']],
    // SDKs and curl 8 encode once more, curl 7 signs what it sends.
    ['/actors/a%20b/activity', ['/actors/a%2520b/activity', '/actors/a%20b/activity']],
    // Where a client sends what should have been encoded, as curl does when asked to.
    ['/actors/a@b/activity', ['/actors/a%40b/activity', '/actors/a@b/activity']],
    ['/actors/a@%c3%a9', ['/actors/a%40%25c3%25a9', '/actors/a@%c3%a9', '/actors/a%40%C3%A9']],
    // An encoded percent sign: here both readings could be a path of their own, so only the standard one counts.
    ['/actors/100%25', ['/actors/100%2525']],
    // An encoded slash never becomes one.
    ['/actors/a%2Fb', ['/actors/a%252Fb', '/actors/a%2Fb']],
    ['/actors/a%zz', ['/actors/a%25zz', '/actors/a%zz']],
    ['/a/./b/../c//d', ['/a/c/d', '/a/./b/../c//d']],
  ])('%s', (path, readings) => {
    expect(canonicalPaths(path)).toEqual(readings);
  });

  it('are the same for the path as it means, so that no signature passes for a path that means another', () => {
    const segment = fc.string({ unit: fc.constantFrom(...'ab%25204F/@+~.é'), minLength: 1, maxLength: 8 });
    const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((all) => `/${all.join('/')}`);
    const served = path.filter((one) => !/\/(?:\.{0,2})(?:\/|$)/.test(one) && decodes(one));
    fc.assert(
      fc.property(served, served, (a, b) => {
        const shared = canonicalPaths(a).some((reading) => canonicalPaths(b).includes(reading));
        if (shared) expect(meaning(a)).toEqual(meaning(b));
      }),
      { numRuns: 2_000 },
    );
  });

  it('cover the target: of a standard reading, no other path with that reading means something else', () => {
    const id = fc.string({ unit: fc.constantFrom('a', '%', '2', '5', '0', ' ', '/'), maxLength: 6 });
    fc.assert(
      fc.property(id, (text) => {
        const path = `/actors/${encodeURIComponent(text)}`;
        for (const reading of canonicalPaths(path)) {
          // Anyone who captures the signature may send the reading itself as the path.
          if (canonicalPaths(reading).includes(reading)) expect(meaning(reading)).toEqual(meaning(path));
        }
      }),
    );
  });
});

describe('the readings of a query', () => {
  it.each<[query: string, readings: string[]]>([
    ['', ['']],
    ['limit=1', ['limit=1']],
    ['a=1&b=2', ['a=1&b=2']],
    ['b=2&a=1', ['a=1&b=2', 'b=2&a=1']],
    ['type=b&type=a', ['type=a&type=b', 'type=b&type=a']],
    // By name, then by value; not by the text of the pair, where `-` comes before `=`.
    ['a-=1&a=2', ['a=2&a-=1', 'a-=1&a=2']],
    ['flag', ['flag=', 'flag']],
    ['actor=a@b', ['actor=a%40b', 'actor=a@b']],
    ['actor=a%40b', ['actor=a%40b']],
    ['actor=a+b', ['actor=a%20b', 'actor=a+b']],
    ['actor=%c3%a9', ['actor=%C3%A9', 'actor=%c3%a9']],
    ['a=b=c', ['a=b%3Dc', 'a=b=c']],
    ['b=@&a=1', ['a=1&b=%40', 'b=@&a=1', 'a=1&b=@']],
    ['a=%zz', ['a=%zz']],
    ['&', ['=&=', '&']],
  ])('%s', (query, readings) => {
    expect(canonicalQueries(query)).toEqual(readings);
  });

  it('mean the same as the query, whatever it is', () => {
    const query = fc.string({ unit: fc.constantFrom(...'ab=&%25 40+@;é'), maxLength: 16 });
    fc.assert(
      fc.property(query, (sent) => {
        fc.pre(decodes(sent));
        for (const reading of canonicalQueries(sent)) expect(pairs(reading)).toEqual(pairs(sent));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a signed header', () => {
  it.each<[values: string[], line: string]>([
    [['  a  b\t\tc '], 'x:a b c\n'],
    [['b', 'a', 'b'], 'x:b,a,b\n'],
    [[''], 'x:\n'],
    // 0xA0 is the second byte of à in UTF-8, and no white space.
    [[Buffer.from('à').toString('latin1')], `x:${Buffer.from('à').toString('latin1')}\n`],
  ])('%j', (values, line) => {
    expect(canonicalHeader('x', values)).toBe(line);
  });
});

const decodes = (text: string): boolean => !/%(?![0-9A-Fa-f]{2})/.test(text);

/** What the server makes of a path: its decoded segments, as bytes. */
function meaning(path: string): string[] {
  return path.split('/').map((segment) => {
    return segment.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  });
}

/** What the server makes of a query: its pairs, where the order counts only among the values of one name, and not here. */
function pairs(query: string): string[] {
  const bytes = (text: string) =>
    text.replaceAll('+', ' ').replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const all = query.split('&').map((pair) => {
    const at = pair.indexOf('=');
    return at < 0 ? [bytes(pair), ''] : [bytes(pair.slice(0, at)), bytes(pair.slice(at + 1))];
  });
  return all.map((pair) => JSON.stringify(pair)).sort();
}
