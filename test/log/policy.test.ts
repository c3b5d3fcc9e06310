import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluatePolicy, isQuorum, parsePolicy, witnessedText } from '../../lib/log/policy.ts';
import { cosignerKey } from './cosigner-key.ts';
import { ed25519Key, noteBy } from './keys.ts';
import { refusal } from './refusal.ts';

const published = JSON.parse(readFileSync(new URL('../vectors/witness/published.json', import.meta.url), 'utf8'));

const ORIGIN = 'log.example/_heads';
const TEXT = `${ORIGIN}\n3\nf+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=\n`;
const logKey = ed25519Key(1);
const LOG = logKey.verifier(ORIGIN).vkey;
const NOTE = noteBy(logKey, ORIGIN, TEXT);
const keys = [11, 12, 13, 14].map((seed) => cosignerKey(`w${seed}.example`, seed));
const [W1, W2, W3, W4] = keys.map(({ cosigner }) => cosigner.vkey);
const lineOf = (at: number, seconds = 1_796_000_000 + at): string => keys[at]?.line(TEXT, seconds) ?? '';

const THREE = `witness W1 ${W1} https://w1.example/\nwitness W2 ${W2}\nwitness W3 ${W3}\ngroup all3 2 W1 W2 W3\n`;
const two = parsePolicy(`${THREE}quorum all3\n`);

describe('a policy', () => {
  it.each<{ policy: string }>(published.policies)('that others use is understood: $source', ({ policy }) => {
    const { logs, witnesses, quorum } = parsePolicy(policy);
    expect(logs.map(({ origin }) => origin)).toEqual(['keyserver.geomys.org']);
    expect(witnesses.map(({ name, url }) => [name, url])).toEqual([
      ['TrustFabric', 'https://api.transparency.dev/dev/witness/little-garden/'],
      ['Mullvad', 'https://witness.stagemole.eu/'],
      ['Geomys', 'https://witness.navigli.sunlight.geomys.org/'],
    ]);
    expect(quorum).toMatchObject({ is: 'group', name: 'public', needed: 2 });
  });

  it('has spaces, tabs, comments and names in any octets', () => {
    const text = Buffer.concat([
      Buffer.from(`\n  # comment \u00e9\n \t witness  \t `),
      Buffer.from([0xe2, 0x84, 0xaa]), // U+212A, which is another name than the letter K
      Buffer.from(` ${W1}\t\nwitness K ${W2}\nquorum K  \n\n`),
    ]);
    const { witnesses, quorum } = parsePolicy(text);
    expect(witnesses.map(({ name }) => name)).toEqual(['\u212a', 'K']);
    expect(quorum).toEqual({ is: 'witness', name: 'K' });
  });

  it.each([
    ['', 'ends with a newline'],
    ['quorum none', 'ends with a newline'],
    ['\n', 'has a line quorum'],
    ['quorum none\nquorum none\n', 'line 2 of the policy: a policy has one quorum'],
    ['quorum none extra\n', 'a quorum has one name'],
    ['quorum W\n', 'no line before it defines "W"'],
    ['quorum none\r\n', 'control character'],
    ['witnes W x\nquorum none\n', 'begins with "witnes"'],
    ['witness W\nquorum none\n', 'a witness has a name'],
    [`witness W ${W1} https://w/ # comment\nquorum W\n`, 'a witness has a name'],
    [`witness none ${W1}\nquorum none\n`, 'the name none is taken'],
    [`witness W ${W1}\nwitness W ${W2}\nquorum W\n`, 'line 2 of the policy: "W" is defined already'],
    [`witness W ${W1}\nwitness V ${W1}\nquorum W\n`, 'another witness has the same key'],
    [`witness W ${LOG}\nquorum W\n`, 'holds an Ed25519 key (type 4)'],
    [`log ${W1}\nquorum none\n`, 'holds an Ed25519 key (type 1)'],
    [`log ${LOG}\nlog ${LOG}\nquorum none\n`, 'another log has the same key'],
    [`log ${LOG} https://l/ more\nquorum none\n`, 'a log has a vkey'],
    [`group G any W\nwitness W ${W1}\nquorum G\n`, 'line 1 of the policy: no line before it defines "W"'],
    [`witness W ${W1}\ngroup G 2 W\nquorum G\n`, 'of 1 members "2" cannot be needed'],
    [`witness W ${W1}\ngroup G 0 W\nquorum G\n`, '"0" is not all, any or a number'],
    [`witness W ${W1}\ngroup G -1 W\nquorum G\n`, 'is not all, any or a number'],
    [`witness W ${W1}\ngroup G any\nquorum G\n`, 'a group has a name'],
    [`witness W ${W1}\ngroup G all W W\nquorum G\n`, 'is a member of a group already'],
    [`witness W ${W1}\ngroup G any W\ngroup H any W\nquorum G\n`, 'is a member of a group already'],
    [`witness W ${W1}\ngroup G any none\nquorum G\n`, 'no line before it defines "none"'],
  ])('is refused, saying where and why: %j', (text, message) => {
    expect(refusal(() => parsePolicy(text))).toMatchObject({
      code: 'malformed_policy',
      message: expect.stringContaining(message),
    });
  });

  it('never fails but with its code, whatever it is given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect([undefined, 'malformed_policy']).toContain(refusal(() => parsePolicy(bytes))?.code);
      }),
    );
  });
});

describe('a quorum', () => {
  it('is reached with as many witnesses as are needed, of groups of groups', () => {
    const nested = parsePolicy(`${THREE}witness Y1 ${W4}\ngroup Y any Y1\ngroup both all all3 Y\nquorum both\n`).quorum;
    const reached = (...names: string[]): boolean => isQuorum(nested, new Set(names));
    expect(reached('W1', 'W3', 'Y1')).toBe(true);
    expect(reached('W1', 'W2', 'W3')).toBe(false);
    expect(reached('W1', 'Y1')).toBe(false);
    expect(isQuorum({ is: 'none' }, new Set())).toBe(true);
  });
});

describe('a checkpoint under a policy', () => {
  it('is valid with two of three, and names them with their times', () => {
    const { isValid, by, checkpoint } = evaluatePolicy(two, NOTE + lineOf(0) + lineOf(2));
    expect({ isValid, size: checkpoint.size }).toEqual({ isValid: true, size: 3 });
    expect(witnessedText(by)).toBe('W1 (2026-11-30T00:53:20Z), W3 (2026-11-30T00:53:22Z)');
    expect(by.map(({ witness, key }) => [witness, key])).toEqual([
      ['W1', 'w11.example'],
      ['W3', 'w13.example'],
    ]);
  });

  it('is not valid with one, with a stranger beside it, or without a time', () => {
    expect(evaluatePolicy(two, NOTE)).toMatchObject({ isValid: false, by: [] });
    expect(evaluatePolicy(two, NOTE + lineOf(0)).isValid).toBe(false);
    expect(evaluatePolicy(two, NOTE + lineOf(0) + lineOf(3)).isValid).toBe(false);
    expect(evaluatePolicy(two, NOTE + lineOf(0) + lineOf(1, 0)).isValid).toBe(false);
  });

  it('is refused with a cosignature that does not hold', () => {
    const foreign = keys[1]?.line(TEXT.replace('\n3\n', '\n4\n'), 5) ?? '';
    expect(refusal(() => evaluatePolicy(two, NOTE + lineOf(0) + lineOf(2) + foreign))?.code).toBe('bad_signature');
  });

  it('is of a log that the policy names, if it names any', () => {
    const named = parsePolicy(`log ${LOG}\n${THREE}quorum all3\n`);
    const cosigned = lineOf(0) + lineOf(1);
    expect(evaluatePolicy(named, NOTE + cosigned).isValid).toBe(true);
    expect(evaluatePolicy(named, noteBy(ed25519Key(2), ORIGIN, TEXT) + cosigned).isValid).toBe(false);
    const other = parsePolicy(`log ${ed25519Key(1).verifier('log.example/other').vkey}\n${THREE}quorum all3\n`);
    expect(evaluatePolicy(other, NOTE + cosigned).isValid).toBe(false);
    const forged = NOTE.replace(/.{12}\n$/, 'AAAAAAAAAAA=\n');
    expect(refusal(() => evaluatePolicy(named, forged + cosigned))?.code).toBe('bad_signature');
  });

  it('may be signed by the log with ML-DSA-44', () => {
    const key = cosignerKey(ORIGIN, 21, 'ml-dsa-44');
    const policy = parsePolicy(`log ${key.cosigner.vkey}\nquorum none\n`);
    expect(evaluatePolicy(policy, NOTE + key.line(TEXT, 0)).isValid).toBe(true);
    expect(evaluatePolicy(policy, NOTE).isValid).toBe(false);
  });
});
