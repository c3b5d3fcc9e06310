import { isObject } from '../../log/json.ts';

/** A method of MCP that is logged as an action, and what of its parameters says what it acts on. */
interface AuditedMethod {
  /** The kind of thing acted on: `resource.type` of the events. */
  readonly kind: string;
  /** The parameter that names it: `resource.id`. */
  readonly names?: string;
  /** The parameter whose digest is logged. @default all parameters but `_meta` */
  readonly content?: string;
}

/** By name, of clients and of servers: https://modelcontextprotocol.io/specification/2025-11-25 */
const AUDITED: Readonly<Record<string, AuditedMethod>> = {
  'tools/call': { kind: 'mcp.tool', names: 'name', content: 'arguments' },
  'resources/read': { kind: 'mcp.resource', names: 'uri' },
  'resources/subscribe': { kind: 'mcp.resource', names: 'uri' },
  'resources/unsubscribe': { kind: 'mcp.resource', names: 'uri' },
  'prompts/get': { kind: 'mcp.prompt', names: 'name', content: 'arguments' },
  'sampling/createMessage': { kind: 'mcp.sampling' },
  'elicitation/create': { kind: 'mcp.elicitation' },
  'tasks/result': { kind: 'mcp.task', names: 'taskId' },
  'tasks/cancel': { kind: 'mcp.task', names: 'taskId' },
};

/** A call that is logged as an action. */
export interface AuditedCall {
  readonly kind: string;
  readonly name: string | undefined;
  /** The content of the request: hashed, and logged by choice. */
  readonly content: unknown;
}

/** The target of a method's call; undefined for methods that are not logged, such as lists and pings. */
export function auditedCall(method: string, params: unknown): AuditedCall | undefined {
  const found = Object.hasOwn(AUDITED, method) ? AUDITED[method] : undefined;
  if (found === undefined) return undefined;
  const { _meta, ...rest } = isObject(params) ? params : {};
  const name = found.names === undefined ? undefined : rest[found.names];
  const content = found.content === undefined ? rest : (rest[found.content] ?? {});
  return { kind: found.kind, name: typeof name === 'string' && name !== '' ? name : undefined, content };
}

/** The trace id of a W3C traceparent in a request's `_meta`. */
export function traceOf(params: unknown): string | undefined {
  const meta = isObject(params) ? params._meta : undefined;
  const parent = isObject(meta) ? meta.traceparent : undefined;
  return typeof parent === 'string' ? /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/.exec(parent)?.[1] : undefined;
}
