import type {
  APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent,
  APIGatewayProxyEvent as RestEvent,
} from 'aws-lambda';

/** A request as either kind of API sends it. */
export type ApiEvent = GatewayEvent | RestEvent;

/** A request as API Gateway hands it on, from an HTTP API (payload format 2.0) or a REST API. */
export interface GatewayCall {
  readonly method: string;
  /** Percent-encoded, as the caller sent it. */
  readonly path: string;
  readonly query: string;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly sent: Buffer;
  /** The ARN of the caller: a user, or a role's session including the session name. Absent on a route without authorisation. */
  readonly caller: string | undefined;
  readonly requestId: string;
}

export function callOf(event: ApiEvent): GatewayCall {
  const sent = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  return 'httpMethod' in event ? { ...ofRest(event), sent } : { ...ofHttp(event), sent };
}

function ofHttp(event: GatewayEvent): Omit<GatewayCall, 'sent'> {
  // The type claims that the authorizer is always present, but a route without one lacks it.
  const context: Partial<GatewayEvent['requestContext']> & Pick<GatewayEvent['requestContext'], 'http' | 'requestId'> =
    event.requestContext;
  const { http, requestId, authorizer } = context;
  const caller = authorizer?.iam?.userArn;
  return {
    method: http.method,
    path: pathOf(event),
    query: event.rawQueryString,
    headers: event.headers,
    caller,
    requestId,
  };
}

/**
 * The original, percent-encoded path. An HTTP API's `rawPath` is decoded, so a `%` or `/` in an actor's id would look like
 * the path's own; its path parameters are unambiguous. An id with `/` or `?` matches no route and never gets here:
 * `GET …/activity?actor=` takes any id.
 */
function pathOf({ routeKey, rawPath, pathParameters }: GatewayEvent): string {
  const [, template] = routeKey.split(' ');
  if (template === undefined) return rawPath;
  return template.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent((pathParameters?.[name] ?? '').toWellFormed()),
  );
}

/** A REST API leaves the path as it was sent, and decodes the query. */
function ofRest({ httpMethod, path, headers, multiValueQueryStringParameters, requestContext }: RestEvent) {
  const query = new URLSearchParams();
  for (const [name, values] of Object.entries(multiValueQueryStringParameters ?? {})) {
    for (const value of values ?? []) query.append(name, value);
  }
  const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    ...{ method: httpMethod, path, query: query.toString(), headers: Object.fromEntries(lowered) },
    caller: requestContext.identity.userArn ?? undefined,
    requestId: requestContext.requestId,
  };
}
