import { describe, expect, it } from 'vitest';
import { demandSame, idOf } from '../../functions/public-key.ts';

/** Whoever deploys with a context that differs from last time's is stopped before anything is signed by another name. */
describe('an update of the stack', () => {
  const same = { logName: 'audit.example.com', fingerprint: '4f2a', stage: 'prod' } as const;
  const deployed = idOf(same);

  it('with the name, the key and the stage of the log goes on', () => {
    expect(demandSame(deployed, same)).toBeUndefined();
  });

  it('may make a log to try out one that stays', () => {
    expect(demandSame(idOf({ ...same, stage: 'dev' }), same)).toBeUndefined();
  });

  it.each([
    [{ logName: 'sealtrail.111122223333.eu-central-1' }, /^this log is audit\.example\.com in every/],
    [{ fingerprint: '99cc' }, /^the key 4f2a signs this log and cannot be replaced/],
    [{ stage: 'dev' }, /^this log is prod and cannot become dev.*-c stage=prod$/],
  ] as const)('to %j is refused', (other, message) => {
    expect(() => demandSame(deployed, { ...same, ...other })).toThrow(message);
  });
});
