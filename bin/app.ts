import { App } from 'aws-cdk-lib';
import { stackFromContext } from '../lib/stack/context.ts';
import { SealtrailStack } from '../lib/stack/stack.ts';

/**
 * The app that `cdk deploy` runs: `-c stage=prod`, `-c logName=audit.example.com`, and what else docs/operations.md lists.
 */

const app = new App();
const { id, props } = stackFromContext(app.node.getAllContext());
new SealtrailStack(app, id, props);
