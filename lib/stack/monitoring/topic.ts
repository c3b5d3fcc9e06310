import { Annotations, ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

const CLOUDWATCH = new ServicePrincipal('cloudwatch.amazonaws.com');

/**
 * The topic that alarms are published to: the given one, or a new one without subscribers.
 *
 * A topic's policy replaces SNS's default, which lets CloudWatch publish. So this allows CloudWatch, for alarms of this account
 * only. A topic that was imported by its ARN has a policy that no stack can read or extend, which synthesis warns about.
 */
export function alarmTopic(scope: Construct, given: ITopic | undefined): ITopic {
  const topic = given ?? new Topic(scope, 'Alarms', { enforceSSL: true });
  const { statementAdded } = topic.addToResourcePolicy(publishing(scope, topic));
  // A message is encrypted on behalf of the service that publishes it.
  topic.masterKey?.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AlarmsEncrypt',
      principals: [CLOUDWATCH],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
  );
  if (!statementAdded) {
    Annotations.of(scope).addInfo(
      `alarmTopic ${topic.topicArn} is imported: its policy, and that of its key if it has one, must let cloudwatch.amazonaws.com ` +
        'publish (docs/alarms.md, "A topic of your own")',
    );
  }
  return topic;
}

function publishing(scope: Construct, topic: ITopic): PolicyStatement {
  const stack = Stack.of(scope);
  const alarms = stack.formatArn({
    service: 'cloudwatch',
    resource: 'alarm',
    resourceName: '*',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return new PolicyStatement({
    sid: 'AlarmsPublish',
    principals: [CLOUDWATCH],
    actions: ['sns:Publish'],
    resources: [topic.topicArn],
    conditions: { StringEquals: { 'aws:SourceAccount': stack.account }, ArnLike: { 'aws:SourceArn': alarms } },
  });
}
