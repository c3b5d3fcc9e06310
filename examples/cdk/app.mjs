// npm install sealtrail aws-cdk-lib constructs && npx cdk synth --app 'node app.mjs'
import { App, Stack } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Sealtrail } from 'sealtrail/cdk';

const app = new App();
const stack = new Stack(app, 'Shop');

const log = new Sealtrail(stack, 'AuditLog', { logName: 'audit.example.com' });

const checkout = new LambdaFunction(stack, 'Checkout', {
  runtime: Runtime.NODEJS_24_X,
  handler: 'index.handler',
  code: Code.fromInline('exports.handler = async () => ({});'),
  environment: { SEALTRAIL_ENDPOINT: log.endpoint },
});
log.grantAppend(checkout, ['orders', 'payments-*']);
