import { describe, expect, it } from 'vitest';
import { forwardSchema, isLoopback } from '../../lib/forward/settings.ts';

const webhook = { type: 'webhook', name: 'siem', url: 'https://siem.example/in', secret: { file: '/run/secret' } };
const parse = (...destinations: readonly object[]) => forwardSchema.safeParse({ destinations });
const whyNot = (changes: object): string | undefined => parse({ ...webhook, ...changes }).error?.issues[0]?.message;

describe('the settings of a destination', () => {
  it('are taken', () => {
    expect(parse(webhook).success).toBe(true);
    const all = {
      ...{ trails: ['pay-*', '_system'], filter: { type: ['auth.*', 'user.*'], severity: 'warning' }, from: 17 },
      ...{ format: 'ecs', proof: false, original: true, maxRecords: 10, maxBytes: 2048, timeoutSeconds: 5 },
    };
    expect(parse({ ...webhook, ...all, secret: { env: 'HOOK' } }).success).toBe(true);
    expect(parse({ ...webhook, from: '2026-01-01', url: 'http://127.0.0.1:9/x' }).success).toBe(true);
  });

  it.for([
    [{ url: 'http://siem.example/' }, /https/],
    [{ url: 'http://127.0.0.1.example.com/' }, /https/],
    [{ url: 'https://user:word@siem.example/' }, /https/],
    [{ url: 'file:///etc/passwd' }, /https/],
    [{ filter: { nobody: 'x' } }, /Unrecognized/],
    [{ filter: { severity: 'loud' } }, /filters/],
    [{ filter: { where: 'details.amount' } }, /filters/],
    [{ from: 'yesterday' }, /record number/],
    [{ from: '2h' }, /record number/],
    [{ from: -1 }, /./],
    [{ name: 'A SIEM' }, /lower-case/],
    [{ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }, /./],
    [{ format: 'xml' }, /./],
    [{ token: 'x' }, /Unrecognized/],
  ] as const)('are refused: %j', ([changes, rule]) => expect(whyNot(changes)).toMatch(rule));

  it('name each destination once', () => {
    expect(parse(webhook, { ...webhook, url: 'https://other.example' }).error?.issues[0]?.message).toMatch('one name');
  });
});

describe('this machine', () => {
  it('is known by its addresses alone', () => {
    const names = ['localhost', '127.0.0.1', '127.9.9.9', '[::1]', 'localhost.example.com', '0.0.0.0', '10.0.0.1'];
    expect(names.map(isLoopback)).toEqual([true, true, true, true, false, false, false]);
  });
});
