import { z } from 'zod';
import { CATALOGUE } from '../../lib/contract/catalogue.ts';
import { MAX_BATCH_EVENTS, MAX_BODY_BYTES, MAX_EVENT_BYTES, MAX_EVENT_DEPTH } from '../../lib/event/intake.ts';
import { auditEventSchema, eventInputSchema } from '../../lib/event/schema.ts';
import { maskValue } from '../../lib/privacy/mask.ts';
import { DEFAULT_KEEP_KEYS, DEFAULT_REDACT_KEYS } from '../../lib/privacy/secret-keys.ts';
import { SECRET_PATTERNS } from '../../lib/privacy/secret-text.ts';

/** docs/schema.md, made from the code that validates, redacts and masks. */
export function schemaPage(): string {
  return `${[intro(), fields(), limits(), privacy(), types()].join('\n\n')}\n`;
}

function intro(): string {
  return `# Events: fields, types and limits

<!-- Made from lib/event by test/event/schema-page.test.ts; \`npx vitest run test/event/schema-page.test.ts -u\` writes it anew. -->

An event is a JSON object. Its \`type\` is all it must have:

\`\`\`json
{"type": "auth.login", "actor": {"id": "alice@example.com", "type": "user", "ip": "203.0.113.7"}, "outcome": "success"}
\`\`\`

Unknown fields are refused, so that a slip of the pen is noticed at once; free data belongs in \`details\` and \`changes\`.`;
}

// ---------------------------------------------------------------------------------------------------------- fields

/** The part of JSON Schema that zod makes of ours. */
interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
}

function fields(): string {
  // The two types of JSON Schema differ in what they leave open, not in what is read here.
  const sent = z.toJSONSchema(eventInputSchema, { io: 'input' }) as Schema;
  const stored = z.toJSONSchema(auditEventSchema, { io: 'input' }) as Schema;
  const rows = fieldRows(stored, sent, '');
  return `## Fields\n\n| field | holds | sent | about |\n|---|---|---|---|\n${rows.join('\n')}`;
}

function fieldRows(stored: Schema, sent: Schema | undefined, path: string): string[] {
  return Object.entries(stored.properties ?? {}).flatMap(([name, field]) => {
    const isNested = field.properties !== undefined;
    const asSent = sent?.properties?.[name];
    const need = asSent === undefined ? 'never' : sent?.required?.includes(name) ? 'always' : 'if known';
    const about = (asSent ?? field).description ?? '';
    const row = `| \`${path}${name}\` | ${isNested ? 'object' : holds(field)} | ${need} | ${about} |`;
    return isNested ? [row, ...fieldRows(field, asSent, `${path}${name}.`)] : [row];
  });
}

function holds(field: Schema): string {
  if (field.enum !== undefined) return field.enum.map((value) => `\`${value}\``).join(', ');
  if (field.type === undefined) return 'any JSON';
  if (field.type === 'string' && field.maxLength !== undefined) {
    return `text, ${field.minLength === undefined ? 'up to' : `${field.minLength} to`} ${field.maxLength} characters`;
  }
  return field.type === 'string' ? 'text' : field.type;
}

function limits(): string {
  const number = (n: number): string => n.toLocaleString('en-US');
  return `## What is taken

\`POST\` one event, or \`{"events": [...]}\` with up to ${number(MAX_BATCH_EVENTS)} of them, as \`application/json\`; up to ${number(MAX_BODY_BYTES)} bytes in a request,
${number(MAX_EVENT_BYTES)} bytes and ${MAX_EVENT_DEPTH} levels of objects and arrays in an event. Either all events of a request are taken, or none, and the answer names the first
that is not in order, such as \`events[3].actor.id\`.

The text is read strictly, so that what is sealed is what was meant, whoever reads it later (RFC 8259, I-JSON RFC 7493). Refused are bytes that are no UTF-8, keys that come
twice in an object, lone surrogates (also escaped), and numbers that a double does not keep: those beyond ±(2^53 - 1) in any notation, and those whose digits rounding the
double does not give back (\`1e-400\`, \`0.1234567890123456789\`). \`0.1\`, \`1.50\` and \`0.10000000000000001\` are fine; send identifiers of 64 bits as text. \`-0\` is 0.

An \`id\` starts with a letter or digit, holds letters, digits and \`._:~@=+-\`, and is not digits alone. A \`time\` is an RFC 3339 date-time with an offset; a leap second may end a
UTC month. Where \`id\`, \`severity\` or \`outcome\` is left out, the server fills it in: a UUIDv7, and the type's own (below).`;
}

// --------------------------------------------------------------------------------------------------------- privacy

function privacy(): string {
  const list = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');
  const masked = ['alice@example.com', '203.0.113.7', '2001:db8:85a3::7334', '::ffff:203.0.113.7']
    .map((value) => `\`${value}\` → \`${maskValue(value)}\``)
    .join(', ');
  return `## Redaction and masking

Done by the server before an event is sealed, whether or not the client has done it, and configured per trail. What went through once stays as it is.

- **Keys.** In \`details\` and \`changes\`, at any depth, the value under a secret key becomes \`[redacted]\` (unless it is null), and \`redacted\` lists where. Secret are
  ${list(DEFAULT_REDACT_KEYS)}. Keys are split into words (\`apiKey\`, \`API-KEY\` and \`api_key\` are one); a pattern of 6 letters or more counts anywhere in a key, a shorter
  one as a word or at the end of a word: \`authToken\` and \`access_token\` are secret, \`author\` and \`tokens_used\` are not. Under a plural such as \`tokens\`, text and lists are
  redacted, counts are kept. Kept are ${list(DEFAULT_KEEP_KEYS)}.
- **Text.** In \`description\`, \`details\` and \`changes\`: ${list(SECRET_PATTERNS)}, card numbers by their issuer and check digit, also where they are JSON numbers.
- **E-mail and IP addresses** are masked in \`actor.id\`, \`actor.name\`, \`actor.ip\`, \`resource.id\`, \`resource.name\`, \`description\`, \`details\` and \`changes\`, unless the trail
  includes PII: ${masked}. Masking is deterministic, so a query for the original finds it, together with others that mask alike.`;
}

// ----------------------------------------------------------------------------------------------------------- types

function types(): string {
  const rows = CATALOGUE.map(({ name, severity, outcome, aliases }) => {
    return `| \`${name}\` | ${name.split('.', 1)} | ${severity} | ${outcome ?? ''} | ${aliases.map((alias) => `\`${alias}\``).join(', ')} |`;
  });
  return `## Types

A type is lower-case and dotted, \`category.name\`. These are known, with the severity and outcome of an event that does not say its own, and by other names, in any case.
Any other name of that form is allowed; its severity is \`info\`.

| type | category | severity | outcome | aliases |
|---|---|---|---|---|
${rows.join('\n')}`;
}
