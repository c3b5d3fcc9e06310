import * as z from 'zod';
import { DIMENSIONS } from '../contract/dimensions.ts';
import { auditEventSchema } from '../event/schema.ts';
import { EXPORT_COMPRESSIONS, EXPORT_FORMATS, exportManifestSchema } from '../export/formats/manifest.ts';
import { VERIFICATION_KINDS } from '../verify/ledger/ledger-report.ts';

/** What the answers look like: documented in the OpenAPI description and checked against real answers in tests. */

const count = z.int().min(0);
const seq = count.describe('A record number, from 0 on.');
const millis = count.describe('Unix milliseconds.');
const hex = z.string().regex(/^[0-9a-f]{64}$/);
const hash64 = z.string().length(44).describe('A SHA-256 hash in base64.');
const note = z.string().describe('A signed checkpoint (C2SP tlog-checkpoint).');

export const recordSchema = z.strictObject({
  event: auditEventSchema,
  prev: hex.describe('Leaf hash of the record before; 64 zeros for the first.'),
  receivedAt: millis,
  seq,
  submitter: z.string(),
  trail: z.string(),
  v: z.literal(1),
});

export const receiptSchema = z.strictObject({
  trail: z.string(),
  first: seq,
  count: z.int().min(1),
  receivedAt: millis,
  events: z.array(z.strictObject({ seq, id: z.string(), hash: hex.describe('The leaf hash.') })),
  replayed: z.boolean().describe('Whether the same idempotency key had been used before.'),
  sealed: z.boolean().describe('Whether a checkpoint covers the events already.'),
  checkpoint: note.optional(),
  proof: z.array(hash64).describe('Range proof of the events in the checkpoint: see docs/spec.md.').optional(),
  lines: z.array(z.string()).describe('The record lines, with `Prefer: return=representation`.').optional(),
});

export const pageSchema = z.strictObject({
  records: z.array(recordSchema),
  sources: z
    .strictObject({ hot: count, archive: count })
    .describe('How many of the records came from the hot store, and how many from the archive.'),
  asOf: count.describe('The size of the trail for which the answer holds.'),
  more: z.boolean().describe('Whether to go on with the cursor; a page may be short and not the last.'),
  cursor: z.string().optional(),
});

export const mergedPageSchema = pageSchema.extend({
  asOf: z.record(z.string(), count).describe('By trail: its size for which the answer holds.'),
});

export const consistencySchema = z.strictObject({
  trail: z.string(),
  from: count,
  to: count,
  proof: z.array(hash64).describe('RFC 6962 section 2.1.2.'),
  checkpoints: z.strictObject({ from: note, to: note }),
});

export const trailsSchema = z.strictObject({
  trails: z.array(z.strictObject({ trail: z.string(), size: count, receivedAt: millis })),
});

const keyShape = {
  trail: z.string(),
  name: z.string(),
  keyId: z.string(),
  algorithm: z.enum(['ed25519', 'ecdsa-p256']),
  vkey: z.string(),
  pem: z.string(),
  fingerprint: hex.describe('SHA-256 of the SubjectPublicKeyInfo.'),
};

export const keysSchema = z.strictObject({
  logName: z.string(),
  keys: z.array(z.strictObject(keyShape)).describe('Those that sign now.'),
  retired: z
    .array(z.strictObject({ ...keyShape, to: count.describe('The size of the last checkpoint that it signed.') }))
    .describe('Those that signed once: to be trusted for checkpoints up to that size only.'),
});

export const sealSchema = z.strictObject({ trail: z.string(), size: count, checkpoint: note.optional() });

export const legalHoldSchema = z.strictObject({
  trail: z.string(),
  held: z.boolean(),
  since: millis.describe('When it was set or released; absent: never.').optional(),
  by: z.string().optional(),
  reason: z.string().optional(),
  objects: count.describe('Versions of objects that were held or released so far.'),
  complete: z.boolean().describe('Whether all of them were.'),
});

const verificationMode = z.enum(['incremental', 'full']);
const recordRange = {
  from: count.describe('A record number, inclusive.'),
  to: count.describe('A record number, exclusive.'),
};

/** What may be sent to ask for a verification: a mode or a range. */
export const verificationRequestSchema = z.strictObject({
  mode: verificationMode
    .describe(
      '`incremental`, the default: from the last verified checkpoint on. `full`: from record 0 on. Not with a range.',
    )
    .optional(),
  from: recordRange.from.describe('The first record of a range; by default 0.').optional(),
  to: recordRange.to.describe('The record behind the last one of a range; by default the trail’s end.').optional(),
});

export const verificationSchema = z.strictObject({
  trail: z.string(),
  mode: z.enum([...verificationMode.options, 'range']),
  range: z.strictObject(recordRange).describe('The records that were asked for, of the mode `range`.').optional(),
  verdict: z.enum(['ok', 'damaged']).describe('Of what was looked at; `notLookedAt` says what was not.'),
  from: count.describe('Records `from` to `to - 1` of the ledger were checked against themselves.'),
  to: count,
  archivedFrom: count.describe('What covers records `archivedFrom` to `archivedTo - 1` was compared with the archive.'),
  archivedTo: count,
  expired: count.describe('Records that had left the hot store, as they were to, and were verified from the archive.'),
  problems: z.array(
    z.strictObject({
      kind: z.enum(VERIFICATION_KINDS).describe('See docs/ledger-verification.md.'),
      seq: seq.optional(),
      object: z.string().optional(),
      message: z.string(),
    }),
  ),
  moreProblems: count.describe('How many there were besides those listed.'),
  notLookedAt: z.array(z.string()),
  checkpoint: z.strictObject({ size: count, note }).optional(),
  startedAt: millis,
  ms: count,
});

export const verificationStatusSchema = z.strictObject({
  trail: z.string(),
  runs: count,
  failures: count.describe('Runs that found damage.'),
  lastRunAt: millis.describe(
    '0: there was none. Ranges are left out here and in what follows, since they say nothing of the rest.',
  ),
  lastOkAt: millis.describe('0: there was none. It stands still while `damagedAt` is there.'),
  secondsSinceOk: count.optional(),
  damagedAt: millis.describe('When damage was found that no later full verification has found gone.').optional(),
  report: verificationSchema.describe('The newest that was incremental or full.').optional(),
  rangeReport: verificationSchema.describe('The newest on a range.').optional(),
});

const breakdown = z.strictObject({
  values: z.array(z.strictObject({ value: z.string(), count })).describe('Most records first.'),
  distinct: count,
  others: count.describe('Records with values that are not listed.'),
});

export const summarySchema = z.strictObject({
  trail: z.string(),
  from: millis.optional(),
  to: millis.optional(),
  asOf: count,
  total: count,
  by: z.record(z.string(), breakdown),
  histogram: z.strictObject({
    bucket: z.enum(['minute', 'hour', 'day']),
    counts: z.array(z.strictObject({ from: millis, count })),
  }),
});

export const activitySchema = z.strictObject({
  trail: z.string(),
  actor: z.string(),
  from: millis.optional(),
  to: millis.optional(),
  total: count,
  byType: breakdown,
  byOutcome: breakdown,
  last: z.strictObject({ seq, receivedAt: millis, type: z.string() }).optional(),
});

export const problemSchema = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('Stable: programs may branch on it.'),
  detail: z.string(),
  field: z.string().describe('The input field or parameter at fault.').optional(),
  requestId: z.string(),
});

const filterValue = z.union([z.string(), z.array(z.string())]);
const filterTime = z.union([z.string(), millis]).describe('RFC 3339, a date of UTC or Unix milliseconds.');

/** What may be sent to ask for an export: filters are named and read as the parameters of a query. */
export const exportRequestSchema = z
  .object({
    format: z.enum(EXPORT_FORMATS),
    compression: z.enum(EXPORT_COMPRESSIONS).default('none').describe('Not of Parquet.').optional(),
    from: filterTime.optional(),
    to: filterTime.optional(),
    timeFrom: filterTime.optional(),
    timeTo: filterTime.optional(),
  })
  .catchall(filterValue)
  .describe(`Filters by name, one value or a list of which any passes: ${DIMENSIONS.join(', ')}.`);

export const exportSchema = z.strictObject({
  id: z.string(),
  trail: z.string(),
  state: z.enum(['queued', 'running', 'done', 'failed', 'expired']),
  format: z.enum(EXPORT_FORMATS),
  compression: z.enum(EXPORT_COMPRESSIONS),
  filters: z.record(z.string(), z.array(z.string())),
  from: millis.optional(),
  to: millis.optional(),
  timeFrom: millis.optional(),
  timeTo: millis.optional(),
  requestedBy: z.string(),
  requestedAt: millis,
  expiresAt: millis.describe('When what was exported is removed.'),
  progress: z
    .strictObject({
      records: count.describe('Records written.'),
      at: seq.describe('Records before this one have been looked at.'),
      of: count.describe('Records to look at.'),
    })
    .optional(),
  error: z.strictObject({ code: z.string(), message: z.string() }).describe('Why it failed.').optional(),
  manifest: exportManifestSchema.optional(),
  links: z
    .strictObject({
      file: z.string().describe('A URL, or a path on this server; needs no signature of its own.'),
      proof: z.string().describe('Of the proof file, where there is one.').optional(),
      expiresAt: millis.describe('Look at the export again for new ones.'),
    })
    .optional(),
});
