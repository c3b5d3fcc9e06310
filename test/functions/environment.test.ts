import { describe, expect, it } from 'vitest';
import { environmentOf } from '../../functions/environment.ts';

const SET = {
  SEALTRAIL_TABLE: 'Audit',
  SEALTRAIL_BUCKET: 'audit-archive',
  SEALTRAIL_SIGNING_KEY: 'arn:aws:kms:eu-central-1:111122223333:key/1',
  SEALTRAIL_SIGNING_ALGORITHM: 'ed25519',
  SEALTRAIL_LOG_NAME: 'audit.example.com',
  SEALTRAIL_LOCK: 'compliance',
  SEALTRAIL_ARCHIVE_DAYS: '2557',
  SEALTRAIL_RECORD_READS: 'false',
  SEALTRAIL_PRIVACY: '{"default":{"pii":"include"}}',
};

describe('the environment of a function', () => {
  it('says where everything is and what holds', () => {
    expect(environmentOf({ ...SET, PATH: '/bin' })).toEqual({
      table: 'Audit',
      bucket: 'audit-archive',
      signingKey: 'arn:aws:kms:eu-central-1:111122223333:key/1',
      signingAlgorithm: 'ed25519',
      logName: 'audit.example.com',
      lock: 'compliance',
      archiveDays: 2557,
      privacy: { default: { pii: 'include' } },
      recordsReads: false,
    });
  });

  it.each([
    ['SEALTRAIL_TABLE', undefined],
    ['SEALTRAIL_LOCK', 'none'],
    ['SEALTRAIL_ARCHIVE_DAYS', '0'],
    ['SEALTRAIL_ARCHIVE_DAYS', 'seven'],
    ['SEALTRAIL_RECORD_READS', 'no'],
    ['SEALTRAIL_PRIVACY', '{'],
    ['SEALTRAIL_PRIVACY', '{"unknown":1}'],
  ])('names what is wrong: %s is %j', (name, value) => {
    const act = () => environmentOf({ ...SET, [name]: value });
    expect(act).toThrow(RangeError);
    expect(act).toThrow(`the environment variable ${name} is not right`);
  });
});
