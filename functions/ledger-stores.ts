import { dynamoClient, kmsClient } from '../lib/store/aws-clients.ts';
import { DynamoTable } from '../lib/store/dynamodb/table.ts';
import { KmsSigner } from '../lib/store/kms/signer.ts';
import type { Signer, Table } from '../lib/store/ports.ts';
import type { Environment } from './environment.ts';
import { countRetry } from './telemetry.ts';

/** The table and the key. Clients find region, credentials and endpoints as every AWS SDK does. */
export function ledgerStores(environment: Environment): { readonly table: Table; readonly signer: Signer } {
  const { table, signingKey, signingAlgorithm } = environment;
  return {
    table: new DynamoTable({ client: dynamoClient(), tableName: table, onRetry: countRetry }),
    signer: new KmsSigner({ client: kmsClient(), keyId: signingKey, algorithm: signingAlgorithm }),
  };
}
