import * as z from 'zod';
import type { Activity } from '../../contract/summary.ts';
import { DAY_MS } from '../../contract/time.ts';
import type { Shape } from '../../json/shape.ts';
import type { Queries } from '../../query/queries.ts';
import { literalValue } from '../../question/patterns.ts';
import { json } from '../core/http.ts';
import { route } from '../core/route.ts';
import { wholeNumberBetween } from './parameters.ts';
import { absence, breakdown, count, masked, millis, seq } from './reply-fields.ts';

export const activitySchema = z.strictObject({
  trail: z.string(),
  actor: z.string(),
  from: millis.exactOptional(),
  to: millis.exactOptional(),
  total: count,
  byType: breakdown,
  byOutcome: breakdown,
  last: z.strictObject({ seq, receivedAt: millis, type: z.string() }).exactOptional(),
  masked: masked.describe('How records name the actor; those under `shared` are not counted.').exactOptional(),
  absence: absence.exactOptional(),
} satisfies Shape<Activity & { readonly trail: string }>);

/** Services for activities. */
export interface ActivityServices {
  readonly queries: Pick<Queries, 'activity' | 'absence'>;
}

const DEFAULT_DAYS = 30;
const MAX_DAYS = 3660;

const actor = z.string().min(1, 'must not be empty').describe('The id of an actor.');
const DAYS = {
  days: wholeNumberBetween(1, MAX_DAYS)
    .default(DEFAULT_DAYS)
    .describe(`How many days, 1 to ${MAX_DAYS}; default ${DEFAULT_DAYS}.`),
};

/** For any actor's id: in a path, API Gateway decodes `/`, `?` and `%` before it matches the route. */
export const getActivity = route({
  name: 'getActivity',
  method: 'GET',
  path: '/v1/trails/{trail}/activity',
  action: { on: 'path', anyOf: ['read'] },
  recorded: 'access.activity',
  summary: 'The activity of an actor over the last `days`.',
  query: z.strictObject({ actor, ...DAYS }),
  replies: { 200: activitySchema },
  handler: async ({ queries }: ActivityServices, { params: { trail }, query: { actor, days } }) =>
    readActivity(queries, trail, actor, days),
});

export const getActorActivity = route({
  name: 'getActorActivity',
  method: 'GET',
  path: '/v1/trails/{trail}/actors/{actor}/activity',
  action: { on: 'path', anyOf: ['read'] },
  recorded: 'access.activity',
  summary: 'The activity of an actor over the last `days`; on AWS, only for ids without `/`, `?` and `%`.',
  params: z.strictObject({ actor }),
  query: z.strictObject(DAYS),
  replies: { 200: activitySchema },
  handler: async ({ queries }: ActivityServices, { params: { trail, actor }, query: { days } }) =>
    readActivity(queries, trail, actor, days),
});

async function readActivity(queries: ActivityServices['queries'], trail: string, actor: string, days: number) {
  const from = Date.now() - days * DAY_MS;
  const activity = await queries.activity(trail, actor, { from });
  if (activity.total > 0) return json(200, { trail, ...activity });
  const filters = { actor: [literalValue(actor)] };
  return json(200, { trail, ...activity, absence: await queries.absence(trail, { filters, from }) });
}
