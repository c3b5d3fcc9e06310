import type { EventFilters, EventPeriods, Masked } from './query.ts';

/** File formats of exports. */
export const EXPORT_FORMATS = ['ndjson', 'json', 'csv', 'ocsf', 'cloudevents', 'parquet'] as const;
/** One of {@link EXPORT_FORMATS}. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** How an export's file is compressed. Parquet compresses its columns itself, and takes `none` only. */
export const EXPORT_COMPRESSIONS = ['none', 'gzip'] as const;
/** One of {@link EXPORT_COMPRESSIONS}. */
export type ExportCompression = (typeof EXPORT_COMPRESSIONS)[number];

/** Media types by format (RFC 9110 section 8.3), and the suffixes of file names. */
export const EXPORT_MEDIA: Readonly<Record<ExportFormat, { readonly type: string; readonly suffix: string }>> = {
  ndjson: { type: 'application/x-ndjson', suffix: 'ndjson' },
  json: { type: 'application/json', suffix: 'json' },
  csv: { type: 'text/csv; charset=utf-8; header=present', suffix: 'csv' },
  ocsf: { type: 'application/x-ndjson', suffix: 'ocsf.ndjson' },
  cloudevents: { type: 'application/x-ndjson', suffix: 'cloudevents.ndjson' },
  parquet: { type: 'application/vnd.apache.parquet', suffix: 'parquet' },
};

/** The filters of a query: an export holds all records that pass, in the order of the log. */
export interface ExportRequest extends EventFilters, EventPeriods {
  readonly format: ExportFormat;
  /** @default none */
  readonly compression?: ExportCompression | undefined;
}

/** States of an export; `expired` once its files have been removed. */
export const EXPORT_STATES = ['queued', 'running', 'done', 'failed', 'expired'] as const;
/** One of {@link EXPORT_STATES}. */
export type ExportState = (typeof EXPORT_STATES)[number];

/** The size of a file and its SHA-256 in hex. */
export interface FileDigest {
  readonly bytes: number;
  readonly sha256: string;
}

/** The content of an export and the means to tell that it is complete (docs/spec.md, "Exports"). */
export interface ExportManifest {
  readonly v: 1;
  readonly id: string;
  /** The log's name. */
  readonly log: string;
  readonly trail: string;
  readonly format: ExportFormat;
  readonly compression: ExportCompression;
  /** Values by the filter's name, as in a query; all must hold. `severity` and `notSeverity` list every severity that is meant. */
  readonly filters: Readonly<Record<string, readonly string[]>>;
  /** Values of filters that were looked for in masked form, since records hold them so; absent where there is none. */
  readonly masked?: readonly Masked[];
  /** Received at this time or later, Unix milliseconds. */
  readonly from?: number;
  /** Received before this time. */
  readonly to?: number;
  /** Happened at this time or later, by the producer's clock. */
  readonly timeFrom?: number;
  /** Happened before this time. */
  readonly timeTo?: number;
  /** Record numbers: `from` inclusive, `to` exclusive. */
  readonly seqs?: { readonly from: number; readonly to: number };
  readonly records: number;
  /** Number of the first record; absent from an empty export. */
  readonly first?: number;
  readonly last?: number;
  /** A signed checkpoint: no record at or beyond its size is in the export. */
  readonly checkpoint: string;
  /** The digest of the file as stored, compressed or not. */
  readonly file: FileDigest;
  /** NDJSON only: the file of 32-byte hashes that proves every line to be in the log. */
  readonly proof?: { readonly hashes: number; readonly sha256: string };
  /** With NDJSON and a filter that the index carries: the file that proves that no record is left out. */
  readonly complete?: FileDigest;
  readonly requestedBy: string;
  readonly requestedAt: number;
  readonly finishedAt: number;
  /**
   * The log's own word for all of this: the line of a record in `_system` that names the SHA-256 of the other members in canonical
   * JSON (RFC 8785), and its proof (C2SP tlog-proof).
   */
  readonly statement?: { readonly record: string; readonly proof: string };
}

/** An export in a response of the API. Times are Unix milliseconds. */
export interface ExportReply extends Pick<ExportManifest, 'id' | 'trail' | 'format' | 'compression' | 'filters'> {
  readonly from?: number;
  readonly to?: number;
  readonly timeFrom?: number;
  readonly timeTo?: number;
  readonly seqs?: { readonly from: number; readonly to: number };
  readonly state: ExportState;
  readonly requestedBy: string;
  readonly requestedAt: number;
  /** When the export's files are removed. */
  readonly expiresAt: number;
  /** Records written; records before `at` of `of` have been read. */
  readonly progress?: { readonly records: number; readonly at: number; readonly of: number };
  readonly error?: { readonly code: string; readonly message: string };
  readonly manifest?: ExportManifest;
  /** URLs, or paths on the server, that need no signature of their own. */
  readonly links?:
    | { readonly file: string; readonly proof?: string; readonly complete?: string; readonly expiresAt: number }
    | undefined;
}
