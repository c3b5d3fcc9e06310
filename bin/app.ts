import { App } from 'aws-cdk-lib';
import { stackFromContext } from '../lib/stack/context.ts';
import { SealtrailStack } from '../lib/stack/stack.ts';

/**
 * The app that `cdk deploy` runs: `-c stage=prod`, `-c logName=audit.example.com`, and the rest of the table in docs/deploying.md.
 */

const app = new App();
const { id, props } = stackFromContext(app.node.getAllContext());
new SealtrailStack(app, id, props);
