import { dynamoClient, kmsClient } from '../lib/store/aws-clients.ts';
import { DynamoTable } from '../lib/store/dynamodb/table.ts';
import { KmsSigner } from '../lib/store/kms/signer.ts';
import type { Signer, Table } from '../lib/store/ports.ts';
import type { Environment } from './environment.ts';
import { countRetry } from './telemetry.ts';

/** The table and the keys. Clients find region, credentials and endpoints as every AWS SDK does. */
export function ledgerStores({ table, signingKeys, retiredKeys, signingAlgorithm }: Environment): {
  readonly table: Table;
  readonly signers: readonly Signer[];
  /** The keys that sign no more; their public keys can still be had. */
  readonly retired: readonly Signer[];
} {
  const client = kmsClient();
  const signerOf = (keyId: string) => new KmsSigner({ client, keyId, algorithm: signingAlgorithm });
  return {
    table: new DynamoTable({ client: dynamoClient(), tableName: table, onRetry: countRetry }),
    signers: signingKeys.map(signerOf),
    retired: retiredKeys.map(signerOf),
  };
}
