import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentOf, followerOf } from '../../functions/wiring.ts';

const SET = {
  SEALTRAIL_TABLE: 'Audit',
  SEALTRAIL_BUCKET: 'audit-archive',
  SEALTRAIL_EXPORTS: 'audit-exports',
  SEALTRAIL_INDEX: 'audit-index',
  SEALTRAIL_SIGNING_KEYS: 'arn:aws:kms:eu-central-1:111122223333:key/2,arn:aws:kms:eu-central-1:111122223333:key/3',
  SEALTRAIL_RETIRED_KEYS: 'arn:aws:kms:eu-central-1:111122223333:key/1',
  SEALTRAIL_SIGNING_ALGORITHM: 'ed25519',
  SEALTRAIL_LOG_NAME: 'audit.example.com',
  SEALTRAIL_RETENTION: '{"default":{"archiveDays":2557,"lock":"compliance"}}',
  SEALTRAIL_RECORD_READS: 'false',
  SEALTRAIL_PRIVACY: '{"default":{"pii":"include"}}',
};

describe('the environment of a function', () => {
  it('names no retired key where none is', () => {
    expect(environmentOf({ ...SET, SEALTRAIL_RETIRED_KEYS: '' }).retiredKeys).toEqual([]);
  });

  it('says where everything is and what holds', () => {
    expect(environmentOf({ ...SET, PATH: '/bin' })).toEqual({
      table: 'Audit',
      bucket: 'audit-archive',
      exports: 'audit-exports',
      index: 'audit-index',
      signingKeys: ['arn:aws:kms:eu-central-1:111122223333:key/2', 'arn:aws:kms:eu-central-1:111122223333:key/3'],
      retiredKeys: ['arn:aws:kms:eu-central-1:111122223333:key/1'],
      signingAlgorithm: 'ed25519',
      logName: 'audit.example.com',
      retention: { default: { archiveDays: 2557, lock: 'compliance' } },
      privacy: { default: { pii: 'include' } },
      recordsReads: false,
    });
  });

  it('has the rest of it in a file, where it is too long for Lambda', () => {
    const { SEALTRAIL_RETENTION, SEALTRAIL_PRIVACY, ...inside } = SET;
    const file = join(mkdtempSync(join(tmpdir(), 'sealtrail-variables-')), 'variables.json');
    const told = { ...inside, SEALTRAIL_VARIABLES: file };
    writeFileSync(file, JSON.stringify({ SEALTRAIL_RETENTION, SEALTRAIL_PRIVACY }));
    expect(environmentOf(told)).toEqual(environmentOf(SET));
    writeFileSync(file, '[');
    expect(() => environmentOf(told)).toThrow(`${file} is invalid: is not JSON`);
  });

  it('names the function that follows to anyone who asks it, where the stack has said so', () => {
    expect(followerOf({ ...SET, SEALTRAIL_FOLLOWER: 'Audit-Follow' })).toBe('Audit-Follow');
    const told = 'the environment variable SEALTRAIL_FOLLOWER is invalid';
    expect(() => followerOf(SET)).toThrow(told);
    expect(() => followerOf({ SEALTRAIL_FOLLOWER: '' })).toThrow(told);
  });

  it.each([
    ['SEALTRAIL_TABLE', undefined],
    ['SEALTRAIL_SIGNING_KEYS', ''],
    ['SEALTRAIL_RETENTION', ''],
    ['SEALTRAIL_RETENTION', '{"default":{"lock":"none"}}'],
    ['SEALTRAIL_RETENTION', '{"default":{"archiveDays":0}}'],
    ['SEALTRAIL_RETENTION', '{"trails":[{"trail":"debug-*","hotDays":"seven"}]}'],
    ['SEALTRAIL_RECORD_READS', 'no'],
    ['SEALTRAIL_PRIVACY', '{'],
    ['SEALTRAIL_PRIVACY', '{"unknown":1}'],
  ])('names what is wrong: %s is %j', (name, value) => {
    const act = () => environmentOf({ ...SET, [name]: value });
    expect(act).toThrow(RangeError);
    expect(act).toThrow(new RegExp(`^the environment variable ${name}[^ ]* is invalid`));
  });
});
