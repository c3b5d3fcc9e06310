import { App, CustomResource, Stack } from 'aws-cdk-lib';
import { InterfaceVpcEndpoint } from 'aws-cdk-lib/aws-ec2';
import { stackFromContext } from '../../lib/stack/context.ts';
import type { LogRestApi } from '../../lib/stack/resources/rest-api.ts';
import { SealtrailStack } from '../../lib/stack/stack.ts';
import { SealtrailWitness } from '../../lib/stack/witness.ts';
import { isMinistack } from './emulated.ts';

/**
 * The app of `bin/app.ts`, as the tests need it: without what ministack takes for an error in a template, with the props of
 * `SEALTRAIL_TEST_PROPS` that no context can set, and, where `SEALTRAIL_TEST_FAILS` says so, with something beside the log that fails
 * once the log is there. `SEALTRAIL_TEST_WITNESS` makes it the app of a witness instead.
 */

/** Constructs of types that ministack's CloudFormation does not know. Whether it still does not, `gaps.aws.test.ts` asks. */
const UNKNOWN = ['AnyAlarm'];

const app = new App();
const { id, props } = stackFromContext(app.node.getAllContext());
const { SEALTRAIL_TEST_WITNESS: witness, SEALTRAIL_TEST_PROPS: more = '{}' } = process.env;
if (witness === undefined) makeLog();
else new SealtrailWitness(new Stack(app, id), 'Witness', JSON.parse(witness));

function makeLog(): void {
  // As `company.aws.test.ts` writes them.
  const { endpoints, ...others }: { readonly endpoints?: readonly string[] } = JSON.parse(more);
  const stack = new SealtrailStack(app, id, { ...props, ...others, ...(endpoints && { restApi: restApi(endpoints) }) });
  leaveOut(stack);
}

/** @param endpoints ids of VPC endpoints: without any the API is not private */
function restApi(endpoints: readonly string[]): LogRestApi {
  const scope = new Stack();
  const vpcEndpoints = endpoints.map((vpcEndpointId, n) =>
    InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(scope, `Endpoint${n}`, { vpcEndpointId, port: 443 }),
  );
  return vpcEndpoints.length === 0 ? {} : { vpcEndpoints };
}

function leaveOut(stack: SealtrailStack): void {
  if (isMinistack) for (const name of UNKNOWN) stack.log.node.tryRemoveChild(name);
  if (process.env.SEALTRAIL_TEST_FAILS !== 'true') return;
  const serviceToken = stack.formatArn({ service: 'lambda', resource: 'function:not-there' });
  new CustomResource(stack, 'Fails', { serviceToken }).node.addDependency(stack.log);
}
