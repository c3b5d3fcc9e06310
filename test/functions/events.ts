import type {
  APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent,
  APIGatewayProxyEvent as RestEvent,
} from 'aws-lambda';

/**
 * Events as API Gateway sends them: an HTTP API's payload 2.0 with IAM authorisation (API Gateway developer guide, "Create
 * AWS Lambda proxy integrations for HTTP APIs").
 */

export const USER = 'arn:aws:iam::111122223333:user/shop';
export const SESSION = 'arn:aws:sts::111122223333:assumed-role/Shop/i-0123456789abcdef0';

export interface Call {
  /** `METHOD /path/{parameter}`, as the route is written. */
  readonly route: string;
  /** Decoded, as API Gateway gives them. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly userArn?: string;
}

export function gatewayEvent({
  route,
  parameters = {},
  query = '',
  headers = {},
  body,
  userArn = USER,
}: Call): GatewayEvent {
  const [method = '', template = ''] = route.split(' ');
  const rawPath = template.replace(/\{(\w+)\}/g, (_, name: string) => parameters[name] ?? '');
  const isBase64Encoded = body instanceof Uint8Array;
  return {
    version: '2.0',
    routeKey: route,
    rawPath,
    rawQueryString: query,
    headers: {
      accept: '*/*',
      authorization: 'AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261121/eu-central-1/execute-api/aws4_request, ...',
      'content-length': String(body?.length ?? 0),
      host: 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com',
      'x-amzn-trace-id': 'Root=1-5fff599f-6fca6ee66e37fe5e518eb45b',
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
      ...headers,
    },
    ...(Object.keys(parameters).length === 0 ? {} : { pathParameters: { ...parameters } }),
    requestContext: {
      accountId: '111122223333',
      apiId: 'a1b2c3d4e5',
      authorizer: {
        iam: {
          accessKey: 'AKIAEXAMPLE',
          accountId: '111122223333',
          callerId: 'AIDAEXAMPLE',
          cognitoIdentity: null,
          principalOrgId: 'aws:PrincipalOrgID',
          userArn,
          userId: 'AIDAEXAMPLE',
        },
      },
      domainName: 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com',
      domainPrefix: 'a1b2c3d4e5',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '203.0.113.7', userAgent: 'curl/8.5.0' },
      requestId: 'Vh1f2iZ4liAEPRQ=',
      routeKey: route,
      stage: '$default',
      time: '21/Nov/2026:06:00:00 +0000',
      timeEpoch: 1_795_240_800_000,
    },
    isBase64Encoded,
    ...(body === undefined ? {} : { body: isBase64Encoded ? Buffer.from(body).toString('base64') : String(body) }),
  };
}

/** The same as a REST API sends it: the path as it was sent, the query decoded, and the body in base64, which every type is. */
export function restEvent({ route, parameters = {}, query = '', headers = {}, body, userArn = USER }: Call): RestEvent {
  const [method = '', template = ''] = route.split(' ');
  const encoded = (_: string, name: string): string => encodeURIComponent(parameters[name] ?? '');
  const path = template.replace(/\{(\w+)\}/g, encoded);
  const values = new URLSearchParams(query);
  const multiValueQueryStringParameters = Object.fromEntries(
    [...new Set(values.keys())].map((name) => [name, values.getAll(name)]),
  );
  const sent = { Accept: '*/*', Host: 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com', ...headers };
  const nobody = {
    ...{ accessKey: null, accountId: null, apiKey: null, apiKeyId: null, caller: null, clientCert: null },
    ...{ cognitoAuthenticationProvider: null, cognitoAuthenticationType: null, cognitoIdentityId: null },
    ...{ cognitoIdentityPoolId: null, principalOrgId: null, user: null },
  };
  return {
    ...{ resource: template, path, httpMethod: method, headers: sent, multiValueHeaders: {} },
    ...{ queryStringParameters: Object.fromEntries(values), multiValueQueryStringParameters, stageVariables: null },
    pathParameters: { ...parameters },
    requestContext: {
      ...{ accountId: '111122223333', apiId: 'a1b2c3d4e5', authorizer: null, protocol: 'HTTP/1.1', httpMethod: method },
      identity: { ...nobody, sourceIp: '203.0.113.7', userAgent: 'curl/8.5.0', userArn },
      ...{ path: `/log${path}`, stage: 'log', requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef' },
      ...{ requestTimeEpoch: 1_795_240_800_000, resourceId: '123456', resourcePath: template },
    },
    isBase64Encoded: true,
    body: body === undefined ? null : Buffer.from(body).toString('base64'),
  };
}
