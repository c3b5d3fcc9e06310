/** `sealtrail/client`: what applications use to talk to a log. It imports no server code. */
export { SealtrailError } from '../log/error.ts';
export { ApiSink, type ApiSinkOptions } from './api-sink.ts';
export { AuditCalls, type Budget, type Fields } from './calls.ts';
export { type SharedContext, withContext } from './context.ts';
export * from './create.ts';
export { diff } from './diff.ts';
export type { Actor, EventContext, LogEvent, PreparedEvent, Resource } from './event.ts';
export { SEVERITIES, type Severity } from './event-types.ts';
export { FileSink, type FileSinkOptions } from './file-sink.ts';
export { LogHandle } from './handle.ts';
export * from './http.ts';
export * from './logger.ts';
export * from './memory-sink.ts';
export { plain } from './plain.ts';
export * from './reader.ts';
export type { Receipt } from './receipt.ts';
export type { BufferOptions, Entry, EventReceipt, Sink } from './sink.ts';
