import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Sealtrail, type SealtrailProps } from './sealtrail.ts';

export interface SealtrailStackProps extends StackProps, SealtrailProps {}

/** A stack with an audit log and nothing else, for those who have no app to put it into. */
export class SealtrailStack extends Stack {
  readonly log: Sealtrail;

  /** @throws as {@link Sealtrail} */
  constructor(scope: Construct, id: string, props: SealtrailStackProps) {
    super(scope, id, props);
    this.log = new Sealtrail(this, 'Sealtrail', props);
    const outputs: Readonly<Record<string, readonly [value: string, description: string]>> = {
      Endpoint: [this.log.endpoint, 'Where the API is: set SEALTRAIL_ENDPOINT to it'],
      ArchiveBucket: [this.log.archive.bucketName, 'The locked archive: sealtrail verify s3://...'],
      TableName: [this.log.table.tableName, 'The ledger'],
      SigningKeyArn: [this.log.signingKey.keyArn, 'The key that signs checkpoints'],
      AlarmTopicArn: [this.log.alarmTopic.topicArn, 'Subscribe to it to hear of alarms'],
    };
    for (const [id, [value, description]] of Object.entries(outputs)) new CfnOutput(this, id, { value, description });
  }
}
