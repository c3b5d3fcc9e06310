import { type EventQuery, FILTER_NAMES, type FilterName, filterOf, QUERY_ORDERS } from '../contract/query.ts';
import { SEVERITIES, type Severity } from '../contract/vocabulary.ts';
import { SealtrailError } from '../log/error.ts';
import { timeOf } from './fields.ts';
import { type Clock, momentIn, NUMBERS_RULE, numbersIn, TIME_RULE } from './moments.ts';
import { filterTest, type RecordTest } from './tests.ts';
import { filterValue } from './values.ts';
import { isTimeZone } from './zones.ts';

/** A severity and all higher ones: the values of a filter by severity. */
export const severitiesFrom = (severity: Severity): readonly Severity[] =>
  SEVERITIES.slice(SEVERITIES.indexOf(severity));

/** A question that was read: which records it is about. */
export interface Selection {
  readonly passes: RecordTest;
  /** Unix milliseconds, by the server's clock. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** True if anything but the period narrows it down. */
  readonly isFiltered: boolean;
}

const TIMES = ['from', 'to', 'timeFrom', 'timeTo'] as const;
const OTHERS: ReadonlySet<string> = new Set([...TIMES, 'seq', 'tz', 'order', 'limit', 'cursor']);

/**
 * Reads a question to records that are kept elsewhere than in a log, with the meaning that it has there.
 *
 * @param masks what records may hold in place of a value: its masked forms
 * @throws `invalid_parameter` with the field
 */
export function selectRecords(
  query: EventQuery,
  now: number,
  masks: (name: FilterName, value: string) => readonly string[],
): Selection {
  for (const name of Object.keys(query)) {
    if (!OTHERS.has(name) && filterOf(name) === undefined) throw invalid(name, 'is not known');
  }
  const { tz, order = 'newest' } = query;
  if (!QUERY_ORDERS.includes(order)) throw invalid('order', `must be one of ${QUERY_ORDERS.join(', ')}`);
  if (tz !== undefined && !isTimeZone(tz)) throw invalid('tz', 'must be a time zone such as Europe/Berlin');
  const times = TIMES.map((name) => momentOf(name, query[name], { now, zone: tz }));
  const [from, to, timeFrom, timeTo] = times;
  assertOrder('from', 'to', from, to);
  assertOrder('timeFrom', 'timeTo', timeFrom, timeTo);
  const seqs = query.seq === undefined ? undefined : numbersIn(String(query.seq));
  if (query.seq !== undefined && seqs === undefined) throw invalid('seq', NUMBERS_RULE);
  const tests = testsOf(query, masks);
  const isIn = (time: number | undefined, first: number | undefined, last: number | undefined): boolean =>
    (first === undefined && last === undefined) ||
    (time !== undefined && time >= (first ?? 0) && time < (last ?? Number.POSITIVE_INFINITY));
  return {
    ...{
      from,
      to,
      isFiltered: tests.length > 0 || seqs !== undefined || timeFrom !== undefined || timeTo !== undefined,
    },
    passes: (record) =>
      (seqs === undefined || (record.seq >= seqs.from && record.seq < seqs.to)) &&
      isIn(record.receivedAt, from, to) &&
      isIn(timeOf(record, 'happened'), timeFrom, timeTo) &&
      tests.every((test) => test(record)),
  };
}

function testsOf(query: EventQuery, masks: (name: FilterName, value: string) => readonly string[]): RecordTest[] {
  return FILTER_NAMES.flatMap((name) => {
    const values = [query[name] ?? []].flat();
    if (values.length === 0) return [];
    try {
      const meant = meantValues(name, values.map(String));
      return [
        filterTest(
          name,
          meant.flatMap((value) => [value, ...masks(name, value)]),
        ),
      ];
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      throw invalid(name, error.message);
    }
  });
}

/** The values that a filter stands for: names of types in their one form, and of severities all that are as high. */
export function meantValues(name: FilterName, values: readonly string[]): readonly string[] {
  const filter = filterOf(name) ?? 'text';
  const read = values.map((value) => filterValue(filter, value));
  const severity = SEVERITIES.find((one) => filter === 'severity' && one === read[0]);
  return severity === undefined ? read : severitiesFrom(severity);
}

function momentOf(name: string, value: string | number | undefined, clock: Clock): number | undefined {
  if (value === undefined) return undefined;
  const moment = momentIn(String(value), clock);
  if (moment === undefined) throw invalid(name, TIME_RULE);
  return moment;
}

function assertOrder(first: string, last: string, from: number | undefined, to: number | undefined): void {
  if (from !== undefined && to !== undefined && from > to) throw invalid(first, `must not be after \`${last}\``);
}

const invalid = (field: string, rule: string): SealtrailError =>
  new SealtrailError('invalid_parameter', `${field}: ${rule}`, { field });
