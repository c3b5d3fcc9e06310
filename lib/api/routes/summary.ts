import * as z from 'zod';
import { BUCKETS, type Summary } from '../../contract/summary.ts';
import type { Shape } from '../../json/shape.ts';
import type { Queries } from '../../query/queries.ts';
import { json } from '../core/http.ts';
import { route } from '../core/route.ts';
import { oneOf, PERIOD, periodOf, wholeNumberBetween } from './parameters.ts';
import { breakdown, count, millis } from './reply-fields.ts';

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
    counts: z.array(z.strictObject({ from: millis, count })),
  }),
} satisfies Shape<Summary & { readonly trail: string }>);

/** Services for summaries. */
export interface SummaryServices {
  readonly queries: Pick<Queries, 'summary'>;
}

const MAX_TOP = 10_000;

export const getSummary = route({
  name: 'getSummary',
  method: 'GET',
  path: '/v1/trails/{trail}/summary',
  action: { on: 'path', anyOf: ['read'] },
  recorded: 'access.summary',
  summary: 'Exact counts over a period: in all, by dimension and over time.',
  query: z.strictObject({
    ...PERIOD,
    bucket: oneOf(BUCKETS).optional().describe('how fine the counts over time are: minute, hour or day'),
    top: wholeNumberBetween(1, MAX_TOP).optional().describe('values of each kind, those with the most records'),
  }),
  replies: { 200: summarySchema },
  handler: async ({ queries }: SummaryServices, { params: { trail }, query: { from, to, tz, ...detail } }) => {
    const period = periodOf({ from, to }, { now: Date.now(), zone: tz });
    return json(200, { trail, ...(await queries.summary(trail, { ...period, ...detail })) });
  },
});
