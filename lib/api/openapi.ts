import * as z from 'zod';
import { eventInputSchema } from '../event/schema.ts';
import type { Route } from './route.ts';
import { problemSchema } from './schemas.ts';

/** What the header parameters mean. */
const HEADERS: Readonly<Record<string, string>> = {
  'Idempotency-Key':
    '1 to 255 visible ASCII characters; the same key and body give the same answer for at least 24 hours.',
  Prefer: '`respond-async`: do not wait for the checkpoint. `return=representation`: add the record lines (RFC 7240).',
};

/** What the path and query parameters mean, where the name does not say it all. */
const PARAMETERS: Readonly<Record<string, string>> = {
  trail: 'The name of a trail.',
  event: 'A record number or the id of an event.',
  export: 'The id of an export.',
  seq: 'A record number, from 0 on.',
  actor: 'The id of an actor.',
  from: 'Inclusive: RFC 3339, a date of UTC or Unix milliseconds; for a consistency proof, a size.',
  to: 'Exclusive: RFC 3339, a date of UTC or Unix milliseconds; for a consistency proof, a size.',
  timeFrom: 'Inclusive, by the producer’s clock (the event’s `time`): RFC 3339, a date of UTC or Unix milliseconds.',
  timeTo: 'Exclusive, by the producer’s clock. Events that do not say when they happened are in no such period.',
  type: 'A type, one of its aliases, or a group such as `auth.*`. May come several times, as other filters may.',
  severity: 'At least this severity.',
  order: '`newest` (default) or `oldest` first.',
  limit: '1 to 1,000; default 100.',
  cursor: 'Where to go on: from the page before.',
  format: '`json` (default), `ndjson` or `csv`.',
  size: 'Records that the checkpoint must cover.',
  days: '1 to 3,660; default 30.',
  bucket: 'Of the histogram: `minute`, `hour` or `day`.',
  top: 'Values listed of each dimension.',
};

/** The problems that any route may answer with. */
const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The input is not right; `field` names what.',
  401: 'No or no valid signature.',
  403: 'Not allowed on this trail.',
  404: 'Not there.',
  409: 'In conflict with what is there: the idempotency key was used for something else, or the records have left the hot store and the archive is not read here.',
  429: 'Too much at once; `Retry-After` says when to come again.',
  500: 'Something went wrong inside.',
  503: 'Not available at the moment; `Retry-After` says when to come again.',
};
/** Those of requests with a body. */
const BODY_PROBLEMS: Readonly<Record<number, string>> = {
  413: 'Too much in one request.',
  415: 'Not application/json, or in an encoding that is not known.',
};
/** Those of appends. */
const APPEND_PROBLEMS: Readonly<Record<number, string>> = {
  503: `${PROBLEMS[503]} Nothing was stored, or, where the code is outcome_unknown, it may have been: the same key finds out.`,
};

/** The OpenAPI 3.1 description of the routes, made from the schemas that validate. */
export function openApi(routes: readonly Route[]): object {
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
        'A tamper-evident audit log. Every request is signed with AWS Signature Version 4 for `execute-api`.',
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

function operation({
  method,
  path,
  summary,
  query = [],
  headers = [],
  body,
  answers,
  formats = [],
  handler,
}: Route): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => parameter('path', name, PARAMETERS[name]));
  const parameters = [
    ...inPath,
    ...query.map((name) => parameter('query', name, PARAMETERS[name])),
    ...headers.map((name) => parameter('header', name, HEADERS[name])),
  ];
  const appends = method === 'POST' && body === undefined && headers.includes('Idempotency-Key');
  const problems = {
    ...PROBLEMS,
    ...(method === 'POST' ? BODY_PROBLEMS : {}),
    ...(appends ? APPEND_PROBLEMS : {}),
  };
  return {
    operationId: handler.name,
    summary,
    parameters,
    ...(appends ? { requestBody: EVENTS_BODY } : {}),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: !body.safeParse({}).success,
            content: { 'application/json': { schema: schemaOf(body, 'input') } },
          },
        }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, answerOf(summary, answer, formats)]),
      ),
      ...Object.fromEntries(Object.entries(problems).map(([status, description]) => [status, problemOf(description)])),
    },
  };
}

const EVENTS_BODY = {
  required: true,
  content: {
    'application/json': {
      schema: {
        oneOf: [
          { $ref: '#/components/schemas/Event' },
          {
            type: 'object',
            required: ['events'],
            additionalProperties: false,
            properties: {
              events: { type: 'array', minItems: 1, maxItems: 1000, items: { $ref: '#/components/schemas/Event' } },
            },
          },
        ],
      },
    },
  },
};

function parameter(where: 'path' | 'query' | 'header', name: string, description = `The ${name} to look for.`): object {
  return { name, in: where, description, required: where === 'path', schema: { type: 'string' } };
}

function answerOf(description: string, answer: z.ZodType | string, formats: readonly string[]): object {
  const text = (type: string): [string, object] => [type, { schema: { type: 'string' } }];
  if (typeof answer === 'string') return { description, content: Object.fromEntries([text(answer)]) };
  const json = { schema: schemaOf(answer, 'output') };
  return { description, content: { 'application/json': json, ...Object.fromEntries(formats.map(text)) } };
}

function problemOf(description: string): object {
  return { description, content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } };
}

/** JSON Schema 2020-12, which is what OpenAPI 3.1 has. What has no JSON form (a check in code) is left out. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', unrepresentable: 'any', io });
  return rest;
}
