import * as z from 'zod';
import { resolveType } from '../../contract/catalogue.ts';
import { DIMENSIONS, type Dimension } from '../../contract/dimensions.ts';
import { DEFAULT_LIMIT, FILTER_HELP, MAX_LIMIT, QUERY_ORDERS } from '../../contract/query.ts';
import { ACTOR_TYPES, DECISIONS, OUTCOMES, SEVERITIES } from '../../contract/vocabulary.ts';
import { severitiesFrom } from '../../query/filter.ts';
import type { Period, Query } from '../../query/query.ts';
import { type Parsed, parseParameters } from '../core/parameters.ts';
import { EVENT_PERIOD, inOrder, oneOf, PERIOD } from './parameters.ts';

/** Maximum values of one filter. */
const MAX_VALUES = 50;
/** Maximum characters of a value: those of an event's longest field. */
const MAX_VALUE_LENGTH = 1024;
/** Maximum characters of a cursor: enough for the maximum number of trails. */
const MAX_CURSOR_LENGTH = 1024;

const TYPE_GROUP = /^[a-z][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)*\.\*$/;

const typeName = z.string().transform((name, context) => {
  const type = TYPE_GROUP.test(name) ? name : resolveType(name)?.name;
  if (type !== undefined) return type;
  context.addIssue('must be a type such as auth.login, one of its aliases, or a group such as auth.*');
  return z.NEVER;
});

const word = z.string().min(1, 'must not be empty').max(MAX_VALUE_LENGTH);

/** A filter that may be repeated; any of its values is enough. */
const anyOf = <Value extends z.ZodType<string, string>>(value: Value, help: string) =>
  z.array(value).max(MAX_VALUES, `may come at most ${MAX_VALUES} times`).optional().describe(help);

/** The filters of a query by dimension. `severity` occurs once: it means itself and all higher ones. */
const FILTERS = {
  type: anyOf(typeName, FILTER_HELP.type),
  actor: anyOf(word, FILTER_HELP.actor),
  actorType: anyOf(oneOf(ACTOR_TYPES), FILTER_HELP.actorType),
  resource: anyOf(word, FILTER_HELP.resource),
  resourceType: anyOf(word, FILTER_HELP.resourceType),
  tenant: anyOf(word, FILTER_HELP.tenant),
  project: anyOf(word, FILTER_HELP.project),
  session: anyOf(word, FILTER_HELP.session),
  request: anyOf(word, FILTER_HELP.request),
  correlation: anyOf(word, FILTER_HELP.correlation),
  agent: anyOf(word, FILTER_HELP.agent),
  action: anyOf(word, FILTER_HELP.action),
  approval: anyOf(word, FILTER_HELP.approval),
  outcome: anyOf(oneOf(OUTCOMES), FILTER_HELP.outcome),
  severity: oneOf(SEVERITIES).optional().describe(FILTER_HELP.severity),
  decision: anyOf(oneOf(DECISIONS), FILTER_HELP.decision),
  submitter: anyOf(word, FILTER_HELP.submitter),
  id: anyOf(word, FILTER_HELP.id),
} satisfies Record<Dimension, z.ZodType>;

/** The parameters that select records in queries and exports. Schemas of them also need {@link PERIODS_IN_ORDER}. */
export const SELECTION = { ...FILTERS, ...PERIOD, ...EVENT_PERIOD };
export const PERIODS_IN_ORDER = [inOrder('from', 'to'), inOrder('timeFrom', 'timeTo')] as const;
const selectionSchema = z.strictObject(SELECTION);

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
const querySchema = z.strictObject(QUERY).check(...PERIODS_IN_ORDER);

/** The filters and the period from parsed parameters. */
export function selectionOf(parameters: Parsed<typeof selectionSchema>): Pick<Query, 'filters' | 'from' | 'to'> {
  const { from, to, timeFrom, timeTo, severity, ...repeated } = parameters;
  const filters: Partial<Record<Dimension, readonly string[]>> = {};
  for (const dimension of DIMENSIONS) {
    const values = dimension === 'severity' ? undefined : repeated[dimension];
    if (values !== undefined && values.length > 0) filters[dimension] = [...new Set(values)];
  }
  // The lowest one excludes nothing.
  if (severity !== undefined && severity !== SEVERITIES[0]) filters.severity = severitiesFrom(severity);
  const time = periodOf(timeFrom, timeTo);
  const isTimed = timeFrom !== undefined || timeTo !== undefined;
  return { filters: isTimed ? { ...filters, time } : filters, ...periodOf(from, to) };
}

const periodOf = (from: number | undefined, to: number | undefined): Period => ({
  ...(from === undefined ? {} : { from }),
  ...(to === undefined ? {} : { to }),
});

/** The query from parsed parameters. */
export function queryOf({ order, limit, cursor, ...selection }: Parsed<typeof querySchema>): Query {
  return { ...selectionOf(selection), order, limit, ...(cursor === undefined ? {} : { cursor }) };
}

/**
 * Parses a query from the parameters of a URL.
 *
 * @throws `invalid_parameter` with the parameter as field
 *
 * @example
 * parseQuery(new URLSearchParams('actor=alice&type=auth.*&from=2026-01-01T00:00:00Z&limit=20'));
 */
export const parseQuery = (parameters: URLSearchParams): Query => queryOf(parseParameters(querySchema, parameters));
