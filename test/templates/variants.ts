import { App, Duration, NestedStack, Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { InterfaceVpcEndpoint } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Sealtrail } from '../../lib/stack/sealtrail.ts';
import { SealtrailStack, type SealtrailStackProps } from '../../lib/stack/stack.ts';
import { SealtrailWitness } from '../../lib/stack/witness.ts';
import { placeholderFunctions } from '../stack/synthesised.ts';

/** Each way to deploy the log that makes another template. */

const ACCOUNT = '111122223333';
const env = { account: ACCOUNT, region: 'eu-central-1' };
const functionsFolder = placeholderFunctions();
const elsewhere = new Stack();

const WEB_ACL = `arn:aws:wafv2:eu-central-1:${ACCOUNT}:regional/webacl/audit/0a1b2c3d-1111-2222-3333-444455556666`;

/** Props by the name of the variant; what is not said is as by default. */
const PROPS: Readonly<Record<string, Partial<SealtrailStackProps>>> = {
  dev: {},
  prod: { stage: 'prod' },
  p256: { stage: 'prod', signingAlgorithm: 'ecdsa-p256' },
  rotated: { stage: 'prod', keyRotation: { made: 3, retired: 1 } },
  governed: { stage: 'prod', lock: 'governance', archiveFor: Duration.days(30), hotFor: 'forever' },
  encrypted: {
    stage: 'prod',
    encryptionKey: Key.fromKeyArn(
      elsewhere,
      'Key',
      `arn:aws:kms:eu-central-1:${ACCOUNT}:key/0a1b2c3d-1111-2222-3333-444455556666`,
    ),
    alarmTopic: Topic.fromTopicArn(elsewhere, 'Pager', `arn:aws:sns:eu-central-1:${ACCOUNT}:pager`),
  },
  company: {
    stage: 'prod',
    archiveCopy: { bucketArn: 'arn:aws:s3:::audit-copy', account: '444455556666' },
    backup: Duration.days(90),
    recordWrites: true,
    domain: {
      domainName: 'audit.example.com',
      certificate: Certificate.fromCertificateArn(
        elsewhere,
        'Certificate',
        `arn:aws:acm:eu-central-1:${ACCOUNT}:certificate/0a1b2c3d-1111-2222-3333-444455556666`,
      ),
    },
  },
  private: {
    stage: 'prod',
    restApi: {
      vpcEndpoints: [
        InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(elsewhere, 'Endpoint', {
          vpcEndpointId: 'vpce-0a1b2c3d4e5f60718',
          port: 443,
        }),
      ],
      webAclArn: WEB_ACL,
    },
  },
  rest: {
    restApi: { webAclArn: WEB_ACL },
    domain: {
      domainName: 'audit.example.com',
      certificate: Certificate.fromCertificateArn(
        elsewhere,
        'RestCertificate',
        `arn:aws:acm:eu-central-1:${ACCOUNT}:certificate/0a1b2c3d-1111-2222-3333-444455556666`,
      ),
    },
  },
  'long-variables': {
    trailRetention: Array.from({ length: 200 }, (_, at) => ({ trail: `a-${at}-*`, archiveFor: Duration.days(400) })),
  },
  sized: {
    functions: { append: { memorySize: 2048, reservedConcurrency: 200 }, verify: { memorySize: 3538 } },
    streamParallelism: 10,
    archiveDelay: Duration.hours(1),
    detailedMetrics: true,
    throttle: { rate: 10, burst: 10 },
    recordReads: false,
  },
  witnessed: {
    stage: 'prod',
    witnessPolicy:
      'witness W1 remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2 https://witness.example/\nquorum W1\n',
    witnessEvery: Duration.minutes(1),
  },
  'many-trails': { trails: Array.from({ length: 16 }, (_, at) => `payments-${at}-*`) },
};

/** An app with a stack for each variant. */
export function variants(outdir: string): App {
  const app = new App({ outdir });
  const log = { logName: 'audit.example.com', functionsFolder };
  for (const [name, props] of Object.entries(PROPS)) new SealtrailStack(app, name, { ...log, env, ...props });
  new SealtrailStack(app, 'anywhere', log);
  new SealtrailStack(app, 'china', { ...log, env: { account: ACCOUNT, region: 'cn-north-1' } });
  const two = new Stack(app, 'two-logs', { env });
  for (const id of ['First', 'Second']) new Sealtrail(two, id, { ...log, logName: `${id}.example.com` });
  new Sealtrail(new NestedStack(new Stack(app, 'nested', { env }), 'Audit'), 'Log', { ...log, stage: 'prod' });
  const logs = 'logs/v0\nvkey sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8\n';
  new SealtrailWitness(new Stack(app, 'witness', { env }), 'Witness', {
    name: 'witness.example/w1',
    logs,
    functionsFolder,
  });
  return app;
}
