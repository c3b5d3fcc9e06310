import * as z from 'zod';
import { eventInputSchema } from '../../event/schema.ts';
import { isOptional, type JsonBody, type RawBody } from './body.ts';
import type { Route } from './route.ts';

/** A route with any services. */
type Described = Route<never>;

/** The schema of an error response (RFC 9457): see `Problem` in problem.ts. */
const problemSchema = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('Stable: programs may branch on it.'),
  detail: z.string(),
  field: z.string().describe('The input field or parameter at fault.').optional(),
  requestId: z.string(),
});

/** The problems that any route may respond with. */
const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The input is invalid; `field` names the part at fault.',
  401: 'The signature is missing or invalid.',
  403: 'Not allowed on this trail.',
  404: 'Not there.',
  409: 'In conflict with the current state: the idempotency key was used for something else, or the records have left the hot store and the archive is not read here.',
  429: 'Too many requests at once; `Retry-After` says when to retry.',
  500: 'An internal error.',
  503: 'Temporarily unavailable; `Retry-After` says when to retry.',
};
/** The problems of requests with a body. */
const BODY_PROBLEMS: Readonly<Record<number, string>> = {
  413: 'Too much in one request.',
  415: 'Not application/json, or in an unknown encoding.',
};
/** The problems of appends. */
const APPEND_PROBLEMS: Readonly<Record<number, string>> = {
  503: `${PROBLEMS[503]} Nothing was stored, unless the code is outcome_unknown: then a retry with the same key finds out.`,
};

/** The OpenAPI 3.1 description of the routes, made from the schemas that validate. */
export function openApi(routes: readonly Described[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sealtrail',
      version: '1',
      description:
        'A tamper-evident audit log. Every request but those for this description and for `/healthz` is signed with AWS Signature Version 4 for `execute-api`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ sigv4: [] }],
    paths,
    components: {
      securitySchemes: {
        sigv4: { type: 'apiKey', in: 'header', name: 'Authorization', 'x-amazon-apigateway-authtype': 'awsSigv4' },
      },
      schemas: { Event: schemaOf(eventInputSchema, 'input'), Problem: schemaOf(problemSchema, 'output') },
    },
  };
}

function operation(route: Described): object {
  const { name, method, summary, body, replies, formats } = route;
  const isRaw = body !== undefined && 'described' in body;
  const all = { ...PROBLEMS, ...(method === 'POST' ? BODY_PROBLEMS : {}), ...(isRaw ? APPEND_PROBLEMS : {}) };
  const problems = Object.fromEntries(
    Object.entries(all).filter(([status]) => status !== '500' || route.internalStatus === undefined),
  );
  return {
    operationId: name,
    summary,
    parameters: [
      ...(route.action.on === 'path' ? [TRAIL] : []),
      ...parametersOf('path', route.params),
      ...parametersOf('query', route.query),
      ...parametersOf('header', route.headers),
    ],
    ...(body === undefined ? {} : { requestBody: requestBody(body) }),
    responses: {
      ...Object.fromEntries(
        Object.entries(replies).map(([status, reply]) => [status, replyOf(summary, reply, formats)]),
      ),
      ...Object.fromEntries(Object.entries(problems).map(([status, description]) => [status, problemOf(description)])),
    },
  };
}

const TRAIL = {
  name: 'trail',
  in: 'path',
  description: 'The name of a trail.',
  required: true,
  schema: { type: 'string' },
};

/** A parameter with several values is an array: it is repeated for each (style `form`, exploded). */
function parametersOf(where: 'path' | 'query' | 'header', { shape }: z.ZodObject): readonly object[] {
  return Object.entries(shape).map(([name, member]) => {
    // The cast: members of an object schema of zod's main entry.
    const { description, default: _, ...schema } = schemaOf(member as z.ZodType, 'input');
    const required = !(member instanceof z.ZodOptional || member instanceof z.ZodDefault);
    return { name, in: where, description, required, schema };
  });
}

function requestBody(body: JsonBody | RawBody): object {
  const isRaw = 'described' in body;
  const schema = isRaw ? body.described : schemaOf(body.schema, 'input');
  return { required: isRaw || !isOptional(body.schema), content: { 'application/json': { schema } } };
}

function replyOf(description: string, reply: z.ZodType | string, formats: readonly string[]): object {
  const text = (type: string): [string, object] => [type, { schema: { type: 'string' } }];
  if (typeof reply === 'string') return { description, content: Object.fromEntries([text(reply)]) };
  const json = { schema: schemaOf(reply, 'output') };
  return { description, content: { 'application/json': json, ...Object.fromEntries(formats.map(text)) } };
}

function problemOf(description: string): object {
  return { description, content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } };
}

/** JSON Schema 2020-12, as OpenAPI 3.1 requires. Checks in code have no JSON form and are omitted. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Omit<z.core.JSONSchema.BaseSchema, '$schema'> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', unrepresentable: 'any', io });
  return rest;
}
