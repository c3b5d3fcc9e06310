import * as z from 'zod';
import { resolveType } from '../contract/catalogue.ts';
import { DIMENSIONS, type Dimension } from '../contract/dimensions.ts';
import { ACTOR_TYPES, DECISIONS, OUTCOMES, SEVERITIES, type Severity } from '../contract/vocabulary.ts';
import { timeMillis } from '../event/time.ts';
import { SealtrailError } from '../log/error.ts';
import { DEFAULT_LIMIT, type Filters, MAX_LIMIT, type Period, type Query } from './query.ts';

/** Values of one filter, at most. */
const MAX_VALUES = 50;
/** Characters of a value, at most: the longest that an event's field may have. */
const MAX_VALUE_LENGTH = 1024;

/** Characters of a cursor, at most: enough for one of as many trails as may be asked together. */
const MAX_CURSOR_LENGTH = 1024;

const TYPE_GROUP = /^[a-z][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)*\.\*$/;

const typeName = z.string().transform((name, context) => {
  const type = TYPE_GROUP.test(name) ? name : resolveType(name)?.name;
  if (type !== undefined) return type;
  context.addIssue('must be a type such as auth.login, one of its aliases, or a group such as auth.*');
  return z.NEVER;
});

const word = z.string().min(1, 'must not be empty').max(MAX_VALUE_LENGTH);

function oneOf<const Words extends readonly string[]>(words: Words): z.ZodType<Words[number]> {
  return z.enum(words, `must be one of ${words.join(', ')}`);
}

/** What differs from a plain word. */
const VALUES: Partial<Record<Dimension, z.ZodType<string>>> = {
  type: typeName,
  outcome: oneOf(OUTCOMES),
  decision: oneOf(DECISIONS),
  actorType: oneOf(ACTOR_TYPES),
};

/** A day of UTC stands for its first moment. */
const DATE = /^\d{4}-\d{2}-\d{2}$/;

const time = z.string().transform((text, context) => {
  const millis = /^\d{1,15}$/.test(text) ? Number(text) : timeMillis(DATE.test(text) ? `${text}T00:00:00Z` : text);
  if (millis !== undefined) return millis;
  context.addIssue('must be a time such as 2026-01-31T23:59:59Z, a date such as 2026-01-31, or Unix milliseconds');
  return z.NEVER;
});

const limit = z
  .string()
  .regex(/^\d{1,4}$/, `must be a whole number from 1 to ${MAX_LIMIT}`)
  .transform(Number)
  .refine((count) => count >= 1 && count <= MAX_LIMIT, `must be a whole number from 1 to ${MAX_LIMIT}`);

interface Singles {
  from: number;
  to: number;
  timeFrom: number;
  timeTo: number;
  severity: Severity;
  order: Query['order'];
  limit: number;
  cursor: string;
}

/** The parameters that come once. */
const SINGLE: { readonly [Name in keyof Singles]: z.ZodType<Singles[Name]> } = {
  from: time,
  to: time,
  timeFrom: time,
  timeTo: time,
  severity: oneOf(SEVERITIES),
  order: oneOf(['newest', 'oldest']),
  limit,
  cursor: z.string().max(MAX_CURSOR_LENGTH),
};

/** The filters that may come several times. `severity` is another matter: it stands for itself and what is above. */
const REPEATED: readonly Dimension[] = DIMENSIONS.filter((dimension) => dimension !== 'severity');

/** Every query parameter that {@link parseQuery} knows. */
export const QUERY_PARAMETERS: readonly string[] = [...REPEATED, ...Object.keys(SINGLE)];

/**
 * Reads a query from the parameters of a URL: any of the filters (repeat one for several values), `severity` (at
 * least), `from` (inclusive) and `to` (exclusive) by the server's clock and `timeFrom` and `timeTo` by the producer's, as
 * RFC 3339, a date of UTC or Unix milliseconds, `order` (`newest` or `oldest`), `limit` and `cursor`.
 *
 * @param others parameters that the caller reads itself, such as `format`
 * @throws `invalid_parameter` with the parameter as field
 *
 * @example
 * parseQuery(new URLSearchParams('actor=alice&type=auth.*&from=2026-01-01T00:00:00Z&limit=20'));
 */
export function parseQuery(parameters: URLSearchParams, others: readonly string[] = []): Query {
  rejectUnknown(parameters, [...QUERY_PARAMETERS, ...others]);
  const cursor = single(parameters, 'cursor');
  return {
    filters: filtersOf(parameters),
    ...parsePeriod(parameters),
    order: single(parameters, 'order') ?? 'newest',
    limit: single(parameters, 'limit') ?? DEFAULT_LIMIT,
    ...(cursor === undefined ? {} : { cursor }),
  };
}

function filtersOf(parameters: URLSearchParams): Filters {
  const filters: Partial<Record<Dimension, readonly string[]>> = {};
  for (const dimension of REPEATED) {
    const values = parameters.getAll(dimension);
    if (values.length > MAX_VALUES) throw invalid(dimension, `may come at most ${MAX_VALUES} times`);
    const schema = VALUES[dimension] ?? word;
    if (values.length > 0) filters[dimension] = [...new Set(values.map((value) => check(dimension, schema, value)))];
  }
  const severity = single(parameters, 'severity');
  if (severity !== undefined && severity !== SEVERITIES[0]) filters.severity = severitiesFrom(severity);
  const time = periodOf(parameters, 'timeFrom', 'timeTo');
  return time.from === undefined && time.to === undefined ? filters : { ...filters, time };
}

/** A severity and all above it. */
export const severitiesFrom = (severity: Severity): readonly Severity[] =>
  SEVERITIES.slice(SEVERITIES.indexOf(severity));

/** Reads `from` and `to`. @throws `invalid_parameter`, also when `from` is after `to` */
export const parsePeriod = (parameters: URLSearchParams): Period => periodOf(parameters, 'from', 'to');

function periodOf(parameters: URLSearchParams, first: 'from' | 'timeFrom', last: 'to' | 'timeTo'): Period {
  const from = single(parameters, first);
  const to = single(parameters, last);
  if (from !== undefined && to !== undefined && from > to) throw invalid(first, `must not be after \`${last}\``);
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

/** @throws `invalid_parameter` for the first parameter that is not among those known */
export function rejectUnknown(parameters: URLSearchParams, known: readonly string[]): void {
  for (const name of parameters.keys()) {
    if (known.includes(name)) continue;
    throw invalid(
      shown(name),
      known.length === 0 ? 'there are no parameters here' : `is not known; there are ${known.join(', ')}`,
    );
  }
}

function single<Name extends keyof Singles>(parameters: URLSearchParams, name: Name): Singles[Name] | undefined {
  const [value, ...rest] = parameters.getAll(name);
  if (value === undefined) return undefined;
  if (rest.length > 0) throw invalid(name, 'may come only once');
  return check<Singles[Name]>(name, SINGLE[name], value);
}

function check<T>(name: string, schema: z.ZodType<T>, value: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(name, parsed.error.issues[0]?.message ?? 'is not valid');
}

/** Hostile names must not make messages long. */
const shown = (name: string): string => (name.length > 64 ? `${name.slice(0, 64).toWellFormed()}…` : name);

const invalid = (field: string, message: string): SealtrailError =>
  new SealtrailError('invalid_parameter', `${field}: ${message}`, { field });
