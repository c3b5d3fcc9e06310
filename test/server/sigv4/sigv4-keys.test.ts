import { describe, expect, it } from 'vitest';
import { deriveSigningKey, type Scope, SigningKeys } from '../../../lib/server/sigv4/sigv4-keys.ts';

const scope = (accessKeyId: string): Scope => ({ accessKeyId, date: '20150830', region: 'us-east-1', service: 'iam' });

describe('a signing key', () => {
  it('is the one of the example that AWS gives', () => {
    // AWS General Reference, "Examples of how to derive a signing key for Signature Version 4".
    const key = deriveSigningKey('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', scope('AKIDEXAMPLE'));
    expect(key.export().toString('hex')).toBe('c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9');
  });
});

describe('the signing keys that are kept', () => {
  const key = deriveSigningKey('secret', scope('a'));

  it('are found by their whole scope', () => {
    const keys = new SigningKeys(8);
    keys.keep(scope('a'), key);
    expect(keys.get(scope('a'))).toBe(key);
    for (const other of [{ accessKeyId: 'b' }, { date: '20150831' }, { region: 'eu-west-1' }, { service: 's3' }]) {
      expect(keys.get({ ...scope('a'), ...other })).toBeUndefined();
    }
  });

  it('are bounded: the one that was used least recently leaves', () => {
    const keys = new SigningKeys(3);
    for (const name of ['a', 'b', 'c']) keys.keep(scope(name), key);
    keys.get(scope('a'));
    keys.keep(scope('d'), key);
    expect(keys.size).toBe(3);
    expect(['a', 'b', 'c', 'd'].filter((name) => keys.get(scope(name)) !== undefined)).toEqual(['a', 'c', 'd']);
  });
});
