import { isIP } from 'node:net';
import { z } from 'zod';
import { MAX_TYPE_LENGTH, OUTCOMES, resolveType, SEVERITIES } from './catalogue.ts';
import { isMaskedIp } from './mask.ts';
import { timeMillis } from './time.ts';

/** What kind of party acts. */
export const ACTOR_TYPES = ['user', 'system', 'admin', 'agent', 'service'] as const;
/** What a policy decided about an action. */
export const DECISIONS = ['allow', 'deny', 'require_approval'] as const;

/** A JSON object, whatever it holds. */
export type JsonObject = Record<string, unknown>;

/** At most this many characters in an event's id. */
export const MAX_ID_LENGTH = 128;
/** An event's id: what fits into a URL path unescaped, and cannot be taken for a sequence number. */
const EVENT_ID = /^(?!\d+$)[A-Za-z0-9][A-Za-z0-9._:~@=+-]*$/;

/** A name or identifier: 1 to `max` UTF-16 code units. */
const word = (max: number, about: string) => z.string().min(1).max(max).describe(about);
/** Text that may be empty. */
const text = (max: number, about: string) => z.string().max(max).describe(about);

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// `unknown` and a check: zod's own object and record schemas copy what they pass, and would lose a key `__proto__`.
const jsonObject = z
  .unknown()
  .refine(isObject, 'must be a JSON object')
  .meta({ type: 'object', additionalProperties: true });

export const actorSchema = z
  .strictObject({
    id: word(
      512,
      'Who acted: a user id, an e-mail address, an ARN. E-mail and IP addresses are masked unless the trail includes PII.',
    ),
    type: z.enum(ACTOR_TYPES).describe('What kind of party acted.').optional(),
    name: text(256, 'A name for people to read. Masked like `id`.').optional(),
    ip: z
      .string()
      .max(64)
      .refine((value) => isIP(value) !== 0 || isMaskedIp(value), 'must be an IPv4 or IPv6 address, without port')
      .describe('The address it acted from, IPv4 or IPv6. Masked unless the trail includes PII.')
      .optional(),
    userAgent: text(1024, 'The program it acted with, such as an HTTP User-Agent.').optional(),
  })
  .describe('Who acted.');

export const resourceSchema = z
  .strictObject({
    type: word(128, 'What kind of thing was acted on.').optional(),
    id: word(1024, 'Which one. Masked like `actor.id`.').optional(),
    name: text(256, 'A name for people to read. Masked like `actor.id`.').optional(),
  })
  .describe('What was acted on.');

export const contextSchema = z
  .strictObject({
    tenant: word(256, 'The customer on whose behalf it happened.').optional(),
    project: word(256, 'The project, repository or workspace.').optional(),
    session: word(256, 'The session.').optional(),
    request: word(256, 'The request that caused it.').optional(),
    correlation: word(256, 'What ties events of several systems together, such as a trace id.').optional(),
    agent: word(256, 'The agent that worked on it.').optional(),
    action: word(256, 'The id of the action that an agent asked for.').optional(),
    approval: word(256, 'The id of the approval.').optional(),
  })
  .describe('Where it belongs. Each field can be queried.');

export const changesSchema = z
  .strictObject({
    before: z.unknown().describe('The state before, any JSON. Redacted and masked.').optional(),
    after: z.unknown().describe('The state after, any JSON. Redacted and masked.').optional(),
  })
  .describe('What changed.');

const typeSchema = z
  .string()
  .min(1)
  .max(MAX_TYPE_LENGTH)
  .refine(
    (value) => resolveType(value) !== undefined,
    'must be lower-case and dotted, such as invoice.paid, or a name of the catalogue (docs/schema.md)',
  );
const idSchema = z
  .string()
  .max(MAX_ID_LENGTH)
  .regex(EVENT_ID, 'must start with a letter or digit, hold only letters, digits and ._:~@=+- and not be digits alone');
const severitySchema = z.enum(SEVERITIES);

/** The fields that are the same in an event as sent and as stored. */
const common = {
  time: z
    .string()
    .refine(
      (value) => timeMillis(value) !== undefined,
      'must be an RFC 3339 time with offset, such as 2026-01-31T23:59:59.123Z',
    )
    .describe(
      'When it happened by the producer’s clock: RFC 3339, kept as given. The server’s own time is the record’s `receivedAt`.',
    )
    .optional(),
  action: word(256, 'What was done, in the producer’s words.').optional(),
  outcome: z.enum(OUTCOMES).describe('How it ended. Default by type, where the type leaves no doubt.').optional(),
  actor: actorSchema.optional(),
  resource: resourceSchema.optional(),
  context: contextSchema.optional(),
  decision: z.enum(DECISIONS).describe('What a policy decided.').optional(),
  changes: changesSchema.optional(),
  description: text(
    8192,
    'What happened, for people to read. Secrets are redacted, e-mail and IP addresses masked.',
  ).optional(),
  details: jsonObject.describe('Anything else: a JSON object of any shape. Redacted and masked.').optional(),
};

/** An event as a producer may send it. */
export const eventInputSchema = z.strictObject({
  id: idSchema.describe('Unique in its trail; a UUIDv7 is made where it is left out.').optional(),
  type: typeSchema.describe('What happened: lower-case dotted `category.name`, or an alias of the catalogue.'),
  severity: severitySchema.describe('How much it matters. Default by type, else `info`.').optional(),
  ...common,
});
/** An event as a producer may send it. */
export type EventInput = z.infer<typeof eventInputSchema>;

/** An event as stored in a record. */
export const auditEventSchema = z.strictObject({
  id: idSchema.describe('Unique in its trail.'),
  type: typeSchema.describe('What happened: lower-case dotted `category.name`.'),
  severity: severitySchema.describe('How much it matters.'),
  ...common,
  redacted: z
    .array(z.string())
    .describe(
      'Where the server redacted something, or found it redacted: sorted paths such as `details.items[0].token`. Set by the server only.',
    )
    .optional(),
});
/** An event as stored in a record: normalised, redacted and masked. */
export type AuditEvent = z.infer<typeof auditEventSchema>;
