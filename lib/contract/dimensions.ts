import { isObject } from '../log/json.ts';
import type { OpenedRecord } from '../log/record.ts';
import { CONTEXT_FIELDS } from './event.ts';

/** The dimensions that queries can select by, besides time. Every field of an event's context is one. */
export const DIMENSIONS = [
  'type',
  'actor',
  'actorType',
  'ip',
  'userAgent',
  'resource',
  'resourceType',
  ...CONTEXT_FIELDS,
  'outcome',
  'severity',
  'decision',
  'submitter',
  'id',
] as const;

/**
 * The version of {@link dimensionsOf}. Increase it whenever an existing record gets other values than before, so that every
 * index is rebuilt. A new dimension needs no increase, since the list above changes.
 */
export const DIMENSION_RULES = 1;

/** One of {@link DIMENSIONS}. */
export type Dimension = (typeof DIMENSIONS)[number];

/** A dimension and a record's value in it. */
export type DimensionValue = readonly [Dimension, string];

/** The context fields that share their dimension with no other field. */
const OWN_FIELDS = CONTEXT_FIELDS.filter((field) => field !== 'action' && field !== 'agent');

/**
 * Every dimension of a record with its value, for the indexer and for filters. A dimension may occur twice with different
 * values, never with the same one:
 *
 * - `action`: what was done (`event.action`), and the action's own id (`event.context.action`)
 * - `agent`: `event.context.agent`, and `event.actor.id` if the actor is an agent
 *
 * Never throws: fields that are absent or not text are skipped, so this version can still index the records of a later one by
 * the fields that it knows.
 *
 * @example
 * dimensionsOf(parseRecord(line)); // [['id', '0192…'], ['type', 'auth.login'], ['severity', 'info'], ['actor', 'alice'], …]
 */
export function dimensionsOf(record: OpenedRecord): readonly DimensionValue[] {
  const found: DimensionValue[] = [];
  eachDimension(record, (dimension, value) => found.push([dimension, value]));
  return found;
}

/** Calls a function for what {@link dimensionsOf} lists, in that order. */
export function eachDimension(
  { event, submitter }: OpenedRecord,
  visit: (dimension: Dimension, value: string) => void,
): void {
  const actor = part(event.actor);
  const resource = part(event.resource);
  const context = part(event.context);
  const add = (dimension: Dimension, value: unknown): void => {
    if (typeof value === 'string' && value !== '') visit(dimension, value);
  };

  add('id', event.id);
  add('type', event.type);
  add('severity', event.severity);
  add('submitter', submitter);
  add('outcome', event.outcome);
  add('decision', event.decision);
  add('actor', actor.id);
  add('actorType', actor.type);
  add('ip', actor.ip);
  add('userAgent', actor.userAgent);
  add('resource', resource.id);
  add('resourceType', resource.type);
  for (const field of OWN_FIELDS) add(field, context[field]);
  add('action', event.action);
  if (context.action !== event.action) add('action', context.action);
  add('agent', context.agent);
  if (actor.type === 'agent' && actor.id !== context.agent) add('agent', actor.id);
}

const NOTHING: Readonly<Record<string, unknown>> = Object.freeze(Object.create(null));

const part = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : NOTHING);
