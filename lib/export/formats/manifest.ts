import * as z from 'zod';
import { EXPORT_COMPRESSIONS, EXPORT_FORMATS, type ExportManifest } from '../../contract/exports.ts';
import { MASKED_FILTERS, type Masked } from '../../contract/query.ts';
import type { Shape } from '../../json/shape.ts';

const count = z.int().min(0);
const millis = count.describe('Unix milliseconds.');
/** Unix milliseconds; periods may begin before 1970. */
const time = z.int();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Reads a manifest strictly: docs/spec.md, "Exports". */
export const exportManifestSchema: z.ZodType<ExportManifest> = z.strictObject({
  v: z.literal(1),
  id: z.string(),
  log: z.string().describe("The log's name."),
  trail: z.string(),
  format: z.enum(EXPORT_FORMATS),
  compression: z.enum(EXPORT_COMPRESSIONS),
  filters: z
    .record(z.string(), z.array(z.string()))
    .describe(
      'Values by the name of a filter of a query; all must hold. `severity` lists every severity that is meant.',
    ),
  masked: z
    .array(
      z.strictObject({
        filter: z.enum(MASKED_FILTERS),
        asked: z.string(),
        as: z.string(),
        shared: z.string().exactOptional(),
      } satisfies Shape<Masked>),
    )
    .describe(
      'Values of filters that records hold in masked form: as they were asked for, and as records have them; ' +
        '`shared` is a mask that records of others may have, too.',
    )
    .exactOptional(),
  from: time.describe('Received at this time or later; absent: from the first record.').exactOptional(),
  to: time.describe('Received before this time; absent: to the checkpoint.').exactOptional(),
  timeFrom: time.describe('Happened at this time or later, by the producer’s clock.').exactOptional(),
  timeTo: time.describe('Happened before this time.').exactOptional(),
  seqs: z.strictObject({ from: count, to: count }).describe('Record numbers; `to` is exclusive.').exactOptional(),
  records: count,
  first: count.describe('Number of the first record; absent where there is none.').exactOptional(),
  last: count.describe('Number of the last record.').exactOptional(),
  checkpoint: z
    .string()
    .describe('A signed checkpoint (C2SP tlog-checkpoint): no record at or beyond its size is in the export.'),
  file: z.strictObject({
    bytes: count,
    sha256: sha256.describe('Of the file as it is, compressed or not.'),
  }),
  proof: z
    .strictObject({
      hashes: count.describe(
        'SHA-256 hashes in the proof file, one after the other, 32 bytes each; with 0 there is no file.',
      ),
      sha256: sha256.describe('Of the proof file.'),
    })
    .describe('With NDJSON: what proves every line to be in the log.')
    .exactOptional(),
  complete: z
    .strictObject({ bytes: count, sha256: sha256.describe('Of the file as it is.') })
    .describe('With NDJSON and a filter that the index carries: what proves that no record is left out.')
    .exactOptional(),
  requestedBy: z.string(),
  requestedAt: millis,
  finishedAt: millis,
  statement: z
    .strictObject({ record: z.string(), proof: z.string() })
    .describe('A record of the log in `_system` that names the digest of the other members, and its C2SP tlog-proof.')
    .exactOptional(),
} satisfies Shape<ExportManifest>);
