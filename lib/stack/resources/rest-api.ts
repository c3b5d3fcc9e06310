import { Aws } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  AuthorizationType,
  BasePathMapping,
  DomainName,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  type Method,
  MethodLoggingLevel,
  RestApi,
  type Stage,
} from 'aws-cdk-lib/aws-apigateway';
import type { IVpcEndpoint } from 'aws-cdk-lib/aws-ec2';
import { AccountRootPrincipal, AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import type { Construct } from 'constructs';
import { accessLog, accessLogFormat } from './access-log.ts';
import { checkThrottle, type LogApi, type LogApiProps, type LogDomain, OPEN_THROTTLE } from './http-api.ts';
import { acknowledgeRestApi } from './nag.ts';
import { STACK_ROUTES } from './routes.ts';

/** A REST API in place of the HTTP API, for what only REST APIs have. It costs 3.50 dollars a million requests instead of 1.00. */
export interface LogRestApi {
  /**
   * Endpoints of `execute-api` in VPCs, which make the API private: no request gets to it by another way.
   *
   * @default a regional API
   */
  readonly vpcEndpoints?: readonly IVpcEndpoint[];
  /**
   * The ARN of a web ACL of AWS WAF, for regional resources of the same region.
   *
   * @default none
   */
  readonly webAclArn?: string;
}

interface RestFront extends LogApi {
  readonly api: RestApi;
  readonly stage: Stage;
}

/** The stage's name, which is part of the API's URL. */
const STAGE = 'log';

/**
 * Makes a REST API with the same routes, authorised by IAM.
 *
 * @throws RangeError for an invalid throttle, and for no VPC endpoint
 */
export function logRestApi(scope: Construct, props: LogApiProps, { vpcEndpoints, webAclArn }: LogRestApi): RestFront {
  checkThrottle(props.throttle);
  if (vpcEndpoints?.length === 0)
    throw new RangeError('restApi.vpcEndpoints is empty: leave it out, or name an endpoint');
  const accessLogs = accessLog(scope, props);
  const route = { route: '$context.httpMethod $context.resourcePath' };
  const api = new RestApi(scope, 'RestApi', {
    description: 'Sealtrail: a tamper-evident audit log',
    endpointConfiguration: {
      types: [vpcEndpoints === undefined ? EndpointType.REGIONAL : EndpointType.PRIVATE],
      ...(vpcEndpoints && { vpcEndpoints: [...vpcEndpoints] }),
    },
    ...(vpcEndpoints && { policy: onlyFrom(vpcEndpoints) }),
    // Bodies may be compressed, both ways.
    binaryMediaTypes: ['*/*'],
    // The account's setting that lets API Gateway write logs: without it no stage may have an access log.
    cloudWatchRole: true,
    deployOptions: {
      stageName: STAGE,
      throttlingRateLimit: props.throttle.rate,
      throttlingBurstLimit: props.throttle.burst,
      accessLogDestination: new LogGroupLogDestination(accessLogs),
      accessLogFormat: AccessLogFormat.custom(accessLogFormat(props.service, route)),
      metricsEnabled: props.detailedMetrics,
      // They would hold what events say.
      loggingLevel: MethodLoggingLevel.OFF,
      dataTraceEnabled: false,
      methodOptions: Object.fromEntries(
        STACK_ROUTES.filter(({ action }) => action.on === 'nothing').map(({ method, path }) => [
          `${path}/${method}`,
          { throttlingRateLimit: OPEN_THROTTLE.rate, throttlingBurstLimit: OPEN_THROTTLE.burst },
        ]),
      ),
    },
  });
  const integrations = Object.fromEntries(
    Object.entries(props.functions).map(([group, fn]) => [
      group,
      new LambdaIntegration(fn, { scopePermissionToMethod: false, allowTestInvoke: false }),
    ]),
  );
  const open: Method[] = [];
  for (const { method, path, group, action } of STACK_ROUTES) {
    const authorizationType = action.on === 'nothing' ? AuthorizationType.NONE : AuthorizationType.IAM;
    const made = api.root.resourceForPath(path).addMethod(method, integrations[group], { authorizationType });
    if (action.on === 'nothing') open.push(made);
  }
  acknowledgeRestApi(api, open);
  const { deploymentStage: stage } = api;
  if (webAclArn !== undefined) {
    new CfnWebACLAssociation(scope, 'WebAcl', { resourceArn: stage.stageArn, webAclArn });
  }
  return {
    ...{
      api,
      stage,
      accessLogs,
      endpoint: `https://${api.restApiId}.execute-api.${Aws.REGION}.${Aws.URL_SUFFIX}/${STAGE}`,
    },
    arnOf: (method, path) =>
      `arn:${Aws.PARTITION}:execute-api:${Aws.REGION}:${Aws.ACCOUNT_ID}:${api.restApiId}/${STAGE}/${method}${path}`,
  };
}

/**
 * Admits requests by the endpoints alone. What they may do is IAM's to say: to allow an account is to leave it to the account's own
 * policies.
 */
function onlyFrom(endpoints: readonly IVpcEndpoint[]): PolicyDocument {
  const all = { actions: ['execute-api:Invoke'], resources: ['execute-api:/*'] };
  const ids = endpoints.map(({ vpcEndpointId }) => vpcEndpointId);
  return new PolicyDocument({
    statements: [
      new PolicyStatement({
        ...{ sid: 'OnlyByTheEndpoints', effect: Effect.DENY, principals: [new AnyPrincipal()], ...all },
        conditions: { StringNotEquals: { 'aws:SourceVpce': ids } },
      }),
      new PolicyStatement({ sid: 'AsIamSays', principals: [new AccountRootPrincipal()], ...all }),
    ],
  });
}

/** Serves the REST API under a custom domain. @throws RangeError for a private one, which has no public name */
export function restDomain(
  scope: Construct,
  { api, stage }: Pick<RestFront, 'api' | 'stage'>,
  props: LogDomain,
  isPrivate: boolean,
): DomainName {
  if (isPrivate) throw new RangeError('a private API takes no domain: its name is that of the VPC endpoint');
  const domain = new DomainName(scope, 'Domain', { ...props, endpointType: EndpointType.REGIONAL });
  new BasePathMapping(scope, 'DomainMapping', { domainName: domain, restApi: api, stage });
  return domain;
}
