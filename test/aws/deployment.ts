import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import {
  DeleteBucketPolicyCommand,
  GetBucketPolicyCommand,
  GetObjectLockConfigurationCommand,
  ListBucketsCommand,
  PutBucketPolicyCommand,
  PutObjectLockConfigurationCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { s3Client } from '../../lib/store/aws-clients.ts';
import { EVERYTHING, isMinistack } from './emulated.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
/** As `cdk.json` has it, with the app for tests. */
const APP = isMinistack ? 'node test/aws/app.ts' : 'node bin/app.ts';

/** The outputs of the stack. */
export interface Outputs {
  readonly Endpoint: string;
  readonly ArchiveBucket: string;
  readonly TableName: string;
  readonly SigningKeyArn: string;
  /** A line for a verifier's key file. */
  readonly PublicKey: string;
  readonly PublicKeyFingerprint: string;
  readonly Vkey: string;
  readonly AlarmTopicArn: string;
  readonly WriterPolicyArn: string;
  readonly AuditorPolicyArn: string;
  readonly ArchiveAuditorPolicyArn: string;
}

/** Runs the `cdk` of this folder, as someone at a terminal would, against wherever the environment points. */
export class Deployment {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sealtrail-deploy-'));
  readonly #stack: string;
  readonly logName: string;
  #isBegun = false;
  /** What the app for tests reads beside the context. */
  environment: Readonly<Record<string, string>> = {};
  /** Whether the bucket of the archive locked objects as soon as it was deployed, as the template says. */
  isLocking: boolean | undefined;

  constructor(stack: string, logName: string) {
    this.#stack = stack;
    this.logName = logName;
  }

  /** Where an account is named, cdk refuses to go on with credentials of another one. */
  async bootstrap(): Promise<void> {
    const { SEALTRAIL_AWS_ACCOUNT: account, AWS_REGION: region } = process.env;
    await this.#cdk('bootstrap', ...(account === undefined ? [] : [`aws://${account}/${region}`]));
    if (isMinistack) await adaptPolicies();
  }

  /** @param context such as `stage=prod` */
  async deploy(...context: readonly string[]): Promise<Outputs> {
    const outputs: Outputs = await this.#outputs(context);
    this.isLocking ??= await isLocking(outputs.ArchiveBucket);
    if (isMinistack) await Promise.all([lock(outputs.ArchiveBucket), adaptPolicies()]);
    return outputs;
  }

  /** Deploys something else than a log. @returns the values of its outputs */
  async deployOther(): Promise<readonly string[]> {
    return Object.values(await this.#outputs([]));
  }

  async #outputs<T extends Readonly<Record<string, string>> & Outputs>(context: readonly string[]): Promise<T> {
    const file = join(this.#folder, 'outputs.json');
    const settings = context.flatMap((one) => ['-c', one]);
    this.#isBegun = true;
    await this.#cdk('deploy', '--require-approval', 'never', '--outputs-file', file, ...settings);
    // Written by cdk: an object of the stack's outputs by its name.
    return JSON.parse(readFileSync(file, 'utf8'))[this.#stack];
  }

  /**
   * @param context as for {@link deploy}
   * @param isLater whether it fails of something beside the log, once that is there
   * @returns what cdk says of the deployment, which has to fail
   */
  async failsToDeploy(context: readonly string[], { isLater = false } = {}): Promise<string> {
    const settings = context.flatMap((one) => ['-c', one]);
    this.#isBegun = true;
    const { environment } = this;
    if (isLater) this.environment = { ...environment, SEALTRAIL_TEST_FAILS: 'true' };
    try {
      await this.#cdk('deploy', '--require-approval', 'never', ...settings);
    } catch (error) {
      // What execFile adds to its errors.
      const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
      return `${stdout}${stderr}`;
    } finally {
      this.environment = environment;
    }
    throw new Error('a deployment that should fail came through');
  }

  /** Done twice it does nothing the second time. */
  async destroy(): Promise<void> {
    if (!existsSync(this.#folder)) return;
    if (this.#isBegun) await this.#cdk('destroy', '--force');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #cdk(command: string, ...args: readonly string[]): Promise<void> {
    const context = ['-c', `stackName=${this.#stack}`, '-c', `logName=${this.logName}`];
    const output = ['--output', join(this.#folder, 'cdk.out')];
    // The referee of the Table is for the contract suites alone.
    const { AWS_ENDPOINT_URL_DYNAMODB: _, ...env } = process.env;
    // The bundles are there: to make them anew would pull them from under another test file that deploys.
    const app = ['--app', APP];
    await run(join(ROOT, 'node_modules/.bin/cdk'), [command, ...args, ...context, ...output, ...app], {
      cwd: ROOT,
      env: { ...env, ...this.environment, CDK_DISABLE_CLI_TELEMETRY: '1' },
    });
  }
}

/** What the stack's default in stage dev should be. */
const LOCK = { Mode: 'GOVERNANCE', Days: 1 } as const;

/** Whether the bucket locks what is put into it. */
async function isLocking(Bucket: string): Promise<boolean> {
  const client = s3Client({ ...EVERYTHING, forcePathStyle: true });
  try {
    const { ObjectLockConfiguration } = await client.send(new GetObjectLockConfigurationCommand({ Bucket }));
    return isDeepStrictEqual(ObjectLockConfiguration?.Rule?.DefaultRetention, LOCK);
  } catch (error) {
    if (error instanceof Error && error.name === 'ObjectLockConfigurationNotFoundError') return false;
    throw error;
  } finally {
    client.destroy();
  }
}

async function lock(Bucket: string): Promise<void> {
  const client = s3Client({ ...EVERYTHING, forcePathStyle: true });
  const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: LOCK } } as const;
  await client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
  client.destroy();
}

/** The shape of a policy, as far as it is looked at here. */
interface Policy {
  readonly Statement: readonly { readonly Condition?: object }[];
}

/**
 * Makes policies of buckets such as ministack can keep where it keeps any (`AUTH=true`). On loopback there is no TLS, which all of
 * them demand. And `aws:PrincipalArn`, to AWS the ARN of a role, is there that of the role's session.
 */
async function adaptPolicies(): Promise<void> {
  const client = s3Client({ ...EVERYTHING, forcePathStyle: true });
  const { Buckets = [] } = await client.send(new ListBucketsCommand());
  for (const { Name: Bucket } of Buckets) {
    const text = await policyOf(client, Bucket);
    if (text === undefined) continue;
    const policy: Policy = JSON.parse(text);
    const Statement = policy.Statement.flatMap(({ Condition, ...statement }) => {
      const condition = JSON.stringify(Condition ?? {});
      if (/aws:SecureTransport|s3:TlsVersion/.test(condition)) return [];
      const sessions = JSON.parse(condition, (key, value) =>
        key === 'aws:PrincipalArn' ? [value].flat().flatMap(withSessions) : value,
      );
      return [{ ...statement, ...(Condition === undefined ? {} : { Condition: sessions }) }];
    });
    if (Statement.length === 0) await client.send(new DeleteBucketPolicyCommand({ Bucket }));
    else await client.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ ...policy, Statement }) }));
  }
  client.destroy();
}

/** The ARN of a role, and a pattern for those of its sessions. */
const withSessions = (arn: string): readonly string[] => [
  arn,
  arn.replace(/^arn:aws:iam::(\d+):role\/(.+)$/, 'arn:aws:sts::$1:assumed-role/$2/*'),
];

async function policyOf(client: S3Client, Bucket: string | undefined): Promise<string | undefined> {
  try {
    return (await client.send(new GetBucketPolicyCommand({ Bucket }))).Policy;
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchBucketPolicy') return undefined;
    throw error;
  }
}
