import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { parseParameters } from '../../lib/api/core/parameters.ts';
import { askedQuery, parseQuery, QUERY } from '../../lib/api/routes/query-parameters.ts';
import {
  type EventQuery,
  FILTER_NAMES,
  FILTERS,
  type Filter,
  type FilterName,
  negationOf,
} from '../../lib/contract/query.ts';
import { SealtrailError } from '../../lib/log/error.ts';

const QUERY_PARAMETERS = Object.keys(QUERY);
const parse = (text: string) => parseQuery(new URLSearchParams(text));

describe('a query in a URL', () => {
  it('asks for the newest hundred records where it says nothing', () => {
    expect(parse('')).toEqual({ filters: {}, order: 'newest', limit: 100 });
  });

  it('may combine every filter, period, order, limit and cursor', () => {
    const parameters = new URLSearchParams(
      'order=oldest&limit=7&cursor=abc&from=2026-01-31T23:59:59%2B01:00&to=1800000000000&timeFrom=1&timeTo=2',
    );
    const special: Readonly<Record<string, string>> = {
      ...{ type: 'invoice.paid', severity: 'error', outcome: 'denied', decision: 'require_approval' },
      ...{ actorType: 'agent', where: 'details.amount > 100', text: 'timeout' },
    };
    const words = FILTERS.filter((name) => special[name] === undefined);
    for (const name of FILTERS) {
      parameters.append(name, special[name] ?? `some ${name}`);
      parameters.append(negationOf(name), special[name] ?? `no ${name}`);
    }
    parameters.append('seq', '10..20');
    parameters.append('tz', 'Europe/Berlin');
    expect(parseQuery(parameters)).toEqual({
      filters: {
        ...Object.fromEntries(words.map((name) => [name, [`some ${name}`]])),
        ...Object.fromEntries(words.map((name) => [negationOf(name), [`no ${name}`]])),
        ...Object.fromEntries(Object.entries(special).map(([name, value]) => [name, [value]])),
        ...Object.fromEntries(Object.entries(special).map(([name, value]) => [negationOf(name as Filter), [value]])),
        severity: ['error', 'critical'],
        notSeverity: ['error', 'critical'],
        time: { from: 1, to: 2 },
      },
      seqs: { from: 10, to: 21 },
      order: 'oldest',
      limit: 7,
      cursor: 'abc',
      from: Date.UTC(2026, 0, 31, 22, 59, 59),
      to: 1_800_000_000_000,
    });
    expect([...parameters.keys()].sort()).toEqual([...QUERY_PARAMETERS].sort());
  });

  it('may be typed out in full by users of the client', () => {
    // Required, so that a parameter that the type lacks or has too many does not compile.
    const others: { [Name in Exclude<keyof Required<EventQuery>, FilterName>]: true } = {
      ...{ from: true, to: true, timeFrom: true, timeTo: true, seq: true, tz: true, order: true, limit: true },
    };
    const filters: readonly (keyof EventQuery)[] = FILTER_NAMES;
    expect([...Object.keys(others), ...filters, 'cursor'].sort()).toEqual([...QUERY_PARAMETERS].sort());
  });

  it('takes several values of a filter by repeating it, each once', () => {
    expect(parse('actor=alice&actor=bob,carol&actor=alice').filters).toEqual({ actor: ['alice', 'bob,carol'] });
  });

  it('knows types by their aliases and by groups', () => {
    const types = parse('type=login&type=LOGIN_FAILED&type=auth.*&type=a.b.*&type=auth.login').filters.type;
    expect(types).toEqual(['auth.login', 'auth.login_failed', 'auth.*', 'a.b.*']);
  });

  it('takes severity as the least of it; the lowest one rules nothing out', () => {
    expect(parse('severity=info').filters).toEqual({ severity: ['info', 'warning', 'error', 'critical'] });
    expect(parse('severity=debug').filters).toEqual({});
  });

  it.each([
    ['format=csv', 'format', 'format: is not known; there are type, actor,'],
    [`${'x'.repeat(200)}=1`, `${'x'.repeat(64)}…`, 'is not known'],
    ['limit=0', 'limit', 'limit: must be a whole number from 1 to 1000'],
    ['limit=1001', 'limit', 'limit: must be a whole number from 1 to 1000'],
    ['limit=1e2', 'limit', 'limit: must be a whole number from 1 to 1000'],
    ['limit=', 'limit', 'limit: must be a whole number from 1 to 1000'],
    ['limit=5&limit=6', 'limit', 'limit: may come only once'],
    ['order=random', 'order', 'order: '],
    ['severity=loud', 'severity', 'severity: '],
    ['severity=info&severity=error', 'severity', 'severity: may come only once'],
    ['outcome=maybe', 'outcome', 'outcome: must be one of success, failure, denied, blocked, error'],
    ['decision=', 'decision', 'decision: '],
    ['actorType=robot', 'actorType', 'actorType: '],
    ['actor=', 'actor', 'actor: must not be empty'],
    [`actor=${'a'.repeat(1025)}`, 'actor', 'actor: '],
    [`${'actor=a&'.repeat(51)}`, 'actor', 'actor: may come at most 50 times'],
    [
      'type=Invoice Paid',
      'type',
      'type: must be a type such as auth.login, one of its aliases, or a group such as auth.* or *.denied',
    ],
    ['type=Invoice P*', 'type', 'type: must be a type'],
    ['type=a*b', 'type', 'type: takes * at the beginning or the end of a value, such as *@example.com or doc-*'],
    ['actor=a*b', 'actor', 'actor: takes * at the beginning or the end'],
    ['notActor=a*b', 'notActor', 'notActor: takes * at the beginning or the end'],
    ['outcome=fail*', 'outcome', 'outcome: must be one of success, failure,'],
    ['where=details.amount', 'where', 'where: must be a path, an operator and a value, such as details.amount>100'],
    ['where=detail.amount>1', 'where', 'where: begins with a field of an event, such as details.amount: id, type,'],
    ['where=details.n=a*b', 'where', 'where: takes * at the beginning or the end'],
    ['notWhere=', 'notWhere', 'notWhere: must not be empty'],
    ['seq=20..10', 'seq', 'seq: must be a record number such as 7, or a range with both ends such as 10..20'],
    ['seq=-1', 'seq', 'seq: must be a record number'],
    ['tz=Mars/Olympus', 'tz', 'tz: must be a time zone such as Europe/Berlin, or an offset such as +02:00'],
    [
      'from=last week',
      'from',
      'from: must be a time: 2026-01-31T23:59:59Z, 2026-01-31, "2026-01-31 08:00", 08:00, today, yesterday, now, 2h or 7d',
    ],
    ['from=2026-02-30T00:00:00Z', 'from', 'from: must be a time'],
    ['from=2026-02-30', 'from', 'from: must be a time'],
    ['to=-1', 'to', 'to: must be a time'],
    ['to=1e12', 'to', 'to: must be a time'],
    ['timeFrom=noon', 'timeFrom', 'timeFrom: must be a time: '],
    ['timeTo=1&timeTo=2', 'timeTo', 'timeTo: may come only once'],
    ['timeFrom=2&timeTo=1', 'timeFrom', 'timeFrom: must not be after `timeTo`'],
    ['from=2&to=1', 'from', 'from: must not be after `to`'],
    [`cursor=${'a'.repeat(1101)}`, 'cursor', 'cursor: '],
  ])('is refused, with the field: %s', (text, field, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: 'invalid_parameter', field, message: expect.stringContaining(message) }),
    );
  });

  it('of any text at all is a query or a coded error', () => {
    const name = fc.oneof(fc.constantFrom(...QUERY_PARAMETERS), fc.string());
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('auth.*', 'info', '10', '2026-01-01T00:00:00Z'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 5 }), (pairs) => {
        try {
          const query = parseQuery(new URLSearchParams(pairs));
          expect(query.limit).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(SealtrailError);
          expect(error).toMatchObject({ code: 'invalid_parameter', field: expect.any(String) });
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a period in a URL', () => {
  it('in words is of one moment over all pages, which the cursor keeps', () => {
    const schema = z.strictObject(QUERY);
    const first = askedQuery(parseParameters(schema, new URLSearchParams('from=2h&to=30m')));
    const { from = 0, to = 0 } = first.query;
    expect(to - from).toBe(90 * 60_000);
    const cursor = first.packCursor('abc', false);
    const next = parse(`from=2h&to=30m&cursor=${cursor.replace(/\d+$/, (at) => String(Number(at) - 5000))}`);
    expect(next).toMatchObject({ cursor: 'abc', from: from - 5000, to: to - 5000 });
    expect(parse(`from=2h&to=30m&cursor=${cursor}`)).toMatchObject({ cursor: 'abc', from, to });
    expect(askedQuery(parseParameters(schema, new URLSearchParams('from=5'))).packCursor('abc', false)).toBe('abc');
  });

  it('has cursors that keep whether nothing was found so far', () => {
    const asked = (text: string) => askedQuery(parseParameters(z.strictObject(QUERY), new URLSearchParams(text)));
    expect(asked('').isEmptySoFar).toBe(true);
    for (const period of ['from=2h', 'from=5']) {
      const first = asked(period);
      const [empty, found] = [true, false].map((isEmpty) =>
        asked(`${period}&cursor=${first.packCursor('abc', isEmpty)}`),
      );
      expect(empty).toMatchObject({ isEmptySoFar: true, query: { cursor: 'abc', from: first.query.from } });
      expect(found).toMatchObject({ isEmptySoFar: false, query: { cursor: 'abc', from: first.query.from } });
    }
  });

  it('is of the time zone that is named', () => {
    expect(parse('from=2026-07-01&tz=Europe/Berlin').from).toBe(Date.UTC(2026, 5, 30, 22));
    expect(parse('timeFrom=2026-07-01 08:00&tz=America/New_York').filters.time).toEqual({
      from: Date.UTC(2026, 6, 1, 12),
    });
  });

  it('may be open at either end, and empty', () => {
    const periodOf = (text: string) => {
      const { filters: _, order: __, limit: ___, ...period } = parse(text);
      return period;
    };
    expect(periodOf('')).toEqual({});
    expect(periodOf('from=5')).toEqual({ from: 5 });
    const days = { from: Date.UTC(2026, 0, 31), to: Date.UTC(2026, 1, 1) };
    expect(periodOf('from=2026-01-31&to=2026-02-01')).toEqual(days);
    expect(periodOf('from=5&to=5')).toEqual({ from: 5, to: 5 });
  });
});
