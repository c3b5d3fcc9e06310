import type * as z from 'zod';
import { QUERY_PARAMETERS } from '../query/parse.ts';
import { appendEvents } from './append.ts';
import { listKeys, listTrails, sealTrail } from './deployment.ts';
import { getRecord, queryEvents, queryTrails } from './events.ts';
import { getExport, requestExport } from './exports.ts';
import type { ApiRequest, ApiResponse } from './http.ts';
import * as schemas from './schemas.ts';
import type { Services } from './services.ts';
import { getActivity, getSummary } from './summary.ts';
import { getCheckpoint, getConsistency, getProof } from './tree.ts';
import { getVerifications, verifyTrail } from './verifications.ts';

export type Handler = (
  services: Services,
  request: ApiRequest,
  parameters: Readonly<Record<string, string>>,
) => Promise<ApiResponse>;

/** A route and what the OpenAPI description says of it. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** With `{parameters}`, each of which matches one segment. */
  readonly path: string;
  readonly handler: Handler;
  readonly summary: string;
  /** Query parameters. */
  readonly query?: readonly string[];
  /** Request headers besides those of every request. */
  readonly headers?: readonly string[];
  /** A JSON body that may be sent; the events of an append are described apart. */
  readonly body?: z.ZodType;
  /** Answers that are not problems: a schema for JSON, or the media type of something else. */
  readonly answers: Readonly<Record<number, z.ZodType | string>>;
}

const PERIOD = ['from', 'to'];

/** Every route there is, but for the description of the routes. Their order does not matter. */
export const ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/trails/{trail}/events',
    handler: appendEvents,
    summary: 'Append one event, or up to 1,000 as {"events": [...]}. All are sealed, or none.',
    headers: ['Idempotency-Key', 'Prefer'],
    answers: { 200: schemas.receiptSchema, 201: schemas.receiptSchema, 202: schemas.receiptSchema },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/events',
    handler: queryEvents,
    summary: 'Query: one page of the records that pass every filter.',
    query: [...QUERY_PARAMETERS, 'format'],
    answers: { 200: schemas.pageSchema },
  },
  {
    method: 'GET',
    path: '/v1/events',
    handler: queryTrails,
    summary: 'Query several trails: one page of the records that pass every filter, merged by time.',
    query: ['trail', ...QUERY_PARAMETERS, 'format'],
    answers: { 200: schemas.mergedPageSchema },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/events/{event}',
    handler: getRecord,
    summary: 'One record, by its number or by the id of its event.',
    answers: { 200: schemas.recordSchema },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/events/{seq}/proof',
    handler: getProof,
    summary: 'The proof that a record is in the log (C2SP tlog-proof).',
    answers: { 200: 'text/plain' },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/checkpoint',
    handler: getCheckpoint,
    summary: 'The newest signed checkpoint, or the smallest that covers `size` records.',
    query: ['size'],
    answers: { 200: 'text/plain' },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/consistency',
    handler: getConsistency,
    summary: 'The proof that the checkpoint of size `to` extends the one of size `from`.',
    query: PERIOD,
    answers: { 200: schemas.consistencySchema },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/summary',
    handler: getSummary,
    summary: 'Exact counts over a period: in all, by dimension and over time.',
    query: [...PERIOD, 'bucket', 'top'],
    answers: { 200: schemas.summarySchema },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/actors/{actor}/activity',
    handler: getActivity,
    summary: 'What an actor did over the last `days`.',
    query: ['days'],
    answers: { 200: schemas.activitySchema },
  },
  {
    method: 'POST',
    path: '/v1/trails/{trail}/seals',
    handler: sealTrail,
    summary: 'Archive and seal all that the trail holds now.',
    answers: { 200: schemas.sealSchema },
  },
  {
    method: 'POST',
    path: '/v1/trails/{trail}/verifications',
    handler: verifyTrail,
    summary: 'Verify the ledger against itself and the archive: what is new, or all with {"mode": "full"}.',
    body: schemas.verificationRequestSchema,
    answers: { 200: schemas.verificationSchema },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/verifications',
    handler: getVerifications,
    summary: 'The newest verification, and figures for alarms.',
    answers: { 200: schemas.verificationStatusSchema },
  },
  {
    method: 'POST',
    path: '/v1/trails/{trail}/exports',
    handler: requestExport,
    summary: 'Export every record that passes every filter, to a file that is handed out by link.',
    headers: ['Idempotency-Key'],
    body: schemas.exportRequestSchema,
    answers: { 200: schemas.exportSchema, 202: schemas.exportSchema },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/exports/{export}',
    handler: getExport,
    summary: 'How far an export has come; once it is done, its manifest and links to it.',
    answers: { 200: schemas.exportSchema },
  },
  {
    method: 'GET',
    path: '/v1/trails',
    handler: listTrails,
    summary: 'The trails that the caller may read.',
    answers: { 200: schemas.trailsSchema },
  },
  {
    method: 'GET',
    path: '/v1/keys',
    handler: listKeys,
    summary: 'The public keys that verify checkpoints.',
    query: ['trail'],
    answers: { 200: schemas.keysSchema },
  },
];
