import * as z from 'zod';

/** What exports can be written in. */
export const EXPORT_FORMATS = ['ndjson', 'json', 'csv', 'ocsf', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** How an export can be packed. Parquet packs its columns itself. */
export const EXPORT_COMPRESSIONS = ['none', 'gzip'] as const;
export type ExportCompression = (typeof EXPORT_COMPRESSIONS)[number];

/** Media types by format (RFC 9110 section 8.3), and how files are named. */
export const EXPORT_MEDIA: Readonly<Record<ExportFormat, { readonly type: string; readonly suffix: string }>> = {
  ndjson: { type: 'application/x-ndjson', suffix: 'ndjson' },
  json: { type: 'application/json', suffix: 'json' },
  csv: { type: 'text/csv; charset=utf-8; header=present', suffix: 'csv' },
  ocsf: { type: 'application/x-ndjson', suffix: 'ocsf.ndjson' },
  parquet: { type: 'application/vnd.apache.parquet', suffix: 'parquet' },
};

const count = z.int().min(0);
const millis = count.describe('Unix milliseconds.');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What an export holds and how to tell that it is whole: docs/spec.md, "Exports". */
export const exportManifestSchema = z.strictObject({
  v: z.literal(1),
  id: z.string(),
  log: z.string().describe("The log's name."),
  trail: z.string(),
  format: z.enum(EXPORT_FORMATS),
  compression: z.enum(EXPORT_COMPRESSIONS),
  filters: z
    .record(z.string(), z.array(z.string()))
    .describe('Values by dimension, any of which passes; all must. `severity` lists every severity that passes.'),
  from: millis.describe('Received at this time or later; absent: from the first record.').optional(),
  to: millis.describe('Received before this time; absent: to the checkpoint.').optional(),
  timeFrom: millis.describe('Happened at this time or later, by the producer’s clock.').optional(),
  timeTo: millis.describe('Happened before this time.').optional(),
  records: count,
  first: count.describe('Number of the first record; absent where there is none.').optional(),
  last: count.describe('Number of the last record.').optional(),
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
    .optional(),
  requestedBy: z.string(),
  requestedAt: millis,
  finishedAt: millis,
});
export type ExportManifest = z.infer<typeof exportManifestSchema>;

/** Whether records between the first and the last may have been left out. */
export const isFiltered = ({ filters, timeFrom, timeTo }: ExportManifest): boolean =>
  Object.keys(filters).length > 0 || timeFrom !== undefined || timeTo !== undefined;
