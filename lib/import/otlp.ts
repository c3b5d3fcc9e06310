import { resolveType } from '../contract/catalogue.ts';
import type { SentEvent } from '../contract/event.ts';
import type { Severity } from '../contract/vocabulary.ts';
import { isObject } from '../log/json.ts';
import { actorOf, contentId, type ImportSource, originalOf, sourceId, textAt, unwrapped } from './source.ts';

type Attributes = Readonly<Record<string, unknown>>;

/** Names of operations on models that `gen_ai.operation.name` has. */
const MODEL_OPERATIONS = new Set(['chat', 'generate_content', 'text_completion', 'embeddings']);

/** Logs and spans of OpenTelemetry in OTLP/JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
export const otlpJson: ImportSource = {
  holds: 'logs and spans of OpenTelemetry in OTLP/JSON, as the file exporter of a collector writes them',
  records: (value) => unwrapped(value).flatMap(flattened),
  event: (record) => {
    const attributes = attributesOf(record.attributes);
    const resource = isObject(record.resource) ? attributesOf(record.resource.attributes) : {};
    const base =
      record.kind === 'span'
        ? spanEvent(record, attributes)
        : record.kind === 'log'
          ? logEvent(record, attributes)
          : undefined;
    if (base === undefined) return undefined;
    const {
      original: { resource: _, scope, ...own },
      source,
    } = originalOf('otlp', record) as { source: string; original: Record<string, unknown> };
    const user = attributes['user.id'] ?? attributes['enduser.id'];
    const service = resource['service.name'];
    const trace = textAt(record, 'traceId')?.toLowerCase();
    const [agent, session] = [
      attributes['gen_ai.agent.name'] ?? attributes['gen_ai.agent.id'],
      attributes['gen_ai.conversation.id'] ?? attributes['session.id'],
    ];
    const context = { correlation: trace, agent, session, project: service };
    return {
      ...base,
      ...(typeof user === 'string'
        ? actorOf(user, { type: 'user' })
        : actorOf(typeof service === 'string' ? service : undefined, { type: 'service' })),
      ...subjectOf(attributes),
      context: Object.fromEntries(
        Object.entries(context).filter(([, value]) => typeof value === 'string' && value !== ''),
      ),
      details: {
        source,
        attributes,
        resource,
        scope: isObject(scope) ? scope.name : undefined,
        ...durationOf(record),
        original: { ...own, attributes: undefined },
      },
    };
  },
};

/** Each log record and span with its resource and scope. */
function flattened(value: unknown): unknown[] {
  if (!isObject(value)) return [value];
  const found: unknown[] = [];
  for (const [groups, scopes, records, kind] of [
    ['resourceLogs', 'scopeLogs', 'logRecords', 'log'],
    ['resourceSpans', 'scopeSpans', 'spans', 'span'],
  ] as const) {
    for (const group of listOf(value[groups])) {
      for (const scope of listOf(group[scopes])) {
        for (const record of listOf(scope[records])) {
          found.push({ ...record, kind, spanKind: record.kind, resource: group.resource, scope: scope.scope });
        }
      }
    }
  }
  return found;
}

const listOf = (value: unknown): readonly Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isObject) : [];

function logEvent(record: Readonly<Record<string, unknown>>, attributes: Attributes): SentEvent {
  const name = textAt(record, 'eventName') ?? attributes['event.name'];
  const known = typeof name === 'string' ? resolveType(name) : undefined;
  const body = textAt(record, 'body', 'stringValue');
  return {
    // A log record has no id of its own: by its content it is the same one again.
    id: contentId('otel', record),
    type: known?.name ?? 'otel.log',
    ...nanoTime(record.timeUnixNano ?? record.observedTimeUnixNano),
    ...(severityOf(record.severityNumber) ?? {}),
    ...(body === undefined ? {} : { description: body }),
  };
}

function spanEvent(record: Readonly<Record<string, unknown>>, attributes: Attributes): SentEvent | undefined {
  const [trace, span] = [textAt(record, 'traceId'), textAt(record, 'spanId')];
  if (trace === undefined || span === undefined) return undefined;
  const status = isObject(record.status) ? record.status.code : undefined;
  const isError = status === 2 || status === 'STATUS_CODE_ERROR';
  const name = textAt(record, 'name');
  return {
    id: sourceId('otel', trace.toLowerCase(), span.toLowerCase()),
    type: spanType(attributes, isError),
    ...nanoTime(record.startTimeUnixNano),
    ...(name === undefined ? {} : { action: name }),
    ...(isError ? { outcome: 'error', severity: 'error' } : { outcome: 'success' }),
  };
}

/** Conventions for generative AI and MCP: what a span stands for in the terms of the log. */
function spanType(attributes: Attributes, isError: boolean): string {
  const operation = attributes['gen_ai.operation.name'];
  if (operation === 'execute_tool' || attributes['mcp.method.name'] === 'tools/call')
    return isError ? 'action.failed' : 'action.executed';
  return typeof operation === 'string' && MODEL_OPERATIONS.has(operation) ? 'llm.response' : 'otel.span';
}

function subjectOf(attributes: Attributes): Pick<SentEvent, 'resource'> {
  for (const [name, type] of [
    ['gen_ai.tool.name', 'tool'],
    ['gen_ai.request.model', 'model'],
    ['http.route', 'route'],
    ['db.collection.name', 'collection'],
  ] as const) {
    const id = attributes[name];
    if (typeof id === 'string' && id !== '') return { resource: { type, id } };
  }
  return {};
}

/** OpenTelemetry's numbers: 1 to 4 trace, to 8 debug, to 12 info, to 16 warn, to 20 error, to 24 fatal. */
function severityOf(number: unknown): { severity: Severity } | undefined {
  if (typeof number !== 'number' || number < 1) return undefined;
  return {
    severity:
      number <= 8 ? 'debug' : number <= 12 ? 'info' : number <= 16 ? 'warning' : number <= 20 ? 'error' : 'critical',
  };
}

function nanoTime(value: unknown): { readonly time?: string } {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  if (!/^\d{1,19}$/.test(text) || text === '0') return {};
  return { time: new Date(Number(BigInt(text) / 1_000_000n)).toISOString() };
}

function durationOf({ startTimeUnixNano: start, endTimeUnixNano: end }: Readonly<Record<string, unknown>>): object {
  const [from, to] = [start, end].map((value) =>
    /^\d{1,19}$/.test(String(value)) ? BigInt(String(value)) : undefined,
  );
  return from === undefined || to === undefined ? {} : { durationMs: Number((to - from) / 1000n) / 1000 };
}

/** Attributes as plain JSON: `[{key, value: {stringValue}}]` becomes `{key: value}`. */
function attributesOf(list: unknown): Attributes {
  return Object.fromEntries(
    listOf(list).flatMap(({ key, value }) => (typeof key === 'string' ? [[key, anyValue(value)]] : [])),
  );
}

function anyValue(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { arrayValue, kvlistValue, intValue, ...scalar } = value;
  if (isObject(arrayValue)) return listOf(arrayValue.values).map(anyValue);
  if (isObject(kvlistValue)) return attributesOf(kvlistValue.values);
  if (intValue !== undefined) return Number.isSafeInteger(Number(intValue)) ? Number(intValue) : String(intValue);
  return scalar.stringValue ?? scalar.boolValue ?? scalar.doubleValue ?? scalar.bytesValue ?? null;
}
