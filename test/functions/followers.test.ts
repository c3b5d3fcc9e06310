import { afterEach, beforeEach, describe, it, onTestFinished, vi } from 'vitest';
import { logger, metrics } from '../../functions/telemetry.ts';
import { TrailFollowing } from '../../functions/trail-following.ts';
import { TrailVerification } from '../../functions/trail-verification.ts';
import { followList, listedHolds } from '../../functions/work-lists.ts';
import { parsePolicy } from '../../lib/log/policy.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { FOLLOWER_WORK, type FollowingHost, LOG_NAME, PACE, RETENTION } from '../app/follower-work.ts';
import { witnessAtHand } from '../app/witness-at-hand.ts';
import { Authority } from '../tsp/authority.ts';
import { wired } from './deployed.ts';

/** In AWS two functions share the registered followers: `follow` sweeps twice a minute, `verify` comes once an hour. */

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(logger, level).mockImplementation(() => undefined);
  vi.spyOn(metrics, 'addMetric').mockImplementation(() => metrics);
});
afterEach(() => vi.restoreAllMocks());

async function host(): Promise<FollowingHost> {
  const table = new MemoryTable();
  const objects = new MemoryObjects();
  const signer = new MemorySigner();
  const stores = { table, objects, signers: [signer] };
  const witness = await witnessAtHand(LOG_NAME, signer);
  onTestFinished(() => witness.close());
  const service = new Authority();
  onTestFinished(() => service.close());
  const timestamps = { url: await service.listen(), authorities: service.root };
  const settings = { logName: LOG_NAME, retention: RETENTION };
  const log = wired(stores, settings);
  const following = new TrailFollowing(
    log,
    { gapGraceMs: PACE.gapGraceMs, indexDelayMs: PACE.indexDelayMs },
    { policy: parsePolicy(witness.policy), witnessEveryMs: 0, timestamps },
  );
  const verification = new TrailVerification(wired(stores, { ...settings, signs: false }));
  const { signal } = new AbortController();
  const turn = async () => {
    await following.sweep(signal);
    // As the table's stream does for the commits of the followers themselves.
    await followList(table).note('_heads');
    await verification.run(signal);
  };
  return { table, objects, ledger: log.ledger, legalHolds: listedHolds(log), turn };
}

describe('in AWS', () => {
  it.each(FOLLOWER_WORK)('$follower leaves $shows', async ({ check }) => check(await host()));
});
