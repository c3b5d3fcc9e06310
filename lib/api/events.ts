import { CSV_HEADER, csvRow } from '../event/csv.ts';
import { SealtrailError } from '../log/error.ts';
import { parseQuery, rejectUnknown } from '../query/parse.ts';
import type { Page } from '../query/query.ts';
import { type ApiRequest, type ApiResponse, text } from './http.ts';
import { countOf, trailOf } from './parameters.ts';
import type { Services } from './services.ts';

type Parameters = Readonly<Record<string, string>>;

const FORMATS = ['json', 'ndjson', 'csv'] as const;
type Format = (typeof FORMATS)[number];

/**
 * `GET /v1/trails/{trail}/events`: one page of a query, in JSON (`{records, sources, asOf, more, cursor}`), NDJSON (the record
 * lines) or CSV. In every format `x-as-of`, `x-more`, `x-sources` and `x-next-cursor` say what the JSON says beside the records; where
 * there is more, so does a `link` with `rel="next"`.
 */
export async function queryEvents({ queries }: Services, request: ApiRequest, parameters: Parameters) {
  const trail = trailOf(parameters);
  request.principal.demand('read', trail);
  const format = formatOf(request);
  const page = await queries.page(trail, parseQuery(request.query, ['format']));
  return { status: 200, ...RENDER[format](page), headers: headersOf(request, format, page) };
}

/** A record number as it is written; `007` is not, and so can only be an id. */
const RECORD_NUMBER = /^(?:0|[1-9]\d*)$/;

/**
 * `GET /v1/trails/{trail}/events/{seq or id}`: one record's line. An id that looks like a record number is taken for
 * one; the filter `id` finds it.
 */
export async function getRecord(services: Services, request: ApiRequest, parameters: Parameters): Promise<ApiResponse> {
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
  return text(`${line}\n`, { 'content-type': 'application/json' });
}

/** Producers may give an id twice; the first one is meant. */
async function recordWithId({ queries }: Services, trail: string, id: string): Promise<string | undefined> {
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
  throw new SealtrailError('invalid_parameter', `format: must be one of ${FORMATS.join(', ')}`, { field: 'format' });
}

/** Record lines are JSON already: they go out as they were sealed, byte for byte. */
const RENDER: Readonly<Record<Format, (page: Page) => { readonly body: string }>> = {
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

function headersOf(request: ApiRequest, format: Format, page: Page): Record<string, string> {
  const { sources, asOf, more, cursor } = page;
  const headers = {
    'content-type': CONTENT_TYPES[format],
    'x-as-of': String(asOf),
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
