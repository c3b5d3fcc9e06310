import { isIP } from 'node:net';
import * as z from 'zod';
import { type EventFilters, FILTER_NAMES } from '../contract/query.ts';
import { matchesTrail, TRAIL_PATTERN, TRAIL_PATTERN_RULE } from '../contract/trail-pattern.ts';
import { SealtrailError } from '../log/error.ts';
import { isRelative, momentIn } from '../question/moments.ts';
import { selectRecords } from '../question/selection.ts';

/** The form in which a destination gets records. */
export const FORWARD_FORMATS = ['record', 'ocsf', 'ecs', 'cef'] as const;
/** One of {@link FORWARD_FORMATS}. */
export type ForwardFormat = (typeof FORWARD_FORMATS)[number];

/** Where a secret is kept. The configuration names the place and never holds the secret. */
export const secretSchema = z
  .union([
    z.strictObject({ file: z.string().min(1).describe('A file that holds nothing else; line ends are ignored.') }),
    z.strictObject({
      env: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
        .describe('A variable of the environment.'),
    }),
    z.strictObject({
      secretsManager: z.string().min(1).max(2048).describe('The ARN or name of a secret in AWS Secrets Manager.'),
    }),
  ])
  .describe('Where the secret is kept: a file, a variable of the environment, or AWS Secrets Manager.');
/** See {@link secretSchema}. */
export type SecretReference = z.infer<typeof secretSchema>;

const url = z
  .string()
  .max(2048)
  .refine(isAllowedUrl, 'must be an https:// URL without a user; http:// is for this machine alone')
  .describe('An https:// URL; http:// is for this machine alone.');

const filter = z
  .partialRecord(z.enum(FILTER_NAMES), z.union([z.string(), z.array(z.string()).min(1).max(100)]))
  .refine((filters) => isFilter(filters), 'must be filters as of a query, such as {"type": "auth.*"}')
  .describe('Filters as of a query: a record is forwarded if all of them let it pass. Default: every record is.');

const common = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and hyphens, 32 at most')
    .describe('Names the destination for good: how far it has come is kept under this name.'),
  trails: z
    .array(z.string().regex(TRAIL_PATTERN, TRAIL_PATTERN_RULE))
    .min(1)
    .max(100)
    .describe(
      'The trails, by patterns. System trails only by patterns that begin with `_`. Default: every other trail.',
    )
    .optional(),
  filter: filter.optional(),
  from: z
    .union([
      z.int().min(0),
      z.string().refine(isTime, 'must be a record number, or a time such as 2026-01-31T23:59:59Z'),
    ])
    .describe(
      'The first record of each trail: a number, or the time from which on records were received. Another value begins anew there. Default: 0.',
    )
    .optional(),
  format: z
    .enum(FORWARD_FORMATS)
    .describe('The form of the records. Default: what the destination is made for.')
    .optional(),
  proof: z
    .boolean()
    .describe(
      'Whether each batch comes with its checkpoint and proof, for `sealtrail verify-stream`. Default: by destination.',
    )
    .optional(),
  original: z
    .boolean()
    .describe(
      "Whether OCSF and ECS events hold the record's own line too, without which their copy cannot be proven. Default: false.",
    )
    .optional(),
  maxRecords: z.int().min(1).max(10_000).describe('Records of a batch, at most.').optional(),
  maxBytes: z.int().min(1024).max(10_000_000).describe('Bytes of the records of a batch, about, at most.').optional(),
  timeoutSeconds: z
    .int()
    .min(1)
    .max(60)
    .describe('How long the destination may take for a batch. Default: 10.')
    .optional(),
  alarmSeconds: z
    .int()
    .min(1)
    .max(604_800)
    .describe('How long a record may wait before that is an alarm. Default: 900.')
    .optional(),
};

const authorization = secretSchema
  .describe('Where the whole value of the header `authorization` is kept, such as `ApiKey ...` or `Bearer ...`.')
  .optional();
const file = z.string().min(1).max(4096);
const awsName = z.string().regex(/^[\w.:/-]{1,256}$/, 'must be the name or ARN of a resource of AWS');
const region = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/)
  .describe('Its region. Default: that of the environment.')
  .optional();
/** For emulators. */
const endpoint = url.describe('Another endpoint than that of AWS.').optional();
const kind = <Name extends string>(name: Name, what: string) => z.literal(name).describe(what);

export const destinationSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: kind('webhook', 'A receiver of Standard Webhooks.'),
    ...common,
    url,
    secret: secretSchema.describe('The signing secret of Standard Webhooks: `whsec_` and base64.'),
  }),
  z.strictObject({
    type: kind('splunk', 'The HTTP Event Collector of Splunk.'),
    ...common,
    url,
    token: secretSchema.describe('The token of the collector.'),
    index: z.string().min(1).max(255).describe('The index. Default: that of the token.').optional(),
    sourcetype: z.string().min(1).max(255).describe('Default: `sealtrail:record`.').optional(),
    acknowledge: z
      .boolean()
      .describe('Whether to wait until the indexers have written a batch. Default: false.')
      .optional(),
  }),
  z.strictObject({
    type: kind('elasticsearch', 'Elasticsearch or OpenSearch.'),
    ...common,
    url,
    index: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,254}$/)
      .describe('The index or data stream.'),
    authorization,
  }),
  z.strictObject({
    type: kind('datadog', 'The log intake of Datadog.'),
    ...common,
    url: url.describe('Another intake than that of the site.').optional(),
    site: z
      .string()
      .regex(/^[a-z0-9.-]{1,128}$/)
      .describe('Default: datadoghq.com.')
      .optional(),
    apiKey: secretSchema.describe('The API key.'),
  }),
  z.strictObject({ type: kind('otlp', 'A receiver of OpenTelemetry logs over HTTP.'), ...common, url, authorization }),
  z.strictObject({
    type: kind('syslog', 'A receiver of syslog (RFC 5424) over TLS (RFC 5425).'),
    ...common,
    host: z
      .string()
      .regex(/^[A-Za-z0-9.:-]{1,255}$/)
      .describe('Its name, which its certificate must have.'),
    port: z.int().min(1).max(65_535).describe('Default: 6514.').optional(),
    caFile: file
      .describe('The certificates that its own must be signed by, in PEM. Default: those of Node.')
      .optional(),
    certFile: file.describe('A certificate to show, in PEM.').optional(),
    keyFile: file.describe('The key of that certificate, in PEM.').optional(),
  }),
  z.strictObject({
    type: kind('firehose', 'A delivery stream of Amazon Data Firehose.'),
    ...common,
    stream: awsName.describe('Its name.'),
    ...{ region, endpoint },
  }),
  z.strictObject({
    type: kind('eventbridge', 'A bus of Amazon EventBridge.'),
    ...common,
    bus: awsName.describe('Its name or ARN.'),
    source: z.string().min(1).max(256).describe('`source` of the events. Default: sealtrail.').optional(),
    ...{ region, endpoint },
  }),
  z.strictObject({
    type: kind('s3', 'A bucket in S3.'),
    ...common,
    bucket: awsName.describe('Its name.'),
    prefix: z.string().max(512).describe('What the names of objects begin with, such as `ext/sealtrail/`.').optional(),
    ...{ region, endpoint },
  }),
]);
/** Where records are forwarded to. */
export type DestinationSettings = z.infer<typeof destinationSchema>;

/** True if a destination gets a trail. Patterns that do not begin with `_` mean no system trail. */
export const isForwarded = ({ trails = ['*'] }: Pick<DestinationSettings, 'trails'>, trail: string): boolean =>
  trails.some((pattern) => matchesTrail(pattern, trail) && trail.startsWith('_') === pattern.startsWith('_'));

export const forwardSchema = z
  .strictObject({
    destinations: z
      .array(destinationSchema)
      .max(50)
      .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'two destinations have one name')
      .describe('Each has a follower, and a pace, of its own.'),
  })
  .describe('Where records are forwarded to (docs/forwarding.md).');
/** The forwarding of a log. */
export type ForwardSettings = z.infer<typeof forwardSchema>;

/** HTTPS, or HTTP to a loopback address: records and secrets never cross a network in the clear. */
function isAllowedUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** `localhost`, 127.0.0.0/8 and ::1 (RFC 6761 section 6.3, RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3). */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** A filter as a question. The cast: what is no severity is refused when the question is read. */
export const filterQuery = (filters: Readonly<Record<string, string | readonly string[] | undefined>>): EventFilters =>
  filters as EventFilters;

function isTime(text: string): boolean {
  return !isRelative(text) && !/^\d+$/.test(text) && momentIn(text, { now: 0 }) !== undefined;
}

function isFilter(filters: Readonly<Record<string, string | readonly string[] | undefined>>): boolean {
  try {
    selectRecords(filterQuery(filters), 0, () => []);
    return true;
  } catch (error) {
    if (error instanceof SealtrailError) return false;
    throw error;
  }
}
