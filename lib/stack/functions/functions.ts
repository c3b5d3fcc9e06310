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
  RecursiveLoop,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

/** The properties that differ between functions. */
export interface WorkerProps {
  /** Folder under `dist/lambda`. */
  readonly bundle: string;
  readonly description: string;
  readonly timeout: Duration;
  /** MB. CPU is proportional: 1,769 MB give one core. */
  readonly memorySize: number;
  /** @default none reserved */
  readonly reservedConcurrency?: number;
  /** True if it may invoke itself more than 16 times in a row, which Lambda otherwise takes for a loop. @default false */
  readonly invokesItself?: boolean;
  readonly role: Role;
}

/** The properties shared by all functions. */
export interface WorkerContext {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly layers: readonly ILayerVersion[];
  readonly logRetention: RetentionDays;
  readonly removal: RemovalPolicy;
}

/** The folder that `npm run bundle` writes: the same for the sources and for the published package. */
export function bundledFunctions(): string {
  return resolve(
    import.meta.dirname,
    import.meta.filename.endsWith('.ts') ? '../../../dist/lambda' : '../../../lambda',
  );
}

/** A role for a function, without any permissions yet. */
export function workerRole(scope: Construct, id: string): Role {
  return new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
}

/**
 * Makes a function from its bundle.
 *
 * @throws RangeError if there is no bundle
 */
export function worker(scope: Construct, id: string, context: WorkerContext, props: WorkerProps): LambdaFunction {
  const folder = resolve(context.folder, props.bundle);
  if (!existsSync(folder)) throw new RangeError(`there is no bundle in ${folder}: run npm run bundle`);
  const { role } = props;
  const logGroup = new LogGroup(scope, `${id}Logs`, {
    retention: context.logRetention,
    removalPolicy: context.removal,
  });
  // The managed policy for this would allow it on all logs of the account.
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
    ...(props.reservedConcurrency !== undefined && { reservedConcurrentExecutions: props.reservedConcurrency }),
    ...(props.invokesItself && { recursiveLoop: RecursiveLoop.ALLOW }),
    environment: context.environment,
    layers: [...context.layers],
    logGroup,
    loggingFormat: LoggingFormat.JSON,
  });
}

/** The roles of a log's functions, by name. */
export type Roles = Readonly<Record<'append' | 'read' | 'export' | 'seal' | 'follow' | 'verify', Role>>;

/** Limits of a function. Omitted ones keep their defaults. */
export interface FunctionLimits {
  /** Maximum duration of a run: at most 29 seconds for `append`, `read` and `seal`, since API Gateway waits for 30, else 15 minutes. */
  readonly timeout?: Duration;
  /** MB, 256 to 10,240. CPU is proportional: 1,769 MB give one core. */
  readonly memorySize?: number;
  /**
   * Maximum concurrent runs, reserved for this function out of the account's concurrency.
   *
   * @default none reserved, so that an account with a limit of 10, such as a new one, can deploy
   */
  readonly reservedConcurrency?: number;
}

/** Limits by function. */
export type FunctionsLimits = Readonly<Partial<Record<keyof Roles, FunctionLimits>>>;

/** API Gateway waits for 30 seconds. */
const API = { timeout: Duration.seconds(29), memorySize: 1024 };
const LONG = { timeout: Duration.minutes(15), memorySize: 1769 };
const MAX_TIMEOUT = LONG.timeout;

const WORKERS = {
  append: { ...API, description: 'Sealtrail: takes events in' },
  read: { ...API, description: 'Sealtrail: answers queries and proofs' },
  export: { ...LONG, description: 'Sealtrail: exports to files' },
  seal: { ...API, description: 'Sealtrail: takes orders to seal and to hold' },
  follow: { timeout: Duration.minutes(5), memorySize: 1024, description: 'Sealtrail: seals, archives and indexes' },
  verify: { ...LONG, description: 'Sealtrail: verifies every trail and its archive', invokesItself: true },
} as const;

/**
 * Makes all functions of a log, each with its role.
 *
 * @throws RangeError for limits that AWS does not accept
 */
export function workers(
  scope: Construct,
  context: WorkerContext,
  roles: Roles,
  limits: FunctionsLimits,
): Readonly<Record<keyof Roles, LambdaFunction>> {
  const made = (name: keyof Roles): LambdaFunction => {
    const usual = WORKERS[name];
    const own = { ...usual, ...limits[name] };
    const most = usual.timeout === API.timeout ? API.timeout : MAX_TIMEOUT;
    checkLimits(name, own, most);
    const id = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    return worker(scope, id, context, { ...own, bundle: name, role: roles[name] });
  };
  return {
    append: made('append'),
    read: made('read'),
    export: made('export'),
    seal: made('seal'),
    follow: made('follow'),
    verify: made('verify'),
  };
}

function checkLimits(name: string, { timeout, memorySize, reservedConcurrency }: FunctionLimits, most: Duration): void {
  const seconds = timeout?.toSeconds() ?? 1;
  if (seconds < 1 || seconds > most.toSeconds()) {
    throw new RangeError(`functions.${name}.timeout must be 1 to ${most.toSeconds()} seconds, not ${seconds}`);
  }
  if (memorySize !== undefined && !(memorySize >= 256 && memorySize <= 10_240)) {
    throw new RangeError(`functions.${name}.memorySize must be 256 to 10,240 MB, not ${memorySize}`);
  }
  if (reservedConcurrency !== undefined && !(Number.isSafeInteger(reservedConcurrency) && reservedConcurrency > 0)) {
    throw new RangeError(
      `functions.${name}.reservedConcurrency must be a whole number from 1, not ${reservedConcurrency}`,
    );
  }
}
