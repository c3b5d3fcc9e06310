import type { RemovalPolicy } from 'aws-cdk-lib';
import { FilterPattern, LogGroup, MetricFilter, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { API_THROTTLES } from '../monitoring/metrics.ts';

/** The gateway's access log: who called what and when. It omits the path, which may name people. */
const ACCESS_LOG = {
  at: '$context.requestTime',
  requestId: '$context.requestId',
  status: '$context.status',
  caller: '$context.identity.userArn',
  ip: '$context.identity.sourceIp',
  ms: '$context.responseLatency',
  bytes: '$context.responseLength',
  error: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
};

/** A line of the access log, as API Gateway takes it. */
export const accessLogFormat = (service: string, more: Readonly<Record<string, string>>): string =>
  JSON.stringify({ service, ...more, ...ACCESS_LOG });

/** The log group of the access log, with the metric of throttled requests. */
export function accessLog(
  scope: Construct,
  { logRetention, removal }: { readonly logRetention: RetentionDays; readonly removal: RemovalPolicy },
): LogGroup {
  const logGroup = new LogGroup(scope, 'AccessLogs', { retention: logRetention, removalPolicy: removal });
  new MetricFilter(scope, 'ApiThrottles', {
    logGroup,
    metricNamespace: API_THROTTLES.namespace,
    metricName: API_THROTTLES.name,
    filterPattern: FilterPattern.stringValue('$.status', '=', '429'),
    metricValue: '1',
    // Like the functions' own metrics.
    dimensions: { service: '$.service' },
  });
  return logGroup;
}
