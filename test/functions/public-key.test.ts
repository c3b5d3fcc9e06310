import { describe, expect, it } from 'vitest';
import { demandSame } from '../../functions/public-key.ts';

/** Whoever deploys with a context that differs from last time's is stopped before anything is signed by another name. */
describe('an update of the stack', () => {
  const deployed = 'audit.example.com 4f2a';

  it('with the name and the key of the log goes on', () => {
    expect(demandSame(deployed, { logName: 'audit.example.com', fingerprint: '4f2a' })).toBeUndefined();
  });

  it.each([
    [
      { logName: 'sealtrail.111122223333.eu-central-1', fingerprint: '4f2a' },
      /^this log is audit\.example\.com in every/,
    ],
    [{ logName: 'audit.example.com', fingerprint: '99cc' }, /^the key 4f2a signs this log and cannot be replaced/],
  ])('to %j is refused', (wanted, message) => {
    expect(() => demandSame(deployed, wanted)).toThrow(message);
  });
});
