import { describe, expect, it, type TestContext } from 'vitest';
import { openLog } from '../../lib/app/open-log.ts';
import { parsePolicy } from '../../lib/log/policy.ts';
import { MemoryDownloads } from '../../lib/testing/memory/downloads.ts';
import { MemoryFiles } from '../../lib/testing/memory/files.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { Authority } from '../tsp/authority.ts';
import { FOLLOWER_WORK, type FollowingHost, LOG_NAME, PACE, REGISTERED, RETENTION } from './follower-work.ts';
import { witnessAtHand } from './witness-at-hand.ts';

/** A log in one process runs every registered follower by itself: no one tells it to. */

async function host({ onTestFinished }: TestContext): Promise<FollowingHost> {
  const table = new MemoryTable();
  const objects = new MemoryObjects();
  const errors: unknown[] = [];
  const signer = new MemorySigner();
  const witness = await witnessAtHand(LOG_NAME, signer);
  const witnesses = { policy: parsePolicy(witness.policy), everyMs: 0 };
  const service = new Authority();
  const timestamps = { url: await service.listen(), authorities: service.root };
  const log = await openLog(
    { table, objects, signers: [signer], downloads: new MemoryDownloads(), files: new MemoryFiles() },
    {
      logName: LOG_NAME,
      retention: RETENTION,
      pace: PACE,
      witnesses,
      timestamps,
      onError: (error) => errors.push(error),
    },
  );
  onTestFinished(async () => {
    await log.close();
    await witness.close();
    await service.close();
    // What one of the checks plants is an alarm.
    expect(errors.filter((error) => !String(error).includes('of _index states a run'))).toEqual([]);
  });
  return { ...{ table, objects }, ledger: log.ledger, legalHolds: log.legalHolds, turn: async () => undefined };
}

describe('the registry', () => {
  it('lists every follower there is a check for, and no other', () => {
    expect(FOLLOWER_WORK.map(({ follower }) => follower)).toEqual(REGISTERED);
  });
});

describe.concurrent('on one machine', () => {
  it.for(FOLLOWER_WORK)('$follower leaves $shows', async ({ check }, context) => check(await host(context)));
});
