import { hash } from 'node:crypto';
import { INDEX_SUBMITTER, INDEX_TRAIL } from '../../contract/system-trails.ts';
import { prepareBatch } from '../../event/intake.ts';
import { type StatedRun, statementOf } from '../../index/format/statement.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { DEFAULT_POLICY } from '../../privacy/policy.ts';

/**
 * States a new run in the trail `_index`, once however often it is repeated within two days.
 *
 * @param runs all runs of the index, with the new one
 * @returns the record's number
 * @throws as {@link Ledger.append}
 */
export async function recordRun(
  ledger: Pick<Ledger, 'append'>,
  trail: string,
  run: StatedRun,
  runs: readonly StatedRun[],
): Promise<number> {
  const body = Buffer.from(JSON.stringify(statementOf(trail, run, runs)));
  const digest = hash('sha256', body, 'hex');
  const { first } = await ledger.append({
    trail: INDEX_TRAIL,
    submitter: INDEX_SUBMITTER,
    events: prepareBatch(body, 'application/json', DEFAULT_POLICY),
    wait: false,
    idempotency: { key: digest, bodyHash: digest },
  });
  return first;
}
