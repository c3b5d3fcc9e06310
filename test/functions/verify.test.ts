import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { logger, metrics } from '../../functions/telemetry.ts';
import { TrailVerification } from '../../functions/verify-trails.ts';
import { blockKey } from '../../lib/ledger/layout.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { append, type Deployed, deploy } from './deployed.ts';

const FOREVER = new AbortController().signal;

let deployed: Deployed;
let count: MockInstance;
beforeEach(async () => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(logger, level).mockImplementation(() => undefined);
  count = vi.spyOn(metrics, 'addMetric').mockImplementation(() => metrics);
  deployed = await deploy();
  for (const trail of ['orders', 'payments']) await deployed.call(append(trail));
});
afterEach(() => vi.restoreAllMocks());

const counted = (): unknown[] =>
  count.mock.calls.filter(([name]) => name === 'VerificationFailures').map(([, , value]) => value);

describe('the scheduled verification', () => {
  it('counts no failure where all is well, so that silence is no good news', async () => {
    await new TrailVerification(deployed.log).run(FOREVER);
    expect(counted()).toEqual([0]);
  });

  it('counts a trail that was damaged, and looks at the others too', async () => {
    await deployed.table.transact([{ remove: blockKey('orders', 0) }]);
    await new TrailVerification(deployed.log).run(FOREVER);
    expect(counted()).toEqual([1]);
    expect(logger.error).toHaveBeenCalledWith(
      'verification found damage',
      expect.objectContaining({
        trail: 'orders',
        reason: expect.stringContaining('verification of trail orders found'),
      }),
    );
  });

  it('does not take a trail that it could not look at for one that is right', async () => {
    const unavailable = new SealtrailError('unavailable', 'DynamoDB did not answer');
    vi.spyOn(deployed.log.ledger, 'head').mockRejectedValue(unavailable);
    await expect(new TrailVerification(deployed.log).run(FOREVER)).rejects.toMatchObject({
      code: 'unavailable',
      message: '2 trails could not be verified',
    });
  });
});
