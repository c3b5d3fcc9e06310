import * as z from 'zod';
import { defined } from '../../base/defined.ts';
import { BUCKETS, CLOCKS, MAX_GROUP_FIELDS, type Summary } from '../../contract/summary.ts';
import type { Shape } from '../../json/shape.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Queries } from '../../query/queries.ts';
import { fieldReader } from '../../question/fields.ts';
import { json } from '../core/http.ts';
import { route } from '../core/route.ts';
import { oneOf, wholeNumberBetween } from './parameters.ts';
import { askedQuery, QUERY, SELECTION } from './query-parameters.ts';
import { absence, breakdown, count, masked, millis } from './reply-fields.ts';

export const summarySchema = z.strictObject({
  trail: z.string(),
  from: millis.exactOptional(),
  to: millis.exactOptional(),
  asOf: count,
  total: count,
  by: z.strictObject({
    type: breakdown,
    outcome: breakdown,
    severity: breakdown,
    actor: breakdown,
    resourceType: breakdown,
    tenant: breakdown,
  } satisfies Shape<Summary['by']>),
  histogram: z.strictObject({
    bucket: z.enum(BUCKETS),
    clock: z.enum(CLOCKS).exactOptional(),
    tz: z.string().exactOptional(),
    undated: count.describe('Records without a time of their own, which are in no bucket.').exactOptional(),
    counts: z.array(z.strictObject({ from: millis, count })),
  } satisfies Shape<Summary['histogram']>),
  groups: z
    .strictObject({
      fields: z.array(z.string()),
      rows: z.array(z.strictObject({ values: z.array(z.string().nullable()), count })),
      distinct: count,
      others: count.describe('Records of groups that are not listed.'),
    } satisfies Shape<NonNullable<Summary['groups']>>)
    .describe('Records by the values of the fields of `by`.')
    .exactOptional(),
  masked: z.array(masked).describe('Values that the filters looked for in masked form.').exactOptional(),
  absence: absence.exactOptional(),
  scanned: count.describe('Records that were looked at; absent where the index had the counts.').exactOptional(),
  more: z.boolean().describe('Whether these are the counts of a part: the rest comes with the cursor.').exactOptional(),
  cursor: z.string().exactOptional(),
} satisfies Shape<Summary & { readonly trail: string }>);

/** Services for summaries. */
export interface SummaryServices {
  readonly queries: Pick<Queries, 'summary' | 'absence'>;
}

const MAX_TOP = 10_000;

/** Fields to group by, separated by commas. */
const fields = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .superRefine((names, context) => {
    if (names.length > MAX_GROUP_FIELDS) context.addIssue(`may name at most ${MAX_GROUP_FIELDS} fields`);
    try {
      for (const name of names) fieldReader(name);
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      context.addIssue(error.message);
    }
  })
  .optional()
  .describe(
    'fields to count by, such as hour,tenant: minute, hour, day, week, month, filters, paths such as details.reason',
  );

/** The parameters of a summary besides those that select records. */
export const COUNTING = {
  by: fields,
  bucket: oneOf(BUCKETS).optional().describe('how fine the counts over time are: minute, hour or day'),
  clock: oneOf(CLOCKS)
    .default('received')
    .describe("whose clock counts over time go by: received (the server's, default) or happened (the producer's)"),
  top: wholeNumberBetween(1, MAX_TOP).optional().describe('values of each kind, those with the most records'),
};

export const getSummary = route({
  name: 'getSummary',
  method: 'GET',
  path: '/v1/trails/{trail}/summary',
  action: { on: 'path', anyOf: ['read'] },
  recorded: 'access.summary',
  summary:
    'Exact counts of the records that pass every filter: in all, by dimension, over time and by fields of choice.',
  query: z.strictObject({ ...SELECTION, ...COUNTING, cursor: QUERY.cursor }),
  replies: { 200: summarySchema },
  handler: async (
    { queries }: SummaryServices,
    { params: { trail }, query: { by, bucket, clock, top, ...selection } },
  ) => {
    const { query, packCursor, isEmptySoFar } = askedQuery({ ...selection, order: 'newest', limit: 1 });
    const { order: _, limit: __, ...selected } = query;
    const { cursor, ...summary } = await queries.summary(trail, {
      ...selected,
      ...{ clock, zone: selection.tz ?? 'UTC' },
      ...defined({ by, bucket, top }),
    });
    const isEmpty = isEmptySoFar && summary.total === 0;
    const why = isEmpty && cursor === undefined ? { absence: await queries.absence(trail, query) } : {};
    const next = cursor === undefined ? {} : { cursor: packCursor(cursor, isEmpty) };
    return json(200, { trail, ...summary, ...why, ...next });
  },
});
