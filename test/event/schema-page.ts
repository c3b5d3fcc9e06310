import { z } from 'zod';
import { CATALOGUE } from '../../lib/contract/catalogue.ts';
import { MAX_BATCH_EVENTS, MAX_BODY_BYTES, MAX_EVENT_BYTES, MAX_EVENT_DEPTH } from '../../lib/contract/event.ts';
import { auditEventSchema, eventInputSchema } from '../../lib/event/schema.ts';
import { ABOUT, NOUNS, PHRASES } from '../../lib/privacy/key-rules.ts';
import { maskValue } from '../../lib/privacy/mask.ts';
import { SECRET_PATTERNS } from '../../lib/privacy/secret-text.ts';
import { TOKEN_FORMATS } from '../../lib/privacy/token-formats.ts';
import { measure } from '../privacy/corpus.ts';

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

The text is read strictly, so that every later reader understands the sealed record as it was meant (RFC 8259, I-JSON RFC 7493). Refused are bytes that are no UTF-8, keys that come
twice in an object, and lone surrogates (also escaped).

**Numbers that a double does not keep**, those beyond ±(2^53 - 1) in any notation and those whose digits rounding the double does not give back (\`1e-400\`,
\`0.1234567890123456789\`), are kept as text of their digits, and \`converted\` lists where: \`{"SequenceNo": 7353954110769176067}\` becomes \`"7353954110769176067"\`. With
\`"longNumbers": "refuse"\` a trail's policy refuses them. \`0.1\`, \`1.50\` and \`0.10000000000000001\` are doubles. \`-0\` is 0.

**What does not fit** is refused unless the request says \`Prefer: handling=lenient\` (RFC 7240), which is meant for shippers and for data that callers of an application control: then
nothing in a body that is JSON costs an event, and \`converted\` lists what is not as it was sent. Texts that are too long are cut (ids keep a digest, so that different ones stay
different); numbers where a text is due become text; an address loses its port; lone surrogates become U+FFFD; what is nested too deep becomes its JSON as text; of a key that comes
twice the last one counts; what fits nowhere goes to \`details.unfit\`; a type that is none becomes \`custom.event\`; data that makes an event too large becomes a note of its size. A
trail's policy can make that the rule (\`"unfit": "keep"\`) or forbid it (\`"refuse"\`). [ADR 25](adr/0025-data-never-costs-the-record.md) has the reasons. On the command line \`sealtrail append --lenient\` asks for it, and
\`--keep-going\` goes past lines that are not JSON and events that are refused all the same.

Redaction, masking and numbers written out can make an event larger than a record holds: then \`details\` or \`changes\` become such a note in any case.

An \`id\` starts with a letter or digit, holds letters, digits and \`._:~@=+-\`, and is not digits alone. A \`time\` is an RFC 3339 date-time with an offset; a leap second may end a
UTC month. Where \`id\`, \`severity\` or \`outcome\` is left out, the server fills it in: an id of its own, and the type's (below).`;
}

// --------------------------------------------------------------------------------------------------------- privacy

function privacy(): string {
  const list = (words: Iterable<string>): string => [...words].map((word) => `\`${word}\``).join(', ');
  const masked = ['alice@example.com', '203.0.113.7', '2001:db8:85a3::7334', '::ffff:203.0.113.7']
    .map((value) => `\`${value}\` → \`${maskValue(value)}\``)
    .join(', ');
  const { secrets, found, harmless, wrong, recall, precision } = measure();
  const percent = (share: number): string => `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
  const number = (n: number): string => n.toLocaleString('en-US');
  return `## Redaction and masking

Done by the server before an event is sealed, whether or not the client has done it, and configured per trail. What went through once stays as it is.
What is redacted becomes \`[redacted]\`, and \`redacted\` lists where: each place, or what holds them where that would be more than 4,096 characters.
[ADR 20](adr/0020-redaction-by-rules.md) has the reasons.

\`sealtrail redact --try events.ndjson\` shows what would become of events, with \`--config\` and \`--trail\` under the policy of a trail, and sends nothing.
Masked addresses are shown without their tags, which need the log's secret.

Three questions decide, in \`details\` and \`changes\` at any depth, in JSON inside a text, and beside names (\`{"name": "Authorization", "value": …}\`, \`["password", …]\`):

1. **What does the key name?** Its words (\`apiKey\`, \`API-KEY\` and \`api_key\` are one; full-width letters, look-alikes and characters that do not show make no difference) are
   about a secret where they hold one of the nouns below, and not where they end in a word that tells *about* it: \`db_password\` is secret, \`password_changed_at\`,
   \`token_count\` and \`secret_arn\` are not. Struck out first are ${list(PHRASES)}.
2. **Can the value be it?** Booleans, null, words such as \`true\`, \`read\` or \`***\`, dates and durations cannot. Numbers can under
   ${list(NOUNS.digits)}; only text can under ${list(NOUNS.text)}; only text that looks like a credential (no words; or a scheme such as \`Bearer\` and more) under
   ${list(NOUNS.credential)}. In an object under such a key its members are judged one by one, and those that tell about it stay.
3. **Does it look like one, wherever it stands?** In every text of the event, \`actor\`, \`resource\` and \`context\` included: ${list(SECRET_PATTERNS)}. \`assignment\` is a
   secret's name beside its value: \`DB_PASSWORD=x\`, \`--password x\`, \`?access_token=x\`, \`Server=db;Password=x\`, \`Cookie: a=b\`, \`Authorization: Basic x\`, \`curl -u me:x\`, JSON that was cut off.
   \`service_token\` are the tokens of ${TOKEN_FORMATS.map(({ service }) => service).join(', ')}. Card numbers are told by issuer and check digit, also where they are JSON numbers. Of a URL with a
   password only that goes.

Words that tell about a secret: ${list(ABOUT)}.

Measured by \`test/privacy/corpus.test.ts\` on the corpus in \`test/vectors/redaction\`: of ${number(secrets)} secrets in their places ${number(found)} are found (recall ${percent(recall)}); of
${number(harmless)} harmless values, those of GitHub's webhook payloads among them, ${number(wrong)} are redacted (precision ${percent(precision)}).
What it takes, by \`npm run bench -- redaction\` on one shared core of a virtual machine: 5 µs for an everyday event of 450 bytes (of 28 µs that its preparation takes in all), 150 µs for a webhook payload of 10 KB (of 355), 12 µs for an event that is little but secrets: 65 to 100 MB/s of what is harmless.

**E-mail and IP addresses** are masked in \`actor.id\`, \`actor.name\`, \`actor.ip\`, \`resource.id\`, \`resource.name\`, \`description\`, \`details\` and \`changes\`, unless the trail
includes PII: ${masked}. Behind the stars a log puts a tag, keyed by a secret of its own, that tells people
apart who are masked alike: \`a***~k3f9xq2m7abc@example.com\`. Masking is deterministic, so a query for the original finds it. [ADR 29](adr/0029-tags-in-masked-addresses.md) has the reasons.`;
}

// ----------------------------------------------------------------------------------------------------------- types

function types(): string {
  const rows = CATALOGUE.map(({ name, severity, outcome, aliases }) => {
    return `| \`${name}\` | ${name.split('.', 1)} | ${severity} | ${outcome ?? ''} | ${aliases.map((alias) => `\`${alias}\``).join(', ')} |`;
  });
  return `## Types

A type is lower-case and dotted, \`category.name\`. Other names are made so: case does not matter, and where there is no dot the first underscore becomes one (\`USER_ACTION\` is
\`user.action\`). These are known, with the severity and outcome of an event that does not say its own, and by other names, in any case.
Any other name of that form is allowed; its severity is \`info\`.

| type | category | severity | outcome | aliases |
|---|---|---|---|---|
${rows.join('\n')}`;
}
