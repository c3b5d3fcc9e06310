/** How a field is read: a scalar of its wire type, or a message by its name; `hex` are ids, which OTLP/JSON writes in hex. */
export type FieldType =
  | {
      readonly is:
        | 'string'
        | 'bool'
        | 'int32'
        | 'uint32'
        | 'int64'
        | 'fixed32'
        | 'fixed64'
        | 'double'
        | 'bytes'
        | 'hex';
    }
  | { readonly is: 'message'; readonly of: MessageName };

/** A field: its name in OTLP/JSON, its type, and whether it may occur more than once. */
export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly isList: boolean;
}

/** Messages by field numbers, each `name type`, with `[]` behind a list. From opentelemetry-proto 1.x, which never renumbers. */
const TEXT = {
  ExportLogsServiceRequest: { 1: 'resourceLogs ResourceLogs[]' },
  ResourceLogs: { 1: 'resource Resource', 2: 'scopeLogs ScopeLogs[]', 3: 'schemaUrl string' },
  ScopeLogs: { 1: 'scope InstrumentationScope', 2: 'logRecords LogRecord[]', 3: 'schemaUrl string' },
  LogRecord: {
    ...{ 1: 'timeUnixNano fixed64', 11: 'observedTimeUnixNano fixed64', 2: 'severityNumber int32' },
    ...{ 3: 'severityText string', 5: 'body AnyValue', 6: 'attributes KeyValue[]', 7: 'droppedAttributesCount uint32' },
    ...{ 8: 'flags fixed32', 9: 'traceId hex', 10: 'spanId hex', 12: 'eventName string' },
  },
  ExportTraceServiceRequest: { 1: 'resourceSpans ResourceSpans[]' },
  ResourceSpans: { 1: 'resource Resource', 2: 'scopeSpans ScopeSpans[]', 3: 'schemaUrl string' },
  ScopeSpans: { 1: 'scope InstrumentationScope', 2: 'spans Span[]', 3: 'schemaUrl string' },
  Span: {
    ...{ 1: 'traceId hex', 2: 'spanId hex', 3: 'traceState string', 4: 'parentSpanId hex', 16: 'flags fixed32' },
    ...{ 5: 'name string', 6: 'kind int32', 7: 'startTimeUnixNano fixed64', 8: 'endTimeUnixNano fixed64' },
    ...{ 9: 'attributes KeyValue[]', 10: 'droppedAttributesCount uint32', 11: 'events Event[]' },
    ...{ 12: 'droppedEventsCount uint32', 13: 'links Link[]', 14: 'droppedLinksCount uint32', 15: 'status Status' },
  },
  Event: {
    ...{ 1: 'timeUnixNano fixed64', 2: 'name string', 3: 'attributes KeyValue[]', 4: 'droppedAttributesCount uint32' },
  },
  Link: {
    ...{ 1: 'traceId hex', 2: 'spanId hex', 3: 'traceState string', 4: 'attributes KeyValue[]' },
    ...{ 5: 'droppedAttributesCount uint32', 6: 'flags fixed32' },
  },
  Status: { 2: 'message string', 3: 'code int32' },
  Resource: { 1: 'attributes KeyValue[]', 2: 'droppedAttributesCount uint32' },
  InstrumentationScope: {
    ...{ 1: 'name string', 2: 'version string', 3: 'attributes KeyValue[]', 4: 'droppedAttributesCount uint32' },
  },
  KeyValue: { 1: 'key string', 2: 'value AnyValue' },
  AnyValue: {
    ...{ 1: 'stringValue string', 2: 'boolValue bool', 3: 'intValue int64', 4: 'doubleValue double' },
    ...{ 5: 'arrayValue ArrayValue', 6: 'kvlistValue KeyValueList', 7: 'bytesValue bytes' },
  },
  ArrayValue: { 1: 'values AnyValue[]' },
  KeyValueList: { 1: 'values KeyValue[]' },
} as const satisfies Readonly<Record<string, Readonly<Record<number, string>>>>;

/** A message of OTLP. */
export type MessageName = keyof typeof TEXT;

// The cast: the keys of TEXT, which the types of entries cannot express.
const NAMES = Object.keys(TEXT) as MessageName[];
const isMessage = (name: string): name is MessageName => Object.hasOwn(TEXT, name);

function fieldOf(text: string): Field {
  const [name = '', rest = ''] = text.split(' ');
  const type = rest.replace('[]', '');
  // The cast: whatever names no message is one of the scalars, as the tests of every field show.
  const read = isMessage(type) ? { is: 'message', of: type } : { is: type };
  return { name, type: read as FieldType, isList: rest.endsWith('[]') };
}

/** The fields of each message by their numbers. */
export const MESSAGES: ReadonlyMap<MessageName, ReadonlyMap<number, Field>> = new Map(
  NAMES.map((name) => [
    name,
    new Map(Object.entries(TEXT[name]).map(([number, text]) => [Number(number), fieldOf(text)])),
  ]),
);
