import { Aws, CfnResource, CustomResource, Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { SignatureAlgorithm } from '../../store/ports.ts';
import type { Stage } from '../resources/stage.ts';
import { type WorkerContext, worker, workerRole } from './functions.ts';

const SMALL = { timeout: Duration.minutes(1), memorySize: 256 };

/** What a log cannot take back. CloudFormation keeps it with the stack. */
export interface GuardedSettings {
  readonly logName: string;
  readonly stage: Stage;
  readonly algorithm: SignatureAlgorithm;
  /** How many signing keys were made, and how many of them sign no more. */
  readonly rotation: { readonly made: number; readonly retired: number };
}

/**
 * Refuses an update that would take back what the last deployment said (`functions/deployment/guard.ts`), before anything else changes.
 * It depends on nothing of the log, so that all of the log can depend on it.
 */
export class Guard extends Construct {
  readonly #resource: CustomResource;

  constructor(scope: Construct, id: string, context: WorkerContext, settings: GuardedSettings) {
    super(scope, id);
    const role = workerRole(this, 'Guard');
    allowStackStatus(role);
    const fn = worker(this, 'Guard', context, {
      ...SMALL,
      bundle: 'guard',
      description: 'Sealtrail: refuses deployments that would take back what a log has promised',
      role,
    });
    this.#resource = new CustomResource(this, 'Settings', {
      serviceToken: fn.functionArn,
      resourceType: 'Custom::SealtrailGuard',
      properties: {
        LogName: settings.logName,
        Stage: settings.stage,
        SigningAlgorithm: settings.algorithm,
        KeysMade: settings.rotation.made,
        KeysRetired: settings.rotation.retired,
      },
    });
  }

  /** Has everything in a scope wait, since CloudFormation orders by dependencies alone. */
  guards(scope: Construct): void {
    const { defaultChild } = this.#resource.node;
    if (!CfnResource.isCfnResource(defaultChild)) throw new RangeError('a custom resource is made of a resource');
    const own = new Set(this.node.findAll());
    for (const one of scope.node.findAll()) {
      if (CfnResource.isCfnResource(one) && !own.has(one)) one.addResourceDependency(defaultChild);
    }
  }
}

/** Lets a protected table go with a first deployment that fails: see `functions/deployment/release.ts`. */
export function releaseTable(scope: Construct, context: WorkerContext, table: ITable): void {
  const role = workerRole(scope, 'Release');
  allowStackStatus(role);
  role.addToPolicy(
    new PolicyStatement({ sid: 'LiftProtection', actions: ['dynamodb:UpdateTable'], resources: [table.tableArn] }),
  );
  const fn = worker(scope, 'Release', context, {
    ...SMALL,
    bundle: 'release',
    description: 'Sealtrail: lets the table go when its first deployment fails',
    role,
  });
  new CustomResource(scope, 'TableRelease', {
    serviceToken: fn.functionArn,
    resourceType: 'Custom::SealtrailTableRelease',
    properties: { Table: table.tableName },
  });
}

function allowStackStatus(role: Role): void {
  role.addToPolicy(
    new PolicyStatement({ sid: 'SeeStack', actions: ['cloudformation:DescribeStacks'], resources: [Aws.STACK_ID] }),
  );
}
