import { Aws, type RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  ApiMapping,
  type CfnStage,
  DomainName,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  type HttpRoute,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { FilterPattern, LogGroup, MetricFilter, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { RouteGroup } from '../../api/routes.ts';
import { API_THROTTLES } from '../monitoring/metrics.ts';
import { acknowledgeOpen } from './nag.ts';
import { STACK_ROUTES } from './routes.ts';

/** Limits on the requests of all callers together. Requests beyond them get 429. */
export interface Throttle {
  /** Requests per second, on average. */
  readonly rate: number;
  /** Concurrent requests. */
  readonly burst: number;
}

export interface LogApiProps {
  readonly functions: Readonly<Record<RouteGroup, IFunction>>;
  readonly throttle: Throttle;
  /** Whether API Gateway keeps metrics per route. */
  readonly detailedMetrics: boolean;
  /** Identifies this deployment's metrics within the account. */
  readonly service: string;
  readonly logRetention: RetentionDays;
  readonly removal: RemovalPolicy;
}

const METHODS: Readonly<Record<string, HttpMethod>> = { GET: HttpMethod.GET, POST: HttpMethod.POST };

/** The gateway's access log: who called what and when. It omits the path, which may name people. */
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

/** Requests per second of an account in a region, unless its quota was raised (API Gateway developer guide, "Quotas"). */
const ACCOUNT_RATE = 10_000;
const ACCOUNT_BURST = 5_000;

/** @throws RangeError for a throttle that lets nothing through, or more than an account's limits */
function checkThrottle({ rate, burst }: Throttle): void {
  if (!(rate >= 1 && rate <= ACCOUNT_RATE)) {
    throw new RangeError(`throttle.rate must be 1 to ${ACCOUNT_RATE} requests a second, not ${rate}`);
  }
  if (!(Number.isSafeInteger(burst) && burst >= 1 && burst <= ACCOUNT_BURST)) {
    throw new RangeError(`throttle.burst must be 1 to ${ACCOUNT_BURST} requests at once, not ${burst}`);
  }
}

/** A custom domain for the API. */
export interface LogDomain {
  /** Such as `audit.example.com`. Point it at `domain` with an alias record of your own. */
  readonly domainName: string;
  /** A certificate for that name, in the same region. */
  readonly certificate: ICertificate;
}

/** Serves the API under a custom domain, besides its own. */
export function logDomain(scope: Construct, api: HttpApi, stage: HttpStage, props: LogDomain): DomainName {
  const domain = new DomainName(scope, 'Domain', { ...props });
  new ApiMapping(scope, 'DomainMapping', { api, stage, domainName: domain });
  return domain;
}

/** The API that callers use. */
export interface LogApi {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly accessLogs: LogGroup;
}

/**
 * Makes an HTTP API with all routes, authorised by IAM but for the API's description, which is everybody's.
 *
 * @throws RangeError for an invalid throttle
 */
export function logApi(scope: Construct, props: LogApiProps): LogApi {
  checkThrottle(props.throttle);
  const api = new HttpApi(scope, 'Api', {
    description: 'Sealtrail: a tamper-evident audit log',
    createDefaultStage: false,
  });
  const iam = new HttpIamAuthorizer();
  const nobody = new HttpNoneAuthorizer();
  const integrations = Object.fromEntries(
    Object.entries(props.functions).map(([group, fn]) => [
      group,
      new HttpLambdaIntegration(`${group}Integration`, fn, { scopePermissionToRoute: false }),
    ]),
  );
  const open = new Map<string, HttpRoute>();
  for (const { method, path, group, action } of STACK_ROUTES) {
    const verb = METHODS[method];
    const integration = integrations[group];
    if (verb === undefined || integration === undefined) throw new RangeError(`nothing serves ${method} ${path}`);
    const isOpen = action.on === 'nothing';
    const [route] = api.addRoutes({ path, methods: [verb], integration, authorizer: isOpen ? nobody : iam });
    if (isOpen && route !== undefined) open.set(`${method} ${path}`, route);
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
    detailedMetricsEnabled: props.detailedMetrics,
  });
  limitOpen(stage, open, props.detailedMetrics);
  new MetricFilter(scope, 'ApiThrottles', {
    logGroup: accessLogs,
    metricNamespace: API_THROTTLES.namespace,
    metricName: API_THROTTLES.name,
    filterPattern: FilterPattern.stringValue('$.status', '=', '429'),
    metricValue: '1',
    // Like the functions' own metrics.
    dimensions: { service: '$.service' },
  });
  return { api, stage, accessLogs };
}

/** Gives routes without authorisation a throttle of their own, far below the stage's, so that strangers use up none of it. */
function limitOpen(stage: HttpStage, routes: ReadonlyMap<string, HttpRoute>, detailedMetrics: boolean): void {
  const limits = { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10, DetailedMetricsEnabled: detailedMetrics };
  const settings = Object.fromEntries([...routes.keys()].map((key) => [key, limits]));
  // The cast: what a stage is in CloudFormation. The construct itself knows no settings of routes.
  (stage.node.defaultChild as CfnStage).addPropertyOverride('RouteSettings', settings);
  for (const route of routes.values()) {
    // API Gateway takes settings only of routes that exist.
    stage.node.addDependency(route);
    acknowledgeOpen(route);
  }
}

/** The ARN of a route for IAM policies; its parameters are `*` or given values. */
export const routeArn = (api: HttpApi, method: string, path: string): string =>
  `arn:${Aws.PARTITION}:execute-api:${Aws.REGION}:${Aws.ACCOUNT_ID}:${api.apiId}/$default/${method}${path}`;
