import { cursorSecret } from '../ledger/items/deployment-secret.ts';
import { Queries } from '../query/queries.ts';
import type { ArchivedLog } from './log.ts';

/** Queries over a log and its archive. @throws the Table's errors: the secret that signs cursors is kept there */
export async function openQueries({ table, policyOf, archive }: ArchivedLog): Promise<Queries> {
  return new Queries({ table, secret: await cursorSecret(table), policy: policyOf, archive });
}
