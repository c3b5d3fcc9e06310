import { hash } from 'node:crypto';
import * as z from 'zod';
import { defined } from '../../base/defined.ts';
import {
  EXPORT_COMPRESSIONS,
  EXPORT_FORMATS,
  EXPORT_STATES,
  type ExportReply,
  type ExportRequest,
} from '../../contract/exports.ts';
import { type EventPeriods, FILTER_NAMES } from '../../contract/query.ts';
import type { ExportJob, ExportSpec } from '../../export/export-job.ts';
import type { Exports } from '../../export/exports.ts';
import { exportManifestSchema } from '../../export/formats/manifest.ts';
import type { Shape } from '../../json/shape.ts';
import { SealtrailError } from '../../log/error.ts';
import { json } from '../core/http.ts';
import { invalidParameter, parseParameters } from '../core/parameters.ts';
import { route } from '../core/route.ts';
import { idempotencyKey } from './parameters.ts';
import { QUERY, SELECTION, selectionOf } from './query-parameters.ts';
import { count, millis, seq } from './reply-fields.ts';

const filterValue = z.union([z.string(), z.array(z.string())]);
const filterTime = z.union([z.string(), millis]).describe('RFC 3339, a date of UTC or Unix milliseconds.');

/** The body of a request for an export. Filters have the names and forms of a query's parameters. */
const exportRequestSchema = z
  .object({
    format: z.enum(EXPORT_FORMATS),
    compression: z.enum(EXPORT_COMPRESSIONS).default('none').describe('Not of Parquet.').optional(),
    from: filterTime.optional(),
    to: filterTime.optional(),
    timeFrom: filterTime.optional(),
    timeTo: filterTime.optional(),
    tz: z.string().describe('The time zone of times without an offset.').optional(),
    seq: z.union([z.string(), count]).describe('Record numbers: 7, or 10..20 with both ends.').optional(),
  } satisfies Shape<Pick<ExportRequest, 'format' | 'compression' | keyof EventPeriods>>)
  .catchall(filterValue)
  .describe(`Filters by name, with one value or a list of alternatives: ${FILTER_NAMES.join(', ')}.`);

export const exportSchema = z.strictObject({
  id: z.string(),
  trail: z.string(),
  state: z.enum(EXPORT_STATES),
  format: z.enum(EXPORT_FORMATS),
  compression: z.enum(EXPORT_COMPRESSIONS),
  filters: z.record(z.string(), z.array(z.string())),
  from: millis.exactOptional(),
  to: millis.exactOptional(),
  timeFrom: millis.exactOptional(),
  timeTo: millis.exactOptional(),
  seqs: z.strictObject({ from: seq, to: seq }).describe('Record numbers; `to` is exclusive.').exactOptional(),
  requestedBy: z.string(),
  requestedAt: millis,
  expiresAt: millis.describe('When the exported files are removed.'),
  progress: z
    .strictObject({
      records: count.describe('Records written.'),
      at: seq.describe('Records before this one have been examined.'),
      of: count.describe('Records to examine.'),
    })
    .exactOptional(),
  error: z.strictObject({ code: z.string(), message: z.string() }).describe('Why it failed.').exactOptional(),
  manifest: exportManifestSchema.exactOptional(),
  links: z
    .strictObject({
      file: z.string().describe('A URL, or a path on this server; needs no signature of its own.'),
      proof: z.string().describe('A link to the proof file, if there is one.').exactOptional(),
      complete: z.string().describe('A link to the proof that no record is left out, if there is one.').exactOptional(),
      expiresAt: millis.describe('After this, get the export again for new links.'),
    })
    .exactOptional(),
} satisfies Shape<ExportReply>);

/** Services for exports. */
export interface ExportServices {
  readonly exports: Exports;
}

/** 202 with the export, and its URL in `location`; 200 if the same idempotency key requested it before and it is done. */
export const requestExport = route({
  name: 'requestExport',
  method: 'POST',
  path: '/v1/trails/{trail}/exports',
  action: { on: 'path', anyOf: ['export'] },
  recorded: 'access.export',
  summary: 'Export every record that passes every filter, to a file behind a link.',
  headers: z.strictObject({ 'Idempotency-Key': idempotencyKey }),
  body: { schema: exportRequestSchema, maxBytes: 65_536, isTyped: true },
  replies: { 200: exportSchema, 202: exportSchema },
  handler: async (
    { exports }: ExportServices,
    { params: { trail }, headers: { 'Idempotency-Key': key }, body, caller, sent },
  ) => {
    const idempotency = key === undefined ? undefined : { key, requestHash: hash('sha256', sent.body, 'hex') };
    const asker = { name: caller, ...(idempotency && { idempotency }) };
    const job = await exports.request(trail, specOf(body), asker);
    const location = `/v1/trails/${trail}/exports/${job.id}`;
    return json(job.state === 'done' ? 200 : 202, await makeReply(exports, job), { location });
  },
});

export const getExport = route({
  name: 'getExport',
  method: 'GET',
  path: '/v1/trails/{trail}/exports/{export}',
  action: { on: 'path', anyOf: ['export'] },
  recorded: 'access.export',
  summary: 'The progress of an export; once it is done, its manifest and links.',
  params: z.strictObject({ export: z.string().describe('The id of an export.') }),
  replies: { 200: exportSchema },
  handler: async ({ exports }: ExportServices, { params: { trail, export: id } }) => {
    const job = EXPORT_ID.test(id) ? await exports.get(trail, id) : undefined;
    if (job === undefined) {
      throw new SealtrailError('not_found', `trail ${trail} has no such export, or it has expired`);
    }
    const reply = await makeReply(exports, job);
    const isHandedOut = 'links' in reply;
    return { ...json(200, reply), shown: { [trail]: isHandedOut ? (job.manifest?.records ?? 0) : 0 } };
  },
});

const EXPORT_ID = /^[0-9a-f]{32}$/;

async function makeReply(exports: Exports, job: ExportJob): Promise<object> {
  const { lease: _, attempts: __, requestHash: ___, state, filters, ...visible } = job;
  const links = await exports.links(job);
  return {
    ...visible,
    state: exports.isExpired(job) ? 'expired' : state,
    filters,
    ...(links === undefined ? {} : { links }),
  };
}

const selectionSchema = z.strictObject(SELECTION);

/** The requested job. Filters are parsed like the parameters of a query. */
function specOf({ format, compression = 'none', ...selected }: z.infer<typeof exportRequestSchema>): ExportSpec {
  if (format === 'parquet' && compression !== 'none') {
    throw invalidParameter('compression', 'Parquet is compressed already');
  }
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(selected)) {
    if (name in QUERY && !(name in SELECTION)) throw invalidParameter(name, 'is not for exports');
    const values = typeof value === 'object' ? value : [String(value)];
    if (values.length === 0) throw invalidParameter(name, 'must not be empty: leave it out');
    for (const one of values) parameters.append(name, one);
  }
  const { filters, from, to, seqs } = selectionOf(parseParameters(selectionSchema, parameters), Date.now());
  const { time, ...byName } = filters;
  return {
    format,
    compression,
    filters: Object.fromEntries(Object.entries(byName).map(([name, values]) => [name, [...values]])),
    ...defined({ from, to, timeFrom: time?.from, timeTo: time?.to, seqs }),
  };
}
