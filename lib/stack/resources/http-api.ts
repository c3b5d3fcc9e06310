import { Aws, type RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat, type RestApi, type Stage as RestStage } from 'aws-cdk-lib/aws-apigateway';
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
import type { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { RouteGroup } from '../../api/routes.ts';
import { accessLog, accessLogFormat } from './access-log.ts';
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
  /** True if API Gateway keeps metrics per route. */
  readonly detailedMetrics: boolean;
  /** Identifies this deployment's metrics within the account. */
  readonly service: string;
  readonly logRetention: RetentionDays;
  readonly removal: RemovalPolicy;
}

const METHODS: Readonly<Record<string, HttpMethod>> = { GET: HttpMethod.GET, POST: HttpMethod.POST };

/** Requests per second of an account in a region, unless its quota was raised (API Gateway developer guide, "Quotas"). */
const ACCOUNT_RATE = 10_000;
const ACCOUNT_BURST = 5_000;

/** @throws RangeError for a throttle that lets nothing through, or more than an account's limits */
export function checkThrottle({ rate, burst }: Throttle): void {
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
  readonly api: HttpApi | RestApi;
  readonly stage: HttpStage | RestStage;
  readonly accessLogs: LogGroup;
  /** Its own URL. */
  readonly endpoint: string;
  /** The ARN of a route for IAM policies; its parameters are `*` or given values. */
  readonly arnOf: (method: string, path: string) => string;
}

interface LogHttpApi extends LogApi {
  readonly api: HttpApi;
  readonly stage: HttpStage;
}

/** The throttle of routes without authorisation, far below the stage's, so that strangers use up none of it. */
export const OPEN_THROTTLE: Throttle = { rate: 5, burst: 10 };

/**
 * Makes an HTTP API with all routes, authorised by IAM but for the API's description and its health, which are everybody's.
 *
 * @throws RangeError for an invalid throttle
 */
export function logApi(scope: Construct, props: LogApiProps): LogHttpApi {
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
  const accessLogs = accessLog(scope, props);
  const stage = new HttpStage(scope, 'Stage', {
    httpApi: api,
    stageName: '$default',
    autoDeploy: true,
    throttle: { rateLimit: props.throttle.rate, burstLimit: props.throttle.burst },
    accessLogSettings: {
      destination: new LogGroupLogDestination(accessLogs),
      format: AccessLogFormat.custom(accessLogFormat(props.service, { route: '$context.routeKey' })),
    },
    detailedMetricsEnabled: props.detailedMetrics,
  });
  limitOpen(stage, open, props.detailedMetrics);
  return {
    ...{ api, stage, accessLogs, endpoint: api.apiEndpoint },
    arnOf: (method, path) =>
      `arn:${Aws.PARTITION}:execute-api:${Aws.REGION}:${Aws.ACCOUNT_ID}:${api.apiId}/$default/${method}${path}`,
  };
}

/** Gives routes without authorisation a throttle of their own. */
function limitOpen(stage: HttpStage, routes: ReadonlyMap<string, HttpRoute>, detailedMetrics: boolean): void {
  const { rate, burst } = OPEN_THROTTLE;
  const limits = { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst, DetailedMetricsEnabled: detailedMetrics };
  const settings = Object.fromEntries([...routes.keys()].map((key) => [key, limits]));
  // The cast: what a stage is in CloudFormation. The construct itself knows no settings of routes.
  (stage.node.defaultChild as CfnStage).addPropertyOverride('RouteSettings', settings);
  for (const route of routes.values()) {
    // API Gateway takes settings only of routes that exist.
    stage.node.addDependency(route);
    acknowledgeOpen(route);
  }
}
