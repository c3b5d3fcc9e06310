import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SealtrailError } from '../../../lib/log/error.ts';
import {
  fingerprintOf,
  keyIdText,
  keysOfTrail,
  logNameOf,
  parseTrustedKeys,
} from '../../../lib/verify/evidence/trust.ts';
import { ed25519Key, KEY, keyIdOf, LOG, p256Key, vkeyOf } from '../archive-builder.ts';

const ORDERS = `${LOG}/orders`;
const OTHER = p256Key(6);
const spki = (key: typeof KEY): string => `spki:${key.spki.toString('base64')}`;

describe('a key file', () => {
  test('is a PEM, as it comes', () => {
    expect(parseTrustedKeys(KEY.pem)).toEqual([{ spki: new Uint8Array(KEY.spki) }]);
    expect(parseTrustedKeys(`\r\n${KEY.pem.replaceAll('\n', '\r\n')}`)).toHaveLength(1);
  });

  test('is a vkey', () => {
    expect(parseTrustedKeys(`${vkeyOf(ORDERS, KEY)}\n`)).toMatchObject([{ name: ORDERS }]);
  });

  test('is a list with sizes, comments and PEMs', () => {
    const text = `# old\n${vkeyOf(ORDERS, KEY)} to=100\n\n  ${spki(OTHER)}  trail=payments from=7 to=9 \ntrail=_system from=3\n${OTHER.pem}${KEY.pem}`;
    expect(parseTrustedKeys(text)).toMatchObject([
      { name: ORDERS, to: 100 },
      { trail: 'payments', from: 7, to: 9 },
      { trail: '_system', from: 3 },
      { spki: new Uint8Array(KEY.spki) },
    ]);
  });

  const vkey = vkeyOf(ORDERS, KEY);
  test.each([
    ['', 'the key file holds no key'],
    ['# nothing', 'the key file holds no key'],
    ['hello', 'line 1 of the key file: a vkey has the form <name>+<8 hex digits>+<base64>'],
    [
      `# x\n${vkey.replace('orders', 'order')}`,
      'line 2 of the key file: the key ID in the vkey does not belong to its name and key',
    ],
    ['spki:AAAA', 'line 1 of the key file: the public key is not readable'],
    ['spki:AA', 'line 1 of the key file: the key is not canonical base64'],
    [`${vkey} until=5`, 'line 1 of the key file: after a key come from=<size>, to=<size> and trail=<name> only'],
    [`${vkey} to=05`, 'line 1 of the key file: to= is not a decimal number from 0 to 2^53 - 1'],
    [`${vkey} to=-1`, 'line 1 of the key file: to= is not a decimal number from 0 to 2^53 - 1'],
    [`${vkey} from=6 to=5`, 'line 1 of the key file: from= is above to='],
    [`${vkey} trail=Orders`, 'line 1 of the key file: trail= is not the name of a trail'],
    ['from=1', 'line 1 of the key file: after from=, to= and trail= alone on a line comes a PEM'],
    [`from=1\n${vkey}`, 'line 2 of the key file: after from=, to= and trail= alone on a line comes a PEM'],
    ['-----BEGIN PUBLIC KEY-----\nAAAA', 'line 1 of the key file: the PEM that begins here has no end'],
    [
      '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----',
      'line 1 of the key file: the public key is not readable',
    ],
    [
      '-----BEGIN PRIVATE KEY-----',
      'line 1 of the key file: the PEM of a public key begins with -----BEGIN PUBLIC KEY-----',
    ],
  ])('%j is refused', (text, message) => {
    expect(() => parseTrustedKeys(text)).toThrow(expect.objectContaining({ code: 'malformed_key', message }));
  });

  test('whatever it holds, is read or refused', () => {
    const parts = fc.constantFrom(
      vkey,
      spki(OTHER),
      'from=3',
      'to=9',
      'trail=x',
      ' ',
      '\n',
      '#',
      '-----BEGIN PUBLIC KEY-----',
      '-----END PUBLIC KEY-----',
      '+',
      'spki:',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(parts, fc.string({ maxLength: 4 })), { maxLength: 12 }), (texts) => {
        try {
          expect(parseTrustedKeys(texts.join('')).length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(SealtrailError);
          expect(error).toMatchObject({ code: 'malformed_key' });
        }
      }),
    );
  });
});

describe('the keys of a trail', () => {
  const trust = parseTrustedKeys(`${vkeyOf(ORDERS, KEY)} to=10\n${spki(OTHER)} trail=payments\n${ed25519Key(3).pem}`);

  test('are those of its name, those for its name, and those for any', () => {
    const ids = (origin: string, trail: string): string[] =>
      keysOfTrail(trust, origin, trail).map(({ verifier }) => keyIdText(verifier.keyId));
    expect(ids(ORDERS, 'orders')).toEqual([keyIdOf(ORDERS, KEY), keyIdOf(ORDERS, ed25519Key(3))]);
    expect(ids(`${LOG}/payments`, 'payments')).toEqual([keyIdOf('', OTHER), keyIdOf(`${LOG}/payments`, ed25519Key(3))]);
    expect(ids('other.example.com/orders', 'orders')).toEqual([keyIdOf('other.example.com/orders', ed25519Key(3))]);
    expect(keysOfTrail(trust, ORDERS, 'orders').map(({ from, to }) => [from, to])).toEqual([
      [0, 10],
      [0, Number.MAX_SAFE_INTEGER],
    ]);
  });

  test('of the log itself are its unbounded ones for other trails, where nothing is for it', () => {
    const names = (text: string, trail: string): string[] =>
      keysOfTrail(parseTrustedKeys(text), `${LOG}/${trail}`, trail).map(({ verifier }) => keyIdText(verifier.keyId));
    const both = `${vkeyOf(ORDERS, KEY)}\n${vkeyOf(`${LOG}/payments`, KEY)}`;
    const index = `${LOG}/_index`;
    expect(names(both, '_index')).toEqual([keyIdOf(index, KEY)]);
    expect(names(both, 'refunds')).toEqual([]);
    expect(names(`${both}\n${vkeyOf(index, ed25519Key(3))} to=5`, '_index')).toEqual([keyIdOf(index, ed25519Key(3))]);
    for (const other of [
      `${vkeyOf(ORDERS, KEY)} to=10`,
      `${vkeyOf(ORDERS, KEY)} from=10`,
      `${spki(KEY)} trail=orders`,
      vkeyOf('other.example.com/orders', KEY),
      vkeyOf('plain', KEY),
    ]) {
      expect(names(other, '_index')).toEqual([]);
    }
  });

  test('of an origin that no key can have are none', () => {
    for (const origin of ['', 'a b/orders', 'a+b/orders', 'a\u0000/orders', 'a\u2003b', '\ud800']) {
      expect(keysOfTrail(trust, origin, 'orders')).toEqual([]);
    }
  });

  test('tell the name of the log where all vkeys agree on one', () => {
    expect(logNameOf(trust)).toBe(LOG);
    expect(logNameOf(parseTrustedKeys(KEY.pem))).toBeUndefined();
    const two = `${vkeyOf(ORDERS, KEY)}\n${vkeyOf('other.example.com/orders', KEY)}`;
    expect(logNameOf(parseTrustedKeys(two))).toBeUndefined();
    expect(logNameOf(parseTrustedKeys(vkeyOf('plain', KEY)))).toBeUndefined();
  });

  test('have the fingerprint that OpenSSL gives: SHA-256 of the SubjectPublicKeyInfo', () => {
    expect(fingerprintOf(KEY.spki)).toBe('324be2dea8bc44461b0233e51fa48902ed6b1cc671e7739af2551e0bfe68f54e');
  });
});
