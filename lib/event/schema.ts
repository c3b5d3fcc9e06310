import { isIP } from 'node:net';
import * as z from 'zod';
import { MAX_TYPE_LENGTH, OUTCOMES, resolveType, SEVERITIES } from '../contract/catalogue.ts';
import { MAX_PRODUCER_ID_LENGTH, PRODUCER_ID, PRODUCER_LINK } from '../log/producer.ts';
import { isMaskedIp } from '../privacy/mask.ts';
import { timeMillis } from './time.ts';

// The members of every object stand in canonical order (RFC 8785 section 3.2.3), which zod keeps: so nothing is left to
// sort when an event is written.

/** What kind of party acts. */
export const ACTOR_TYPES = ['user', 'system', 'admin', 'agent', 'service'] as const;
/** What a policy decided about an action. */
export const DECISIONS = ['allow', 'deny', 'require_approval'] as const;

/** A JSON object, whatever it holds. */
export type JsonObject = Record<string, unknown>;

/** At most this many characters in an event's id. */
export const MAX_ID_LENGTH = 128;
/** An event's id: what fits into a URL path unescaped, and cannot be taken for a sequence number. */
export const EVENT_ID: RegExp = /^(?!\d+$)[A-Za-z0-9][A-Za-z0-9._:~@=+-]*$/;

/** A name or identifier: 1 to `max` UTF-16 code units. */
const word = (max: number, about: string) => z.string().min(1).max(max).describe(about).optional();
/** Text of up to `max` UTF-16 code units. */
const text = (max: number, about: string) => z.string().max(max).describe(about).optional();

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Who acted. */
export const actorSchema = z.strictObject({
  id: z.string().min(1).max(512).describe('Who: a user id, an e-mail address, an ARN. Masked.'),
  ip: z
    .string()
    .max(64)
    .refine((value) => isIP(value) !== 0 || isMaskedIp(value), 'must be an IPv4 or IPv6 address, without port')
    .describe('The IPv4 or IPv6 address it acted from, without port. Masked.')
    .optional(),
  name: text(256, 'A name for people to read. Masked.'),
  type: z.enum(ACTOR_TYPES).describe('What kind of party.').optional(),
  userAgent: text(1024, 'The program it acted with, such as an HTTP User-Agent.'),
});

/** What was acted on. */
export const resourceSchema = z.strictObject({
  id: word(1024, 'Which one. Masked.'),
  name: text(256, 'A name for people to read. Masked.'),
  type: word(128, 'What kind of thing.'),
});

/** Where it belongs: each can be queried. */
export const contextSchema = z.strictObject({
  action: word(256, 'The id of the action that an agent asked for.'),
  agent: word(256, 'The agent that worked on it.'),
  approval: word(256, 'The id of the approval.'),
  correlation: word(256, 'What ties events of several systems together, such as a trace id.'),
  project: word(256, 'The project, repository or workspace.'),
  request: word(256, 'The request that caused it.'),
  session: word(256, 'The session.'),
  tenant: word(256, 'The customer on whose behalf it happened.'),
});

/** What changed. */
export const changesSchema = z.strictObject({
  after: z.unknown().describe('The state after, any JSON. Redacted and masked.').optional(),
  before: z.unknown().describe('The state before, any JSON. Redacted and masked.').optional(),
});

/** Which of its producer's events it is (docs/spec.md, "Numbering by producers"). */
export const producerSchema = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(MAX_PRODUCER_ID_LENGTH)
    .regex(PRODUCER_ID, 'must start with a letter or digit and hold only letters, digits and ._-')
    .describe('Names one run of one producer: a program that starts again takes another.'),
  prev: z
    .string()
    .regex(PRODUCER_LINK, 'must be 64 lower-case hexadecimal digits')
    .describe('The link of the event that it sent before; 64 zeros in the first.'),
  seq: z
    .int()
    .min(0)
    .describe('Counts its events from 0. A number that it left out on purpose is counted, and `prev` passes over it.'),
});

const idSchema = z
  .string()
  .max(MAX_ID_LENGTH)
  .regex(EVENT_ID, 'must start with a letter or digit, hold only letters, digits and ._:~@=+- and not be digits alone')
  .describe('Unique in its trail. Where it is left out, the server makes a UUIDv7.');
const typeSchema = z.string().max(MAX_TYPE_LENGTH);
const severitySchema = z.enum(SEVERITIES).describe('How much it matters. Default by type, else `info`.');

/** The fields that are the same in an event as sent and as stored, by where they stand in canonical order. */
const fromActionToDetails = {
  action: word(256, 'What was done, in the producer’s words.'),
  actor: actorSchema.describe('Who acted.').optional(),
  changes: changesSchema.describe('What changed.').optional(),
  context: contextSchema.describe('Where it belongs.').optional(),
  decision: z.enum(DECISIONS).describe('What a policy decided.').optional(),
  description: text(8192, 'What happened, for people to read. Redacted and masked.'),
  // Not zod's object or record: they copy what they let through, and lose a member `__proto__`.
  details: z
    .unknown()
    .refine(isObject, 'must be a JSON object')
    .meta({ type: 'object', additionalProperties: true })
    .describe('Anything else: a JSON object of any shape. Redacted and masked.')
    .optional(),
};
const producer = producerSchema
  .describe('Which of its producer’s events it is, so that one that is missing is missed. Needs an `id`.')
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
    id: idSchema.optional(),
    outcome,
    producer,
    resource,
    severity: severitySchema.optional(),
    time,
    type: typeSchema
      .refine(
        (value) => resolveType(value) !== undefined,
        'must be lower-case and dotted, such as invoice.paid, or a name from the catalogue (docs/schema.md)',
      )
      .describe('What happened: lower-case dotted `category.name`, or an alias from the catalogue.'),
  })
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
});
/** An event as stored in a record: normalised, redacted and masked. */
export type AuditEvent = z.infer<typeof auditEventSchema>;
