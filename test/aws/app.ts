import { App, CustomResource } from 'aws-cdk-lib';
import { stackFromContext } from '../../lib/stack/context.ts';
import { SealtrailStack } from '../../lib/stack/stack.ts';
import { isMinistack } from './emulated.ts';

/**
 * The app of `bin/app.ts`, as the tests need it: without what ministack takes for an error in a template, and, where
 * `SEALTRAIL_TEST_FAILS` says so, with something beside the log that fails once the log is there.
 */

/** Constructs of types that ministack's CloudFormation does not know. Whether it still does not, `gaps.aws.test.ts` asks. */
const UNKNOWN = ['AnyAlarm'];

const app = new App();
const { id, props } = stackFromContext(app.node.getAllContext());
const stack = new SealtrailStack(app, id, props);
if (isMinistack) for (const name of UNKNOWN) stack.log.node.tryRemoveChild(name);
if (process.env.SEALTRAIL_TEST_FAILS === 'true') {
  const serviceToken = stack.formatArn({ service: 'lambda', resource: 'function:not-there' });
  new CustomResource(stack, 'Fails', { serviceToken }).node.addDependency(stack.log);
}
