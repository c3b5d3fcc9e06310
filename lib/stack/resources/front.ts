import type { DomainName as RestDomainName } from 'aws-cdk-lib/aws-apigateway';
import type { DomainName } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Construct } from 'constructs';
import { type LogApi, type LogApiProps, type LogDomain, logApi, logDomain } from './http-api.ts';
import { type LogRestApi, logRestApi, restDomain } from './rest-api.ts';

/** Which API callers use. */
export interface FrontProps {
  readonly domain?: LogDomain;
  readonly restApi?: LogRestApi;
}

/**
 * Makes the API that callers use: an HTTP API, or a REST API where it is asked for.
 *
 * @throws RangeError for an invalid throttle, and for a domain of a private API
 */
export function openFront(
  scope: Construct,
  props: LogApiProps,
  { domain, restApi }: FrontProps,
): LogApi & { readonly domain: DomainName | RestDomainName | undefined } {
  if (restApi === undefined) {
    const front = logApi(scope, props);
    return { ...front, domain: domain && logDomain(scope, front.api, front.stage, domain) };
  }
  const front = logRestApi(scope, props, restApi);
  const isPrivate = restApi.vpcEndpoints !== undefined;
  return { ...front, domain: domain && restDomain(scope, front, domain, isPrivate) };
}
