import { CSV_HEADER, csvRow } from '../export/formats/csv.ts';
import { SealtrailError } from '../log/error.ts';
import { MAX_TRAILS, type MergedPage } from '../query/merged.ts';
import { parseQuery, rejectUnknown } from '../query/parse.ts';
import type { Page } from '../query/query.ts';
import { type ApiRequest, type ApiResponse, text } from './http.ts';
import { countOf, trailOf } from './parameters.ts';
import type { ReadServices } from './services.ts';

type Parameters = Readonly<Record<string, string>>;

const FORMATS = ['json', 'ndjson', 'csv'] as const;
type Format = (typeof FORMATS)[number];

/**
 * `GET /v1/trails/{trail}/events`: one page of a query, in JSON (`{records, sources, asOf, more, cursor}`), NDJSON (the record
 * lines) or CSV. In every format `x-as-of`, `x-more`, `x-sources` and `x-next-cursor` say what the JSON says beside the records; where
 * there is more, so does a `link` with `rel="next"`.
 */
export async function queryEvents({ queries }: ReadServices, request: ApiRequest, parameters: Parameters) {
  const trail = trailOf(parameters);
  request.principal.demand('read', trail);
  const format = formatOf(request);
  const page = await queries.page(trail, parseQuery(request.query, ['format']));
  const shown = { [trail]: page.matches.length };
  return { status: 200, ...RENDER[format](page), headers: headersOf(request, format, page), shown };
}

/**
 * `GET /v1/events?trail=a&trail=b`: one page of the records of several trails, merged by the time at which they were
 * received; otherwise as a query of one trail. `asOf` has a size for each trail.
 */
export async function queryTrails({ queries }: ReadServices, request: ApiRequest) {
  const trails = [...new Set(request.query.getAll('trail'))];
  if (trails.length === 0) throw invalid('trail', 'is missing: name one or more');
  if (trails.length > MAX_TRAILS) throw invalid('trail', `may name at most ${MAX_TRAILS} trails`);
  for (const trail of trails) trailOf({ trail });
  // Not which of them: that is for those to know who may read it.
  if (!trails.every((trail) => request.principal.may('read', trail))) {
    throw new SealtrailError('forbidden', 'not allowed: read on these trails');
  }
  const format = formatOf(request);
  const page = await queries.pageOf(trails, parseQuery(request.query, ['format', 'trail']));
  const shown = Object.fromEntries(trails.map((trail) => [trail, 0]));
  for (const { trail } of page.matches) shown[trail] = (shown[trail] ?? 0) + 1;
  return { status: 200, ...RENDER[format](page), headers: headersOf(request, format, page), shown };
}

/** A record number as it is written; `007` is not, and so can only be an id. */
const RECORD_NUMBER = /^(?:0|[1-9]\d*)$/;

/**
 * `GET /v1/trails/{trail}/events/{seq or id}`: one record's line. An id that looks like a record number is taken for
 * one; the filter `id` finds it.
 */
export async function getRecord(
  services: ReadServices,
  request: ApiRequest,
  parameters: Parameters,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  request.principal.demand('read', trail);
  rejectUnknown(request.query, []);
  const { event = '' } = parameters;
  const isNumber = RECORD_NUMBER.test(event);
  const line = isNumber
    ? await services.ledger.record(trail, countOf(event, 'seq'))
    : await recordWithId(services, trail, event);
  if (line === undefined) {
    throw new SealtrailError('not_found', `trail ${trail} has no record ${isNumber ? event : 'with this id'}`);
  }
  return { ...text(`${line}\n`, { 'content-type': 'application/json' }), shown: { [trail]: 1 } };
}

/** Producers may give an id twice; the first one is meant. */
async function recordWithId({ queries }: ReadServices, trail: string, id: string): Promise<string | undefined> {
  let cursor: string | undefined;
  for (;;) {
    const query = { filters: { id: [id] }, order: 'oldest', limit: 1 } as const;
    const page = await queries.page(trail, cursor === undefined ? query : { ...query, cursor });
    const [match] = page.matches;
    if (match !== undefined || !page.more) return match?.line;
    cursor = page.cursor;
  }
}

function formatOf({ query }: ApiRequest): Format {
  const [asked = 'json', ...rest] = query.getAll('format');
  const format = FORMATS.find((known) => known === asked);
  if (format !== undefined && rest.length === 0) return format;
  throw invalid('format', `must be one of ${FORMATS.join(', ')}`);
}

const invalid = (field: string, message: string): SealtrailError =>
  new SealtrailError('invalid_parameter', `${field}: ${message}`, { field });

/** Record lines are JSON already: they go out as they were sealed, byte for byte. */
const RENDER: Readonly<Record<Format, (page: Page | MergedPage) => { readonly body: string }>> = {
  json: ({ matches, sources, asOf, more, cursor }) => {
    const rest = JSON.stringify({ sources, asOf, more, ...(cursor === undefined ? {} : { cursor }) });
    return { body: `{"records":[${matches.map(({ line }) => line).join(',')}],${rest.slice(1)}\n` };
  },
  ndjson: ({ matches }) => ({ body: matches.map(({ line }) => `${line}\n`).join('') }),
  csv: ({ matches }) => ({ body: CSV_HEADER + matches.map(({ line }) => csvRow(line)).join('') }),
};

const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8; header=present',
};

function headersOf(request: ApiRequest, format: Format, page: Page | MergedPage): Record<string, string> {
  const { sources, asOf, more, cursor } = page;
  const sizes = typeof asOf === 'number' ? [asOf] : Object.entries(asOf).map((one) => one.join('='));
  const headers = {
    'content-type': CONTENT_TYPES[format],
    'x-as-of': sizes.join(', '),
    'x-more': String(more),
    'x-sources': `hot=${sources.hot}, archive=${sources.archive}`,
  };
  if (cursor === undefined) return headers;
  // With the oldest first there is a cursor even at the end, for those who follow the trail.
  if (!more) return { ...headers, 'x-next-cursor': cursor };
  const next = new URLSearchParams(request.query);
  next.set('cursor', cursor);
  // RFC 8288: the same question, from there on.
  return { ...headers, 'x-next-cursor': cursor, link: `<${request.path}?${next}>; rel="next"` };
}
