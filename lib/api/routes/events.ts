import { hash } from 'node:crypto';
import * as z from 'zod';
import { defined } from '../../base/defined.ts';
import { unicodeEscape } from '../../base/escape.ts';
import { MAX_BATCH_EVENTS } from '../../contract/event.ts';
import { type Absence, MAX_TRAILS, QUERY_FORMATS, type QueryFormat, type QueryPage } from '../../contract/query.ts';
import type { Receipt } from '../../contract/receipt.ts';
import { isLenient } from '../../event/intake.ts';
import { type Prepare, prepareHere } from '../../event/preparation.ts';
import { auditEventSchema } from '../../event/schema.ts';
import { parseOrThrow } from '../../json/parse-or-throw.ts';
import type { Shape } from '../../json/shape.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { SealtrailError } from '../../log/error.ts';
import { identityOf } from '../../log/identity.ts';
import type { SealedRecord } from '../../log/record.ts';
import { RECORD_VERSIONS } from '../../log/record-format.ts';
import type { PrivacyPolicy } from '../../privacy/policy.ts';
import type { MergedPage } from '../../query/merged.ts';
import type { Queries } from '../../query/queries.ts';
import type { Page } from '../../query/query.ts';
import { CSV_HEADER, csvRow } from '../../question/csv.ts';
import { type ApiResponse, json, text } from '../core/http.ts';
import { invalidParameter } from '../core/parameters.ts';
import { route, type Sent } from '../core/route.ts';
import { idempotencyKey, oneOf, wholeNumber } from './parameters.ts';
import { type AskedQuery, askedQuery, QUERY } from './query-parameters.ts';
import { absence, answerProof, count, hash64, hex, masked, millis, note, seq } from './reply-fields.ts';

export const recordSchema = z.strictObject({
  event: auditEventSchema,
  prev: hex.describe('Leaf hash of the previous record; 64 zeros for the first.'),
  receivedAt: millis,
  seq,
  submitter: z.string(),
  trail: z.string(),
  v: z.literal(RECORD_VERSIONS),
} satisfies Shape<SealedRecord>);

export const receiptSchema = z.strictObject({
  trail: z.string(),
  first: seq,
  count: z.int().min(1),
  receivedAt: millis,
  events: z.array(z.strictObject({ seq, id: z.string(), hash: hex.describe('The leaf hash.') })),
  replayed: z.boolean().describe('Whether the idempotency key had been used before.'),
  sealed: z.boolean().describe('Whether a checkpoint already covers the events.'),
  checkpoint: note.exactOptional(),
  proof: z.array(hash64).describe('Range proof of the events in the checkpoint: see docs/spec.md.').exactOptional(),
  lines: z.array(z.string()).describe('The record lines, with `Prefer: return=representation`.').exactOptional(),
} satisfies Shape<Receipt>);

export const pageSchema = z.strictObject({
  records: z.array(recordSchema),
  sources: z
    .strictObject({ hot: count, archive: count })
    .describe('The number of records from the hot store, and from the archive.'),
  scanned: count.describe(
    'Records that were looked at: more than the page has where the index does not carry a filter.',
  ),
  asOf: count.describe('The size of the trail that the response reflects.'),
  more: z.boolean().describe('Whether to continue with the cursor. A short page may not be the last.'),
  masked: z.array(masked).describe('Values that the filters looked for in masked form.').exactOptional(),
  absence: absence.exactOptional(),
  cursor: z.string().exactOptional(),
  proof: answerProof.exactOptional(),
} satisfies Shape<QueryPage>);

export const mergedPageSchema = pageSchema.omit({ proof: true }).extend({
  asOf: z.record(z.string(), count).describe('The size of each trail that the response reflects.'),
});

/** Services for appends. */
export interface AppendServices {
  readonly ledger: Pick<Ledger, 'append'>;
  readonly policyOf: (trail: string) => PrivacyPolicy | Promise<PrivacyPolicy>;
  /** @default in this thread */
  readonly prepare?: Prepare;
}

/** 201 for a new append, 200 for a repeated one, 202 for one that no checkpoint covers yet. */
export const appendEvents = route({
  name: 'appendEvents',
  method: 'POST',
  path: '/v1/trails/{trail}/events',
  action: { on: 'path', anyOf: ['append'] },
  recorded: false,
  summary:
    'Append one event, or up to 1,000 as {"events": [...]}. All are sealed, or none. With the content types of CloudEvents 1.0, one CloudEvent or an array of them.',
  headers: z.strictObject({
    'Idempotency-Key': idempotencyKey,
    Prefer: z
      .string()
      .default('')
      .describe(
        '`respond-async`: do not wait for the checkpoint. `return=representation`: add the record lines. ' +
          '`handling=lenient`: convert members that do not fit, and list them in `converted`, instead of refusing the events (RFC 7240).',
      ),
  }),
  body: { described: eventsBody() },
  replies: { 200: receiptSchema, 201: receiptSchema, 202: receiptSchema },
  handler: async (
    { ledger, policyOf, prepare = prepareHere }: AppendServices,
    { params: { trail }, headers: { 'Idempotency-Key': key, Prefer }, caller, sent },
  ) => {
    const preferences = preferencesOf(Prefer);
    const policy = await policyOf(trail);
    const handling = preferences.has('handling=lenient') ? 'lenient' : 'strict';
    const idempotency = key === undefined ? undefined : { key, bodyHash: hash('sha256', sent.body, 'hex') };
    const repeatable = idempotency && { trail, identity: identityOf(caller), ...idempotency };
    const contentType = sent.headers['content-type'];
    const receipt = await ledger.append({
      trail,
      submitter: caller,
      events: await prepare({ trail, body: sent.body, contentType, handling, repeatable }, policy),
      wait: !preferences.has('respond-async'),
      ...(idempotency && { idempotency }),
    });
    const { lines: _, ...brief } = receipt;
    const isApplied: Readonly<Record<string, boolean>> = {
      'respond-async': true,
      'return=representation': true,
      'handling=lenient': isLenient(policy, handling),
    };
    const applied = [...preferences].filter((one) => isApplied[one]);
    const reply = preferences.has('return=representation') ? receipt : brief;
    return json(receipt.sealed ? (receipt.replayed ? 200 : 201) : 202, reply, {
      location: `/v1/trails/${trail}/events/${receipt.first}`,
      ...(applied.length === 0 ? {} : { 'preference-applied': applied.join(', ') }), // RFC 7240 section 3
    });
  },
});

/** The JSON Schema of a body that the intake parses. */
function eventsBody(): object {
  const event = { $ref: '#/components/schemas/Event' };
  const events = { type: 'array', minItems: 1, maxItems: MAX_BATCH_EVENTS, items: event };
  return {
    oneOf: [event, { type: 'object', required: ['events'], additionalProperties: false, properties: { events } }],
  };
}

/** RFC 7240 section 2: preferences separated by commas; unknown ones are ignored. */
function preferencesOf(header: string): ReadonlySet<string> {
  return new Set(
    header.split(',').map((one) =>
      one
        .trim()
        .toLowerCase()
        .replace(/\s*=\s*"?([^"]*)"?$/, '=$1'),
    ),
  );
}

const MEDIA_TYPES = ['application/x-ndjson', 'text/csv'];
const format = oneOf(QUERY_FORMATS).default('json').describe('json (default), ndjson or csv');

const proofParameter = oneOf(['1'])
  .optional()
  .describe('1: add the proof that the page leaves nothing out of what a checkpoint covers, to check offline.');

/** Services for queries. */
export interface QueryServices {
  readonly queries: Pick<Queries, 'page' | 'readPage' | 'provenPage' | 'absence'>;
}

/**
 * One page, in JSON (`{records, sources, scanned, asOf, more, cursor}`), NDJSON (the record lines) or CSV. In every format
 * `x-as-of`, `x-more`, `x-scanned`, `x-sources`, `x-masked`, `x-absence` and `x-next-cursor` repeat what the JSON says beside the records. If there is more, there is a `link`
 * with `rel="next"`.
 */
export const queryEvents = route({
  name: 'queryEvents',
  method: 'GET',
  path: '/v1/trails/{trail}/events',
  action: { on: 'path', anyOf: ['read'] },
  recorded: 'access.query',
  summary: 'Query: one page of the records that pass every filter.',
  query: z.strictObject({ ...QUERY, format, proof: proofParameter }),
  replies: { 200: pageSchema },
  formats: MEDIA_TYPES,
  handler: async ({ queries }: QueryServices, { params: { trail }, query: { format, proof, ...query }, sent }) => {
    const asked = askedQuery(query);
    if (proof !== undefined && format !== 'json') throw invalidParameter('proof', 'goes with format=json only');
    const found = await (proof === undefined
      ? queries.page(trail, asked.query)
      : queries.provenPage(trail, asked.query));
    const page = await explained(queries, [trail], asked, found);
    return pageResponse(sent, format, page, { [trail]: page.matches.length });
  },
});

/** Like {@link queryEvents}, but `asOf` has a size for each trail. */
export const queryTrails = route({
  name: 'queryTrails',
  method: 'GET',
  path: '/v1/events',
  action: { on: 'query', anyOf: ['read'] },
  recorded: 'access.query',
  summary: 'Query several trails: one page of the records that pass every filter, merged by time.',
  query: z.strictObject({
    trail: z
      .array(z.string())
      .min(1, 'is missing: name one or more')
      .refine((trails) => new Set(trails).size <= MAX_TRAILS, `may name at most ${MAX_TRAILS} trails`)
      .describe('The name of a trail; repeat for each of the trails.'),
    ...QUERY,
    format,
  }),
  replies: { 200: mergedPageSchema },
  formats: MEDIA_TYPES,
  handler: async ({ queries }: QueryServices, { query: { trail: named, format, ...query }, sent }) => {
    const trails = [...new Set(named)];
    const asked = askedQuery(query);
    const page = await explained(queries, trails, asked, await queries.readPage(trails, asked.query));
    const shown = Object.fromEntries(trails.map((trail) => [trail, 0]));
    for (const { trail } of page.matches) shown[trail] = (shown[trail] ?? 0) + 1;
    return pageResponse(sent, format, page, shown);
  },
});

/** Services for finding a record. */
export interface RecordServices {
  readonly ledger: Pick<Ledger, 'record'>;
  readonly queries: Pick<Queries, 'page'>;
}

/** A record number in canonical form; `007` is not, so it can only be an id. */
const RECORD_NUMBER = /^(?:0|[1-9]\d*)$/;

/**
 * Ids of events by which no record is returned: a `*` in an IAM pattern matches `/` too, so a grant of
 * `GET /v1/trails/payments-*\/consistency` also covers `GET /v1/trails/payments-x/events/consistency`, of a caller who
 * may not read. Such a record is found by its number, or by the filter `id`.
 */
export const SHADOWED_IDS: ReadonlySet<string> = new Set([
  'checkpoint',
  'consistency',
  'legal-hold',
  'proof',
  'receipt',
  'verifications',
  'witnessed',
]);

/**
 * The line of a record. An id that looks like a record number is read as one; use the filter `id` instead. `x-more: true`: other
 * records have the id as well, since producers may use one more than once; the filter `id` finds all.
 */
export const getRecord = route({
  name: 'getRecord',
  method: 'GET',
  path: '/v1/trails/{trail}/events/{event}',
  action: { on: 'path', anyOf: ['read'] },
  recorded: 'access.record',
  summary: 'One record, by its number or by the id of its event.',
  params: z.strictObject({ event: z.string().describe('A record number or the id of an event.') }),
  replies: { 200: recordSchema },
  handler: async (services: RecordServices, { params: { trail, event } }) => {
    if (SHADOWED_IDS.has(event)) {
      const message = `event: a record with the id ${event} is found by its number, or by the filter id`;
      throw new SealtrailError('invalid_parameter', message, { field: 'event' });
    }
    const isNumber = RECORD_NUMBER.test(event);
    const [line, another] = isNumber
      ? [
          await services.ledger.record(
            trail,
            parseOrThrow(wholeNumber, event, 'invalid_parameter', () => ['seq']),
          ),
        ]
      : await recordsWithId(services, trail, event);
    if (line === undefined) {
      throw new SealtrailError('not_found', `trail ${trail} has no record ${isNumber ? event : 'with this id'}`);
    }
    const more = another === undefined ? {} : { 'x-more': 'true' };
    return { ...text(`${line}\n`, { 'content-type': 'application/json', ...more }), shown: { [trail]: 1 } };
  },
});

/** The first two records with the id, which producers may use more than once. */
async function recordsWithId({ queries }: RecordServices, trail: string, id: string): Promise<readonly string[]> {
  const lines: string[] = [];
  let cursor: string | undefined;
  for (;;) {
    const query = { filters: { id: [id] }, order: 'oldest', limit: 2 } as const;
    const page = await queries.page(trail, cursor === undefined ? query : { ...query, cursor });
    lines.push(...page.matches.map(({ line }) => line));
    if (lines.length > 1 || !page.more) return lines;
    cursor = page.cursor;
  }
}

type ShownPage = (Page | MergedPage) & { readonly absence?: readonly Absence[] };

/** The page as its users get it: with the cursor of their times, and why it is empty where nothing was found at all. */
async function explained<P extends Page | MergedPage>(
  queries: QueryServices['queries'],
  trails: readonly string[],
  { query, packCursor, isEmptySoFar }: AskedQuery,
  page: P,
): Promise<P & { readonly absence?: readonly Absence[] }> {
  const isEmpty = isEmptySoFar && page.matches.length === 0;
  // Oldest first there is a cursor at the end, too, to wait with: it is explained once that nothing is there yet.
  const packed = page.cursor === undefined ? page : { ...page, cursor: packCursor(page.cursor, isEmpty && page.more) };
  if (!isEmpty || page.more) return packed;
  const reasons = await Promise.all(trails.map((trail) => queries.absence(trail, query)));
  return { ...packed, absence: reasons.flat() };
}

function pageResponse(
  sent: Sent,
  format: QueryFormat,
  page: ShownPage,
  shown: Readonly<Record<string, number>>,
): ApiResponse {
  return { status: 200, headers: headersOf(sent, format, page), body: RENDER[format](page), shown };
}

/** Maximum characters of `x-masked`, and of `x-absence`: gateways and clients take 8,000 to 16,000 of all headers together. */
const MAX_HEADER = 3000;

/** JSON in ASCII (RFC 9110 section 5.5), of as many values as there is room for. */
function listHeader(values: readonly object[]): string {
  const json = JSON.stringify(values);
  const ascii = json.replace(/[^ -~]/g, unicodeEscape);
  return ascii.length <= MAX_HEADER ? ascii : listHeader(values.slice(0, Math.floor(values.length / 2)));
}

/** Record lines are JSON already, so they are sent byte for byte. */
const RENDER: Readonly<Record<QueryFormat, (page: ShownPage) => string>> = {
  json: ({ matches, sources, scanned, asOf, more, cursor, masked, absence, ...page }) => {
    const proof = 'proof' in page ? page.proof : undefined;
    const rest = JSON.stringify({ sources, scanned, asOf, more, ...defined({ cursor, masked, absence, proof }) });
    return `{"records":[${matches.map(({ line }) => line).join(',')}],${rest.slice(1)}\n`;
  },
  ndjson: ({ matches }) => matches.map(({ line }) => `${line}\n`).join(''),
  csv: ({ matches }) => CSV_HEADER + matches.map(({ line }) => csvRow(line)).join(''),
};

const CONTENT_TYPES: Readonly<Record<QueryFormat, string>> = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8; header=present',
};

function headersOf(sent: Sent, format: QueryFormat, page: ShownPage): Record<string, string> {
  const { sources, scanned, asOf, more, cursor, masked, absence } = page;
  const sizes = typeof asOf === 'number' ? [asOf] : Object.entries(asOf).map((one) => one.join('='));
  const headers = {
    'content-type': CONTENT_TYPES[format],
    'x-as-of': sizes.join(', '),
    'x-more': String(more),
    'x-scanned': String(scanned),
    'x-sources': `hot=${sources.hot}, archive=${sources.archive}`,
    ...(masked === undefined ? {} : { 'x-masked': listHeader(masked) }),
    ...(absence === undefined ? {} : { 'x-absence': listHeader(absence) }),
  };
  if (cursor === undefined) return headers;
  // Oldest first, there is a cursor even at the end, for following the trail.
  if (!more) return { ...headers, 'x-next-cursor': cursor };
  const next = new URLSearchParams(sent.query);
  next.set('cursor', cursor);
  // RFC 8288: the same query, from there on.
  return { ...headers, 'x-next-cursor': cursor, link: `<${sent.path}?${next}>; rel="next"` };
}
