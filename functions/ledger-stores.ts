import { kmsClient } from '../lib/store/aws-clients.ts';
import { KmsSigner } from '../lib/store/kms/signer.ts';
import type { Signer, Table } from '../lib/store/ports.ts';
import type { Environment } from './environment.ts';
import { ledgerTable } from './ledger-table.ts';

/** The table and the keys. */
export function ledgerStores(environment: Environment): {
  readonly table: Table;
  readonly signers: readonly Signer[];
  /** The keys that sign no more; their public keys can still be had. */
  readonly retired: readonly Signer[];
} {
  const { signingKeys, retiredKeys, signingAlgorithm } = environment;
  const client = kmsClient();
  const signerOf = (keyId: string) => new KmsSigner({ client, keyId, algorithm: signingAlgorithm });
  return {
    table: ledgerTable(environment),
    signers: signingKeys.map(signerOf),
    retired: retiredKeys.map(signerOf),
  };
}
