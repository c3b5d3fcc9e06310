import { Aws, CfnResource, CustomResource, Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { SignatureAlgorithm } from '../../store/ports.ts';
import type { Stage } from '../resources/stage.ts';
import { type WorkerContext, worker, workerRole } from './functions.ts';

const SMALL = { timeout: Duration.minutes(1), memorySize: 256 };

/** The irrevocable settings of a log. CloudFormation keeps them with the stack. */
export interface GuardedSettings {
  readonly logName: string;
  readonly stage: Stage;
  readonly algorithm: SignatureAlgorithm;
  /** The number of signing keys made, and of those retired. */
  readonly rotation: { readonly made: number; readonly retired: number };
}

/**
 * Refuses an update that would revoke settings of the last deployment (`functions/deployment/guard.ts`), before anything else
 * changes. It depends on no other resource, so that all others can depend on it.
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

  /** Makes everything in a scope depend on the guard, since CloudFormation orders only by dependencies. */
  guards(scope: Construct): void {
    const { defaultChild } = this.#resource.node;
    if (!CfnResource.isCfnResource(defaultChild)) throw new RangeError('a custom resource is made of a resource');
    const own = new Set(this.node.findAll());
    for (const one of scope.node.findAll()) {
      if (CfnResource.isCfnResource(one) && !own.has(one)) one.addResourceDependency(defaultChild);
    }
  }
}

/** Releases the protected table for deletion if the first deployment fails: see `functions/deployment/release.ts`. */
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
