import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { handler as guard } from '../../../functions/deployment/guard.ts';
import { handler as release } from '../../../functions/deployment/release.ts';
import { capturePrinted } from '../printed.ts';
import { CloudFormation } from './cloudformation.ts';

capturePrinted();
beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});

let cloudFormation: CloudFormation;
afterEach(() => cloudFormation.close());

const DEV = {
  LogName: 'audit.example.com',
  Stage: 'dev',
  SigningAlgorithm: 'ed25519',
  KeysMade: '1',
  KeysRetired: '0',
};
const PROD = { ...DEV, Stage: 'prod' };
const ROTATED = { ...PROD, KeysMade: '2', KeysRetired: '1' };

/** A log that was deployed with these settings, one after the other. */
async function deployed(...settings: readonly (typeof DEV)[]): Promise<void> {
  cloudFormation = await CloudFormation.running(guard);
  for (const each of settings) expect(await cloudFormation.deploy(each)).toBeUndefined();
}

/** The promise: what a log was deployed with is kept with its stack, and nothing that is typed later takes it back. */
describe('a deployment', () => {
  it('may repeat the settings, keep what was tried out, and rotate keys step by step', async () => {
    await deployed(DEV, DEV, PROD, { ...PROD, KeysMade: '2' }, ROTATED, ROTATED, { ...ROTATED, KeysMade: '3' });
  });

  it.each([
    ['forgets that the log is prod', PROD, DEV, /^RangeError: this log is prod and cannot become dev.*stage=prod/],
    [
      'names another log',
      PROD,
      { ...PROD, LogName: 'sealtrail' },
      /this log is audit\.example\.com in every signature/,
    ],
    ['would replace the keys', DEV, { ...DEV, SigningAlgorithm: 'ecdsa-p256' }, /deploy with signingAlgorithm=ed25519/],
    ['forgets a rotation', ROTATED, PROD, /this log has 2 signing keys and 1 would leave some behind.*signingKeys=2/],
    [
      'brings a retired key back',
      ROTATED,
      { ...ROTATED, KeysRetired: '0' },
      /1 keys of this log are retired.*retiredKeys=1/,
    ],
  ])('that %s is refused, says what to deploy with, and is rolled back', async (_, before, after, reason) => {
    await deployed(before);
    expect(await cloudFormation.deploy(after)).toMatch(reason);
    expect(await cloudFormation.deploy(before)).toBeUndefined();
  });

  it.each([
    ['becoming prod', DEV, PROD],
    ['making a key', PROD, { ...PROD, KeysMade: '2' }],
    ['retiring a key', { ...PROD, KeysMade: '2' }, ROTATED],
  ])(
    'that fails later, while %s, is rolled back to what was there; the next one may try again',
    async (_, before, after) => {
      await deployed(before);
      // To the function both look the same: from `after` to `before`. One is refused, the other is CloudFormation's own way back.
      expect(await cloudFormation.deploy(after, 'a policy is too long')).toBe('a policy is too long');
      expect(await cloudFormation.deploy(after)).toBeUndefined();
      expect(await cloudFormation.deploy(before)).toMatch(/^RangeError: /);
    },
  );

  it('that is the first one and fails is taken back, and so is the stack when it goes', async () => {
    await deployed();
    expect(await cloudFormation.deploy(PROD, 'no such region')).toBe('no such region');
    expect(await cloudFormation.deploy(PROD)).toBeUndefined();
    await cloudFormation.destroy();
  });
});

describe('a table that is protected from deletion', () => {
  const UNPROTECTED = { TableName: 'Ledger', DeletionProtectionEnabled: false };

  it('goes with the first deployment that fails', async () => {
    cloudFormation = await CloudFormation.running(release);
    await cloudFormation.deploy({ Table: 'Ledger' }, 'a policy is too long');
    expect(cloudFormation.tables).toEqual([UNPROTECTED]);
  });

  it('stays protected in a stack that was deployed, when an update fails and when the stack goes', async () => {
    cloudFormation = await CloudFormation.running(release);
    await cloudFormation.deploy({ Table: 'Ledger' });
    await cloudFormation.deploy({ Table: 'Ledger' }, 'a policy is too long');
    await cloudFormation.destroy();
    expect(cloudFormation.tables).toEqual([]);
  });
});
