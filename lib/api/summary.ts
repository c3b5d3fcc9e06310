import { SealtrailError } from '../log/error.ts';
import { parsePeriod, rejectUnknown } from '../query/parse.ts';
import { BUCKETS } from '../query/summary.ts';
import { type ApiRequest, type ApiResponse, json } from './http.ts';
import { countIn, trailOf } from './parameters.ts';
import type { ReadServices } from './services.ts';

type Parameters = Readonly<Record<string, string>>;

const MAX_DAYS = 3660;
const DEFAULT_DAYS = 30;
const DAY_MS = 86_400_000;
const MAX_TOP = 10_000;

/** `GET …/summary?from=&to=&bucket=&top=`: exact counts over a period. */
export async function getSummary(
  services: ReadServices,
  request: ApiRequest,
  parameters: Parameters,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  request.principal.demand('read', trail);
  rejectUnknown(request.query, ['from', 'to', 'bucket', 'top']);
  const asked = request.query.get('bucket');
  const bucket = BUCKETS.find((known) => known === asked);
  if (asked !== null && bucket === undefined) throw invalid('bucket', `must be one of ${BUCKETS.join(', ')}`);
  const top = countIn(request.query, 'top');
  if (top !== undefined && (top < 1 || top > MAX_TOP)) throw invalid('top', `must be from 1 to ${MAX_TOP}`);
  const summary = await services.queries.summary(trail, {
    ...parsePeriod(request.query),
    ...(bucket === undefined ? {} : { bucket }),
    ...(top === undefined ? {} : { top }),
  });
  return json(200, { trail, ...summary });
}

/** `GET …/actors/{id}/activity?days=`: what an actor did over the last days. */
export async function getActivity(
  services: ReadServices,
  request: ApiRequest,
  parameters: Parameters,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  request.principal.demand('read', trail);
  rejectUnknown(request.query, ['days']);
  const days = countIn(request.query, 'days') ?? DEFAULT_DAYS;
  if (days < 1 || days > MAX_DAYS) throw invalid('days', `must be from 1 to ${MAX_DAYS}`);
  const { actor = '' } = parameters;
  if (actor === '') throw invalid('actor', 'must not be empty');
  const activity = await services.queries.activity(trail, actor, { from: Date.now() - days * DAY_MS });
  return json(200, { trail, ...activity });
}

const invalid = (field: string, message: string): SealtrailError =>
  new SealtrailError('invalid_parameter', `${field}: ${message}`, { field });
