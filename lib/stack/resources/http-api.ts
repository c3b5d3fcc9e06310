import { Aws, type RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { FilterPattern, LogGroup, MetricFilter, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { RouteGroup } from '../../api/routes.ts';
import { API_THROTTLES } from '../monitoring/metrics.ts';
import { STACK_ROUTES } from './routes.ts';

/** How many requests are let through, all callers together; the rest is answered with 429. */
export interface Throttle {
  /** Requests per second, on average. */
  readonly rate: number;
  /** Requests at once. */
  readonly burst: number;
}

export interface LogApiProps {
  readonly functions: Readonly<Record<RouteGroup, IFunction>>;
  readonly throttle: Throttle;
  /** Tells this deployment's metrics from those of others in the account. */
  readonly service: string;
  readonly logRetention: RetentionDays;
  readonly removal: RemovalPolicy;
}

const METHODS: Readonly<Record<string, HttpMethod>> = { GET: HttpMethod.GET, POST: HttpMethod.POST };

/** Who called what and when, by the gateway. The path is left out: it may name people. */
const ACCESS_LOG = {
  at: '$context.requestTime',
  requestId: '$context.requestId',
  route: '$context.routeKey',
  status: '$context.status',
  caller: '$context.identity.userArn',
  ip: '$context.identity.sourceIp',
  ms: '$context.responseLatency',
  bytes: '$context.responseLength',
  error: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
};

/** An HTTP API with a route for each call, all of them behind IAM. */
export function logApi(scope: Construct, props: LogApiProps): { readonly api: HttpApi; readonly stage: HttpStage } {
  const api = new HttpApi(scope, 'Api', {
    description: 'Sealtrail: a tamper-evident audit log',
    createDefaultStage: false,
  });
  const authorizer = new HttpIamAuthorizer();
  const integrations = Object.fromEntries(
    Object.entries(props.functions).map(([group, fn]) => [
      group,
      new HttpLambdaIntegration(`${group}Integration`, fn, { scopePermissionToRoute: false }),
    ]),
  );
  for (const { method, path, group } of STACK_ROUTES) {
    const verb = METHODS[method];
    const integration = integrations[group];
    if (verb === undefined || integration === undefined) throw new RangeError(`nothing serves ${method} ${path}`);
    api.addRoutes({ path, methods: [verb], integration, authorizer });
  }
  const accessLogs = new LogGroup(scope, 'AccessLogs', {
    retention: props.logRetention,
    removalPolicy: props.removal,
  });
  const stage = new HttpStage(scope, 'Stage', {
    httpApi: api,
    stageName: '$default',
    autoDeploy: true,
    throttle: { rateLimit: props.throttle.rate, burstLimit: props.throttle.burst },
    accessLogSettings: {
      destination: new LogGroupLogDestination(accessLogs),
      format: AccessLogFormat.custom(JSON.stringify({ service: props.service, ...ACCESS_LOG })),
    },
    detailedMetricsEnabled: true,
  });
  new MetricFilter(scope, 'ApiThrottles', {
    logGroup: accessLogs,
    metricNamespace: API_THROTTLES.namespace,
    metricName: API_THROTTLES.name,
    filterPattern: FilterPattern.stringValue('$.status', '=', '429'),
    metricValue: '1',
    // As the functions' own metrics have it.
    dimensions: { service: '$.service' },
  });
  return { api, stage };
}

/** The ARN of a route as IAM policies name it; parameters are `*` or what is put in for them. */
export const routeArn = (api: HttpApi, method: string, path: string): string =>
  `arn:${Aws.PARTITION}:execute-api:${Aws.REGION}:${Aws.ACCOUNT_ID}:${api.apiId}/$default/${method}${path}`;
