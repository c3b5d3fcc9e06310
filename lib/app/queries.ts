import { cursorSecret } from '../ledger/items/deployment-secret.ts';
import { Queries } from '../query/queries.ts';
import type { ArchivedLog } from './log.ts';

/** Opens queries over a log and its archive. @throws the Table's errors, since the cursor secret is stored there */
export async function openQueries({ table, files, policyOf, archive, ledger, nodes }: ArchivedLog): Promise<Queries> {
  const secret = await cursorSecret(table);
  return new Queries({ table, files, secret, policy: policyOf, archive, proofs: { ledger, nodes } });
}
