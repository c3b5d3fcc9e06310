import type { APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent } from 'aws-lambda';

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
