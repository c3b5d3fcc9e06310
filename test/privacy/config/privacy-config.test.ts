import { describe, expect, it } from 'vitest';
import { parsePrivacyConfig, policyFor } from '../../../lib/privacy/config/privacy-config.ts';
import { DEFAULT_POLICY } from '../../../lib/privacy/policy.ts';

const CONFIG = parsePrivacyConfig(
  JSON.stringify({
    default: { redactKeys: ['badge'] },
    trails: [
      { trail: 'payments-*', redactKeys: ['iban'], redactPatterns: ['card_number'] },
      { trail: '*-eu', pii: 'mask', keepKeys: ['auth'] },
      { trail: 'security', pii: 'include' },
      { trail: 'payments-*-raw', pii: 'include', redactPatterns: [] },
    ],
  }),
);

describe('the policy of a trail', () => {
  it('is the default one where nothing is said', () => {
    expect(policyFor('anything', {})).toEqual(DEFAULT_POLICY);
  });

  it('adds up the keys of every entry that matches; of the rest the last one counts', () => {
    expect(policyFor('payments-eu', CONFIG)).toEqual({
      redactKeys: {
        standard: true,
        redact: ['badge', 'iban'],
        keep: ['auth'],
      },
      redactPatterns: ['card_number'],
      pii: 'mask',
      longNumbers: 'text',
      unfit: 'ask',
    });
    expect(policyFor('payments-eu-raw', CONFIG)).toMatchObject({ redactPatterns: [], pii: 'include' });
  });

  it.each([
    ['payments', 'mask'],
    ['payments-', 'mask'],
    ['payments-us-raw', 'include'],
    ['payments--raw', 'include'],
    ['payments-raw', 'mask'],
    ['xpayments-us-raw', 'mask'],
    ['security', 'include'],
    ['security-2', 'mask'],
    ['my-security', 'mask'],
  ])('%s: PII is %s', (trail, pii) => {
    expect(policyFor(trail, CONFIG).pii).toBe(pii);
  });

  it('is one object for all trails that the same entries match, so that it is prepared once', () => {
    expect(policyFor('payments-us', CONFIG)).toBe(policyFor('payments-asia', CONFIG));
    expect(policyFor('payments-us', CONFIG)).not.toBe(policyFor('payments-eu', CONFIG));
  });
});

describe('a configuration that is wrong says where and what to do', () => {
  it.each([
    ['{', undefined, 'the privacy configuration is not JSON'],
    ['[]', undefined, 'the privacy configuration: Invalid input: expected object, received array'],
    ['{"pii":"mask"}', 'pii', 'pii: unknown setting: there are default, trails'],
    ['{"default":{"pii":"hash"}}', 'default.pii', 'default.pii: Invalid option: expected one of "mask"|"include"'],
    [
      '{"trails":[{"trail":"ok"},{"trail":"Payments"}]}',
      'trails[1].trail',
      'trails[1].trail: must be a trail name, in which * stands for any characters, such as payments-*',
    ],
    ['{"trails":[{}]}', 'trails[0].trail', 'trails[0].trail: Invalid input: expected string, received undefined'],
    [
      '{"trails":[{"trail":"a","redact":["x"]}]}',
      'trails[0].redact',
      'trails[0].redact: unknown setting: there are trail, redactKeys, keepKeys, redactPatterns, pii, longNumbers, unfit',
    ],
    [
      '{"default":{"redactKeys":["--"]}}',
      'default.redactKeys[0]',
      'default.redactKeys[0]: must hold a letter or digit',
    ],
    [
      '{"default":{"redactPatterns":["cards"]}}',
      'default.redactPatterns[0]',
      expect.stringMatching(/^default\.redactPatterns\[0\]: Invalid option: expected one of "private_key"\|/),
    ],
  ])('%s', (json, field, message) => {
    expect(() => parsePrivacyConfig(json)).toThrow(
      expect.objectContaining({ code: 'invalid_parameter', field, message }),
    );
  });
});
