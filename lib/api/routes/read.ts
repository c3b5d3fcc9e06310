import { QUERY_PARAMETERS } from '../../query/parse.ts';
import { listKeys, listTrails } from '../deployment.ts';
import { getRecord, queryEvents, queryTrails } from '../events.ts';
import type { Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import type { ReadServices } from '../services.ts';
import { getActivity, getSummary } from '../summary.ts';
import { getCheckpoint, getConsistency, getProof } from '../tree.ts';
import { type WatchedServices, watched } from '../watched.ts';

const PERIOD = ['from', 'to'];
const FORMATS = ['application/x-ndjson', 'text/csv'];

/** What answers from records and proofs, and changes nothing. */
export const READ_ROUTES: readonly Route<ReadServices & WatchedServices>[] = [
  {
    method: 'GET',
    path: '/v1/trails/{trail}/events',
    handler: watched('access.query', queryEvents),
    summary: 'Query: one page of the records that pass every filter.',
    query: [...QUERY_PARAMETERS, 'format'],
    answers: { 200: schemas.pageSchema },
    formats: FORMATS,
  },
  {
    method: 'GET',
    path: '/v1/events',
    handler: watched('access.query', queryTrails),
    summary: 'Query several trails: one page of the records that pass every filter, merged by time.',
    query: ['trail', ...QUERY_PARAMETERS, 'format'],
    answers: { 200: schemas.mergedPageSchema },
    formats: FORMATS,
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/events/{event}',
    handler: watched('access.record', getRecord),
    summary: 'One record, by its number or by the id of its event.',
    answers: { 200: schemas.recordSchema },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/events/{seq}/proof',
    handler: watched('access.proof', getProof),
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
    handler: watched('access.summary', getSummary),
    summary: 'Exact counts over a period: in all, by dimension and over time.',
    query: [...PERIOD, 'bucket', 'top'],
    answers: { 200: schemas.summarySchema },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/actors/{actor}/activity',
    handler: watched('access.activity', getActivity),
    summary: 'What an actor did over the last `days`.',
    query: ['days'],
    answers: { 200: schemas.activitySchema },
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
