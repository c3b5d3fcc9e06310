import { afterEach, beforeEach, describe, it, vi } from 'vitest';
import { logger, metrics } from '../../functions/telemetry.ts';
import { TrailFollowing } from '../../functions/trail-following.ts';
import { TrailVerification } from '../../functions/trail-verification.ts';
import { listedHolds } from '../../functions/work-lists.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { FOLLOWER_WORK, type FollowingHost, LOG_NAME, PACE, RETENTION } from '../app/follower-work.ts';
import { wired } from './deployed.ts';

/** In AWS two functions share the registered followers: `follow` sweeps twice a minute, `verify` comes once an hour. */

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(logger, level).mockImplementation(() => undefined);
  vi.spyOn(metrics, 'addMetric').mockImplementation(() => metrics);
});
afterEach(() => vi.restoreAllMocks());

function host(): FollowingHost {
  const table = new MemoryTable();
  const objects = new MemoryObjects();
  const stores = { table, objects, signers: [new MemorySigner()] };
  const settings = { logName: LOG_NAME, retention: RETENTION };
  const log = wired(stores, settings);
  const following = new TrailFollowing(log, { gapGraceMs: PACE.gapGraceMs });
  const verification = new TrailVerification(wired(stores, { ...settings, signs: false }));
  const { signal } = new AbortController();
  const turn = async () => {
    await following.sweep(signal);
    await verification.run(signal);
  };
  return { table, objects, ledger: log.ledger, legalHolds: listedHolds(log), turn };
}

describe('in AWS', () => {
  it.each(FOLLOWER_WORK)('$follower leaves $shows', ({ check }) => check(host()));
});
