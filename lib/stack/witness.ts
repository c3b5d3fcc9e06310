import { CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, type ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { FunctionUrlAuthType, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { PARTITION, SORT } from '../store/dynamodb/item.ts';
import { parseLogList } from '../witness/log-list.ts';
import { bundledFunctions, worker, workerRole } from './functions/functions.ts';
import { acknowledgeForgetting } from './resources/nag.ts';

/** Properties of a {@link SealtrailWitness}. */
export interface SealtrailWitnessProps {
  /** The name of its key, such as `witness.example.com/w1`. It must never change: policies know the witness by it. */
  readonly name: string;
  /** The logs that it knows, as `logs.txt` of `sealtrail witness` lists them: `logs/v0`, then lines `vkey` and `origin`. */
  readonly logs: string;
  /**
   * The folder with the bundles of the functions.
   *
   * @default the one in this package
   */
  readonly functionsFolder?: string;
}

/**
 * A witness (C2SP tlog-witness): a function behind a URL, a key that cannot leave KMS, and a table that is its memory. Deploy it
 * in another account than the logs that it witnesses: access to its table or its key is enough to make it forget.
 *
 * The key and the table outlive the stack.
 *
 * @example
 * const logs = 'logs/v0\nvkey audit.example.com/_heads+1a2b3c4d+AZ...\n';
 * const { url } = new SealtrailWitness(this, 'Witness', { name: 'witness.example.com/w1', logs });
 */
export class SealtrailWitness extends Construct {
  readonly table: ITable;
  readonly signingKey: IKey;
  readonly handler: LambdaFunction;
  /** The submission and monitoring prefix; `GET` of it answers with the vkey for policies. */
  readonly url: string;

  /** @throws RangeError for a list of logs that is not right, or if the functions are not bundled */
  constructor(scope: Construct, id: string, { name, logs, functionsFolder }: SealtrailWitnessProps) {
    super(scope, id);
    if (!/^[^\s+]{1,255}$/.test(name)) throw new RangeError(`a witness cannot be named ${JSON.stringify(name)}`);
    parseLogList(logs);
    if (Buffer.byteLength(logs) > MAX_LOGS_BYTES) {
      throw new RangeError(
        `the list of logs has more than ${MAX_LOGS_BYTES} bytes, which a function's environment takes`,
      );
    }
    const table = new Table(this, 'Table', {
      partitionKey: { name: PARTITION, type: AttributeType.STRING },
      sortKey: { name: SORT, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      // Its recovery would make the witness forget; its loss would too, so it is protected from deletion alone.
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.table = table as ITable; // CDK is not written for exactOptionalPropertyTypes: its own classes miss its own interfaces
    acknowledgeForgetting(this.table);
    const key = new Key(this, 'SigningKey', {
      description: `Sealtrail witness ${name}`,
      keySpec: KeySpec.ECC_NIST_EDWARDS25519,
      keyUsage: KeyUsage.SIGN_VERIFY,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.signingKey = key;
    const role = workerRole(this, 'Witness');
    role.addToPolicy(
      new PolicyStatement({
        sid: 'Remember',
        actions: ['dynamodb:GetItem', 'dynamodb:PutItem'],
        resources: [table.tableArn],
      }),
    );
    role.addToPolicy(
      new PolicyStatement({ sid: 'Cosign', actions: ['kms:Sign', 'kms:GetPublicKey'], resources: [key.keyArn] }),
    );
    const context = {
      folder: functionsFolder ?? bundledFunctions(),
      environment: {
        POWERTOOLS_SERVICE_NAME: 'sealtrail-witness',
        WITNESS_TABLE: table.tableName,
        WITNESS_KEY: key.keyArn,
        WITNESS_NAME: name,
        WITNESS_LOGS: logs,
      },
      layers: [],
      logRetention: RetentionDays.ONE_YEAR,
      removal: RemovalPolicy.DESTROY,
    };
    this.handler = worker(this, 'Function', context, {
      bundle: 'witness',
      description: 'Sealtrail: a witness',
      timeout: Duration.seconds(20),
      memorySize: 512,
      role,
    });
    // Anyone may ask: what is cosigned is decided by the logs' signatures (C2SP tlog-witness).
    const { url } = this.handler.addFunctionUrl({ authType: FunctionUrlAuthType.NONE });
    this.url = url;
    new CfnOutput(this, 'Url', { value: url, description: 'The witness, for policies; GET answers with its vkey' });
  }
}

/** Of the 4 KB of a function's environment. */
const MAX_LOGS_BYTES = 3_000;
