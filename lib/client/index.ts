/** `sealtrail/client`: what applications use to talk to a log. It imports no server code. */

export type { EventName } from '../contract/catalogue.ts';
export type { Actor, EventContext, Resource } from '../contract/event.ts';
export type { ExportManifest, ExportRequest } from '../contract/exports.ts';
export type { Absence, EventQuery } from '../contract/query.ts';
export type { Receipt } from '../contract/receipt.ts';
export type { Activity, Breakdown, Summary } from '../contract/summary.ts';
export { SEVERITIES, type Severity } from '../contract/vocabulary.ts';
export { SealtrailError } from '../log/error.ts';
export type { Outage } from './delivery/outbox.ts';
export { diff } from './event/diff.ts';
export type { AnyName, LogEvent, PreparedEvent } from './event/event.ts';
export type { BufferOptions, Entry, EventReceipt, KeptEvent, Sink } from './event/sink.ts';
export { toSerializable } from './event/to-serializable.ts';
export * from './http/http.ts';
export { percentEncode } from './http/percent-encode.ts';
export { AuditCalls, type Budget, type Fields } from './logger/calls.ts';
export { type SharedContext, withContext } from './logger/context.ts';
export * from './logger/create.ts';
export { LogHandle } from './logger/handle.ts';
export * from './logger/logger.ts';
export type { Mirror } from './logger/mirror.ts';
export { type AuditedFetchOptions, auditedFetch } from './middleware/audited-fetch.ts';
export type { ExportFiles } from './read/exporting.ts';
export type { PageNotes } from './read/page-notes.ts';
export {
  type AuditReader,
  type IntegrityReport,
  type IntegrityScope,
  LogReader,
  type LogRecord,
  type QueryWatch,
  type SummaryQuery,
} from './read/reader.ts';
export { ApiSink, type ApiSinkOptions } from './sinks/api-sink.ts';
export { FileSink, type FileSinkOptions } from './sinks/file-sink.ts';
export * from './sinks/memory-sink.ts';
