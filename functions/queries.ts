import { cursorSecret } from '../lib/query/cursor-secret.ts';
import { Queries } from '../lib/query/queries.ts';
import type { Log } from './log.ts';

/** Queries over a log and its archive. @throws the Table's errors: the secret of cursors is kept there */
export async function openQueries({ table, policyOf, archive }: Log): Promise<Queries> {
  const past = archive === undefined ? {} : { archive };
  return new Queries({ table, secret: await cursorSecret(table), policy: policyOf, ...past });
}
