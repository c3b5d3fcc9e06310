import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  type ILayerVersion,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

/** What differs between functions. */
export interface WorkerProps {
  /** Folder under `dist/lambda`. */
  readonly bundle: string;
  readonly description: string;
  readonly timeout: Duration;
  /** MB. Lambda gives CPU in proportion: 1,769 MB are one core. */
  readonly memorySize: number;
  readonly role: Role;
}

/** What is the same for all functions. */
export interface WorkerContext {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly layers: readonly ILayerVersion[];
  readonly logRetention: RetentionDays;
  readonly removal: RemovalPolicy;
}

/** Where `npm run bundle` leaves the functions: the same place from the sources and from the published package. */
export function bundledFunctions(): string {
  return resolve(
    import.meta.dirname,
    import.meta.filename.endsWith('.ts') ? '../../../dist/lambda' : '../../../lambda',
  );
}

/** A role that a function may run as; what it may do besides is added by whoever knows. */
export function workerRole(scope: Construct, id: string): Role {
  return new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
}

/**
 * A function from its bundle.
 *
 * @throws RangeError when there is no bundle
 */
export function worker(scope: Construct, id: string, context: WorkerContext, props: WorkerProps): LambdaFunction {
  const folder = resolve(context.folder, props.bundle);
  if (!existsSync(folder)) throw new RangeError(`there is no bundle in ${folder}: run npm run bundle`);
  const { role } = props;
  const logGroup = new LogGroup(scope, `${id}Logs`, {
    retention: context.logRetention,
    removalPolicy: context.removal,
  });
  // The managed policy for this allows it on the logs of the whole account.
  role.addToPolicy(
    new PolicyStatement({
      sid: 'WriteLogs',
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    }),
  );
  return new LambdaFunction(scope, id, {
    description: props.description,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    code: Code.fromAsset(folder),
    handler: 'index.handler',
    role,
    timeout: props.timeout,
    memorySize: props.memorySize,
    environment: context.environment,
    layers: [...context.layers],
    logGroup,
    loggingFormat: LoggingFormat.JSON,
  });
}

/** The functions of a log, by their names. */
export type Roles = Readonly<Record<'append' | 'read' | 'export' | 'seal' | 'follow' | 'verify', Role>>;

/** All functions of a log, each under its role. */
export function workers(
  scope: Construct,
  context: WorkerContext,
  roles: Roles,
): Readonly<Record<keyof Roles, LambdaFunction>> {
  // API Gateway waits for 30 seconds.
  const api = { timeout: Duration.seconds(29), memorySize: 1024 };
  return {
    append: worker(scope, 'Append', context, {
      ...api,
      bundle: 'append',
      description: 'Sealtrail: takes events in',
      role: roles.append,
    }),
    read: worker(scope, 'Read', context, {
      ...api,
      bundle: 'read',
      description: 'Sealtrail: answers queries and proofs',
      role: roles.read,
    }),
    export: worker(scope, 'Export', context, {
      timeout: Duration.minutes(15),
      memorySize: 1769,
      bundle: 'export',
      description: 'Sealtrail: exports to files',
      role: roles.export,
    }),
    seal: worker(scope, 'Seal', context, {
      ...api,
      bundle: 'seal',
      description: 'Sealtrail: takes orders to seal and to hold',
      role: roles.seal,
    }),
    follow: worker(scope, 'Follow', context, {
      timeout: Duration.minutes(5),
      memorySize: 1024,
      bundle: 'follow',
      description: 'Sealtrail: seals, archives and indexes',
      role: roles.follow,
    }),
    verify: worker(scope, 'Verify', context, {
      timeout: Duration.minutes(15),
      memorySize: 1769,
      bundle: 'verify',
      description: 'Sealtrail: verifies every trail and its archive',
      role: roles.verify,
    }),
  };
}
