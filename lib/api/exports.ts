import type { ExportJob, ExportSpec } from '../export/export-job.ts';
import type { ExportAsker, Exports } from '../export/exports.ts';
import { fieldPath } from '../json/field-path.ts';
import { readStrictJson } from '../json/strict.ts';
import { SealtrailError } from '../log/error.ts';
import { parseQuery, rejectUnknown } from '../query/parse.ts';
import { idempotencyKeyOf } from './append.ts';
import { type ApiRequest, type ApiResponse, json } from './http.ts';
import { trailOf } from './parameters.ts';
import { exportRequestSchema } from './schemas.ts';

/** What the routes of exports need. */
export interface ExportServices {
  readonly exports: Exports;
}

type Parameters = Readonly<Record<string, string>>;

/**
 * `POST /v1/trails/{trail}/exports`: takes an export to be done. 202 with the export, and its place in `location`; 200 where
 * the same idempotency key asked for it before and it is done.
 */
export async function requestExport(
  services: ExportServices,
  request: ApiRequest,
  parameters: Parameters,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  request.principal.demand('export', trail);
  rejectUnknown(request.query, []);
  const spec = specOf(request);
  const idempotencyKey = idempotencyKeyOf(request);
  const asker: ExportAsker = {
    name: request.principal.name,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
  const { exports } = services;
  const job = await exports.request(trail, spec, asker);
  const location = `/v1/trails/${trail}/exports/${job.id}`;
  return json(job.state === 'done' ? 200 : 202, await answerOf(exports, job), { location });
}

/** `GET /v1/trails/{trail}/exports/{id}`: how far an export has come; once it is done, its manifest and links to it. */
export async function getExport(
  services: ExportServices,
  request: ApiRequest,
  parameters: Parameters,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  request.principal.demand('export', trail);
  rejectUnknown(request.query, []);
  const { export: id = '' } = parameters;
  const { exports } = services;
  const job = EXPORT_ID.test(id) ? await exports.get(trail, id) : undefined;
  if (job === undefined)
    throw new SealtrailError('not_found', `trail ${trail} has no such export, or has forgotten it`);
  const answer = await answerOf(exports, job);
  const isHandedOut = 'links' in answer;
  return { ...json(200, answer), shown: { [trail]: isHandedOut ? (job.manifest?.records ?? 0) : 0 } };
}

const EXPORT_ID = /^[0-9a-f]{32}$/;

async function answerOf(exports: Exports, job: ExportJob): Promise<object> {
  const { lease: _, attempts: __, state, filters, ...told } = job;
  const links = await exports.links(job);
  return {
    ...told,
    state: exports.isExpired(job) ? 'expired' : state,
    filters,
    ...(links === undefined ? {} : { links }),
  };
}

const LIMITS = { depth: 3, unitBytes: 65_536, units: 1, batchKey: 'exports' };
/** Parameters of a query that an export has no use for: it holds all that match, in the order of the log. */
const UNUSED = ['order', 'limit', 'cursor'];

/** What to export: members are named as the parameters of a query are, and read in the same way. */
function specOf({ body, headers }: ApiRequest): ExportSpec {
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new SealtrailError('unsupported_media_type', 'an export is asked for in application/json', {
      field: 'Content-Type',
    });
  }
  const value = readStrictJson(body, LIMITS);
  const parsed = exportRequestSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = fieldPath((issue?.path ?? []).map((step) => (typeof step === 'symbol' ? String(step) : step)));
    throw invalid(field === '' ? 'body' : field, issue?.message ?? 'is not right');
  }
  const { format, compression = 'none', ...rest } = parsed.data;
  if (format === 'parquet' && compression !== 'none') throw invalid('compression', 'Parquet is compressed already');
  const { filters, from, to } = parseQuery(parametersOf(rest));
  const { time, ...byDimension } = filters;
  return {
    format,
    compression,
    filters: Object.fromEntries(Object.entries(byDimension).map(([name, values]) => [name, [...values]])),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(time?.from === undefined ? {} : { timeFrom: time.from }),
    ...(time?.to === undefined ? {} : { timeTo: time.to }),
  };
}

function parametersOf(
  members: Readonly<Record<string, string | number | readonly string[] | undefined>>,
): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(members)) {
    if (UNUSED.includes(name)) throw invalid(name, 'is not for exports');
    const values = typeof value === 'object' ? value : [String(value)];
    if (values.length === 0) throw invalid(name, 'must not be empty: leave it out');
    for (const one of values) parameters.append(name, one);
  }
  return parameters;
}

const invalid = (field: string, message: string): SealtrailError =>
  new SealtrailError('invalid_parameter', `${field}: ${message}`, { field });
