import { isIP } from 'node:net';
import * as z from 'zod';
import { MAX_TYPE_LENGTH, resolveType } from '../contract/catalogue.ts';
import {
  ACTOR_TEXTS,
  type Actor,
  type Changes,
  CONTEXT_TEXT,
  EVENT_ID,
  EVENT_ID_RULE,
  EVENT_TEXTS,
  type EventContext,
  MAX_ID_LENGTH,
  PRODUCER_ID_TEXT,
  RESOURCE_TEXTS,
  type Resource,
  type SentEvent,
  type StoredEvent,
  type TextLimits,
  TYPE_RULE,
} from '../contract/event.ts';
import { timeMillis } from '../contract/time.ts';
import { ACTOR_TYPES, DECISIONS, OUTCOMES, SEVERITIES } from '../contract/vocabulary.ts';
import type { Shape } from '../json/shape.ts';
import { isObject } from '../log/json.ts';
import { PRODUCER_ID, PRODUCER_LINK, type ProducerMark } from '../log/producer.ts';
import { isMaskedIp } from '../privacy/mask.ts';

// The members of every object stand in canonical order (RFC 8785 section 3.2.3). Zod keeps it, so nothing is left to sort
// when an event is written.

/** Text within limits of the contract. */
const text = ({ min, max }: TextLimits, about: string) => {
  const bounded = z.string().max(max);
  return (min > 0 ? bounded.min(min) : bounded).describe(about);
};

/** Who acted. */
const actorSchema = z.strictObject({
  id: text(ACTOR_TEXTS.id, 'Who: a user id, an e-mail address, an ARN. Masked.'),
  ip: text(ACTOR_TEXTS.ip, 'The IPv4 or IPv6 address it acted from, without port. Masked.')
    .refine((value) => isIP(value) !== 0 || isMaskedIp(value), 'must be an IPv4 or IPv6 address, without port')
    .optional(),
  name: text(ACTOR_TEXTS.name, 'A name for people to read. Masked.').optional(),
  type: z.enum(ACTOR_TYPES).describe('What kind of party.').optional(),
  userAgent: text(ACTOR_TEXTS.userAgent, 'The program it acted with, such as an HTTP User-Agent.').optional(),
} satisfies Shape<Actor>);

/** The object acted on. */
const resourceSchema = z.strictObject({
  id: text(RESOURCE_TEXTS.id, 'Which one. Masked.').optional(),
  name: text(RESOURCE_TEXTS.name, 'A name for people to read. Masked.').optional(),
  type: text(RESOURCE_TEXTS.type, 'What kind of thing.').optional(),
} satisfies Shape<Resource>);

/** Where it belongs: each can be queried. */
const contextSchema = z.strictObject({
  action: text(CONTEXT_TEXT, 'The id of the action that an agent asked for.').optional(),
  agent: text(CONTEXT_TEXT, 'The agent that worked on it.').optional(),
  approval: text(CONTEXT_TEXT, 'The id of the approval.').optional(),
  correlation: text(CONTEXT_TEXT, 'What ties events of several systems together, such as a trace id.').optional(),
  project: text(CONTEXT_TEXT, 'The project, repository or workspace.').optional(),
  request: text(CONTEXT_TEXT, 'The request that caused it.').optional(),
  session: text(CONTEXT_TEXT, 'The session.').optional(),
  tenant: text(CONTEXT_TEXT, 'The customer on whose behalf it happened.').optional(),
} satisfies Shape<EventContext>);

/** State before and after a change. */
const changesSchema = z.strictObject({
  after: z.unknown().describe('The state after, any JSON. Redacted and masked.').optional(),
  before: z.unknown().describe('The state before, any JSON. Redacted and masked.').optional(),
} satisfies Shape<Changes>);

/** The event's place among those of its producer (docs/spec.md, "Numbering by producers"). */
const producerSchema = z.strictObject({
  id: text(PRODUCER_ID_TEXT, 'Names one run of one producer: a program that starts again takes another.').regex(
    PRODUCER_ID,
    'must start with a letter or digit and hold only letters, digits and ._-',
  ),
  prev: z
    .string()
    .regex(PRODUCER_LINK, 'must be 64 lower-case hexadecimal digits')
    .describe('The link of the event that it sent before; 64 zeros in the first.'),
  seq: z
    .int()
    .min(0)
    .describe('Counts its events from 0. A number that it left out on purpose is counted, and `prev` passes over it.'),
} satisfies Shape<ProducerMark>);

const idSchema = z
  .string()
  .max(MAX_ID_LENGTH)
  .regex(EVENT_ID, EVENT_ID_RULE)
  .describe(
    'Names the event: give each its own. Not refused where the trail has it already; a lookup by id gives the first record and says `x-more: true`. Where it is left out, the server makes one: a UUIDv7, or a UUIDv8 that follows from the `Idempotency-Key` and the body.',
  );
const typeSchema = z.string().max(MAX_TYPE_LENGTH);
const severitySchema = z.enum(SEVERITIES).describe('How much it matters. Default by type, else `info`.');

/** The fields that are the same in an event as sent and as stored, in canonical order. */
const fromActionToDetails = {
  action: text(EVENT_TEXTS.action, 'What was done, in the producer’s words.').optional(),
  actor: actorSchema.describe('Who acted.').optional(),
  changes: changesSchema.describe('What changed.').optional(),
  context: contextSchema.describe('Where it belongs.').optional(),
  decision: z.enum(DECISIONS).describe('What a policy decided.').optional(),
  description: text(EVENT_TEXTS.description, 'What happened, for people to read. Redacted and masked.').optional(),
  // Not zod's object or record: they copy what they accept, and lose a member `__proto__`.
  details: z
    .unknown()
    .refine(isObject, 'must be a JSON object')
    .meta({ type: 'object', additionalProperties: true })
    .describe('Anything else: a JSON object of any shape. Redacted and masked.')
    .optional(),
};
const producer = producerSchema
  .describe('The event’s place among those of its producer, so that a missing event is detected. Needs an `id`.')
  .optional();
const converted = z
  .array(z.string())
  .describe(
    'Where a value is not as it was given, such as a number kept as text: sorted paths, from the producer and from the log.',
  )
  .optional();
const outcome = z.enum(OUTCOMES).describe('How it ended. Default by type, where the type leaves no doubt.').optional();
const resource = resourceSchema.describe('What was acted on.').optional();
const time = z
  .string()
  .refine((value) => timeMillis(value) !== undefined, 'must be an RFC 3339 time, such as 2026-01-31T23:59:59.123Z')
  .describe(
    'When it happened by the producer’s clock: RFC 3339, kept as given. The record’s `receivedAt` is the server’s.',
  )
  .optional();

/** An event as a producer may send it. Unknown fields are refused outside `details` and `changes`. */
export const eventInputSchema = z
  .strictObject({
    ...fromActionToDetails,
    converted,
    id: idSchema.optional(),
    outcome,
    producer,
    resource,
    severity: severitySchema.optional(),
    time,
    type: typeSchema
      .refine((value) => resolveType(value) !== undefined, TYPE_RULE)
      .describe('What happened: lower-case dotted `category.name`, or an alias from the catalogue.'),
  } satisfies Shape<SentEvent>)
  .refine(({ id, producer }) => id !== undefined || producer === undefined, {
    path: ['id'],
    error: 'is missing: the event is numbered, and the next one names it by its id',
  });
/** An event as a producer may send it. */
export type EventInput = z.infer<typeof eventInputSchema>;

/** An event as stored in a record: normalised, redacted and masked. */
export const auditEventSchema = z.strictObject({
  ...fromActionToDetails,
  id: idSchema,
  outcome,
  producer,
  converted,
  redacted: z
    .array(z.string())
    .describe('Where something was redacted: sorted paths such as `details.items[0].token`. Set by the server only.')
    .optional(),
  resource,
  severity: severitySchema,
  time,
  type: typeSchema
    .refine((value) => resolveType(value)?.name === value, 'must be lower-case and dotted, and no alias')
    .describe('What happened: lower-case dotted `category.name`.'),
} satisfies Shape<StoredEvent>);
/** An event as stored in a record: normalised, redacted and masked. */
export type AuditEvent = z.infer<typeof auditEventSchema>;
