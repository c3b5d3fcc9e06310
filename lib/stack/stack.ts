import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { PublicKey } from './functions/custom-resources.ts';
import type { SealtrailProps } from './props.ts';
import { Sealtrail } from './sealtrail.ts';

export interface SealtrailStackProps extends StackProps, SealtrailProps {
  /**
   * Names of trails, in which `*` matches any characters, for which to make managed policies.
   *
   * @default all trails
   */
  readonly trails?: readonly string[];
}

/** A stack with an audit log and nothing else, for deployments without an app of your own. */
export class SealtrailStack extends Stack {
  readonly log: Sealtrail;

  /** @throws as {@link Sealtrail} */
  constructor(scope: Construct, id: string, props: SealtrailStackProps) {
    super(scope, id, props);
    this.log = new Sealtrail(this, 'Sealtrail', props);
    const { writer, auditor, archiveAuditor } = this.log.policies('Trails', props.trails ?? ['*']);
    const ofKeys = (name: keyof PublicKey, separator: string) =>
      this.log.publicKeys.map((key) => key[name]).join(separator);
    const outputs: Readonly<Record<string, readonly [value: string, description: string]>> = {
      Endpoint: [this.log.endpoint, 'Where the API is: set SEALTRAIL_ENDPOINT to it'],
      ArchiveBucket: [this.log.archive.bucketName, 'The locked archive: sealtrail verify s3://...'],
      TableName: [this.log.table.tableName, 'The ledger'],
      SigningKeyArn: [this.log.signingKeys.map(({ keyArn }) => keyArn).join(','), 'What signs checkpoints'],
      PublicKey: [ofKeys('keyLine', '\n'), 'For the key file of sealtrail verify, good for every trail'],
      PublicKeyFingerprint: [ofKeys('fingerprint', ','), 'SHA-256 of the public key, to compare with'],
      Vkey: [ofKeys('systemVkey', ','), 'The same as C2SP vkey, under its name in the trail _system'],
      WriterPolicyArn: [writer.managedPolicyArn, 'Attach it to who appends'],
      AuditorPolicyArn: [auditor.managedPolicyArn, 'Attach it to who queries and verifies through the API'],
      ArchiveAuditorPolicyArn: [archiveAuditor.managedPolicyArn, 'Attach it to who verifies the archive'],
      AlarmTopicArn: [this.log.alarmTopic.topicArn, 'Subscribe to it to hear of alarms'],
    };
    for (const [id, [value, description]] of Object.entries(outputs)) new CfnOutput(this, id, { value, description });
  }
}
