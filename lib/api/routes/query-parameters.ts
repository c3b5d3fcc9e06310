import * as z from 'zod';
import { defined } from '../../base/defined.ts';
import {
  DEFAULT_LIMIT,
  FILTER_HELP,
  FILTER_NAMES,
  FILTERS,
  type Filter,
  type FilterName,
  MAX_LIMIT,
  type Negation,
  negationOf,
  QUERY_ORDERS,
} from '../../contract/query.ts';
import { SEVERITIES, type Severity } from '../../contract/vocabulary.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Query } from '../../query/query.ts';
import { isRelative, NUMBERS_RULE, numbersIn } from '../../question/moments.ts';
import { severitiesFrom } from '../../question/selection.ts';
import { filterValue, MAX_VALUE_LENGTH, WORDS_OF } from '../../question/values.ts';
import { type Parsed, parseParameters } from '../core/parameters.ts';
import { EVENT_PERIOD, oneOf, PERIOD, periodOf } from './parameters.ts';

/** Maximum values of one filter. */
const MAX_VALUES = 50;
/** Maximum characters of a cursor: enough for the maximum number of trails. */
const MAX_CURSOR_LENGTH = 1100;

/** A value of a filter, read as everywhere. The words of a filter of words are in the API's description too. */
function valueSchema(filter: Filter): z.ZodType<string, string> {
  const words = WORDS_OF[filter];
  if (words !== undefined) return oneOf(words);
  return z
    .string()
    .max(MAX_VALUE_LENGTH)
    .transform((text, context) => {
      try {
        return filterValue(filter, text);
      } catch (error) {
        if (!(error instanceof SealtrailError)) throw error;
        context.addIssue(error.message);
        return z.NEVER;
      }
    });
}

type Repeatable = z.ZodOptional<z.ZodArray<z.ZodType<string, string>>>;
type Severities = z.ZodOptional<z.ZodType<Severity, string>>;
type FilterSchemas = {
  readonly [Name in Filter | Negation]: Name extends 'severity' | 'notSeverity' ? Severities : Repeatable;
};

/** A filter that may be repeated. `severity` occurs once: it means itself and all higher ones. */
function schemaOf(filter: Filter): Repeatable | Severities {
  if (filter === 'severity') return oneOf(SEVERITIES).optional();
  const values = z.array(valueSchema(filter));
  return values.max(MAX_VALUES, `may come at most ${MAX_VALUES} times`).optional();
}

/** The filters of a query, then their contraries. The cast: one by one of every filter there is. */
const SCHEMAS = Object.fromEntries([
  ...FILTERS.map((filter) => [filter, schemaOf(filter).describe(FILTER_HELP[filter])]),
  ...FILTERS.map((filter) => [negationOf(filter), schemaOf(filter).describe(`not: ${FILTER_HELP[filter]}`)]),
]) as FilterSchemas;

/** The parameters that select records in queries, summaries and exports. */
export const SELECTION = {
  ...SCHEMAS,
  ...PERIOD,
  ...EVENT_PERIOD,
  seq: z
    .string()
    .refine((text) => numbersIn(text) !== undefined, NUMBERS_RULE)
    .optional()
    .describe(FILTER_HELP.seq),
};
const selectionSchema = z.strictObject(SELECTION);
/** Parsed parameters of a selection. */
export type Selection = Parsed<typeof selectionSchema>;

/** The parameters of a query: see docs/queries.md. */
export const QUERY = {
  ...SELECTION,
  order: oneOf(QUERY_ORDERS).default('newest').describe('which come first: newest (default) or oldest'),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, `must be a whole number from 1 to ${MAX_LIMIT}`)
    .transform(Number)
    .refine((count) => count >= 1 && count <= MAX_LIMIT, `must be a whole number from 1 to ${MAX_LIMIT}`)
    .default(DEFAULT_LIMIT)
    .describe(`records at most, 1 to ${MAX_LIMIT}; default ${DEFAULT_LIMIT}`),
  cursor: z.string().max(MAX_CURSOR_LENGTH).optional().describe('where to continue: from the previous page'),
};
const querySchema = z.strictObject(QUERY);

/**
 * The filters, periods and numbers from parsed parameters.
 *
 * @param now when it is asked, in Unix milliseconds
 * @throws `invalid_parameter` for a period that ends before it begins
 */
export function selectionOf(
  { from, to, timeFrom, timeTo, tz, seq, ...asked }: Selection,
  now: number,
): Pick<Query, 'filters' | 'from' | 'to' | 'seqs'> {
  const clock = { now, zone: tz };
  const filters: Partial<Record<FilterName, readonly string[]>> = {};
  for (const name of FILTER_NAMES) {
    const values = asked[name];
    if (typeof values === 'string') {
      // The lowest one excludes nothing, and nothing is below it.
      if (name === 'notSeverity' || values !== SEVERITIES[0]) filters[name] = severitiesFrom(values);
    } else if (values !== undefined && values.length > 0) filters[name] = [...new Set(values)];
  }
  const time = periodOf({ from: timeFrom, to: timeTo }, clock, ['timeFrom', 'timeTo']);
  const isTimed = timeFrom !== undefined || timeTo !== undefined;
  const seqs = seq === undefined ? undefined : numbersIn(seq);
  return { filters: isTimed ? { ...filters, time } : filters, ...periodOf({ from, to }, clock), ...defined({ seqs }) };
}

/**
 * The content of a cursor of a query with times such as `2h`: when its first page was requested, in Unix milliseconds. Without it,
 * every page would be of another period. The cursor's own signature covers the period that it stands for.
 */
const ASKED_AT = /^([^.]*)\.(\d{1,15})$/;
/** The content of a cursor if no page before it had a record. It only decides whether an empty last page is explained. */
const EMPTY_SO_FAR = '.e';

/** A query, and how its users get the cursor of the next page. */
export interface AskedQuery {
  readonly query: Query;
  /** True if no page before this one had a record. */
  readonly isEmptySoFar: boolean;
  /** @param isEmpty whether no page up to this one had a record */
  readonly packCursor: (cursor: string, isEmpty: boolean) => string;
}

/** The query from parsed parameters. @throws `invalid_parameter` as {@link selectionOf} */
export function askedQuery({ order, limit, cursor = '', ...selection }: Parsed<typeof querySchema>): AskedQuery {
  const isMarked = cursor.endsWith(EMPTY_SO_FAR);
  const packed = isMarked ? cursor.slice(0, -EMPTY_SO_FAR.length) : cursor;
  const [, bare = packed, at] = ASKED_AT.exec(packed) ?? [];
  const now = at === undefined ? Date.now() : Number(at);
  const { from, to, timeFrom, timeTo } = selection;
  const isMoving = [from, to, timeFrom, timeTo].some((time) => time !== undefined && isRelative(time));
  return {
    query: { ...selectionOf(selection, now), order, limit, ...(bare === '' ? {} : { cursor: bare }) },
    isEmptySoFar: isMarked || cursor === '',
    packCursor: (next, isEmpty) => `${next}${isMoving ? `.${now}` : ''}${isEmpty ? EMPTY_SO_FAR : ''}`,
  };
}

/**
 * Parses a query from the parameters of a URL.
 *
 * @throws `invalid_parameter` with the parameter as field
 *
 * @example
 * parseQuery(new URLSearchParams('actor=alice&type=auth.*&from=2h&limit=20'));
 */
export const parseQuery = (parameters: URLSearchParams): Query =>
  askedQuery(parseParameters(querySchema, parameters)).query;
