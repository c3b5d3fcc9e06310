import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromBase64, toHex, toUtf8 } from '../../lib/log/encoding.ts';
import { openNote, parseVkey, pemOf, verifierFromPem, verifierFromSpki } from '../../lib/log/note.ts';
import { ed25519Key, p256Key } from './keys.ts';
import { refusal } from './refusal.ts';

const read = (name: string) => JSON.parse(readFileSync(new URL(`../vectors/note/${name}`, import.meta.url), 'utf8'));
const published = read('published.json');
const openssl = read('openssl.json');

interface OpenSslCase {
  readonly algorithm: 'ed25519' | 'ecdsa-p256';
  readonly pem: string;
  readonly signature: string;
  readonly keyId: string;
  readonly vkey: string;
}

describe('keys that others have published', () => {
  it.each<{ vkey: string; note: string; source: string }>(published.cases)(
    'open their note: $vkey',
    ({ vkey, note }) => {
      const verifier = parseVkey(vkey);
      expect(verifier.vkey).toBe(vkey);
      const { verified, text } = openNote(note, [verifier]);
      expect(verified.map(({ name }) => name)).toEqual([verifier.name]);
      expect(note.startsWith(`${text}\n— `)).toBe(true);
    },
  );

  it('are told apart by their type', () => {
    const algorithms = (published.cases as { vkey: string }[]).map(({ vkey }) => parseVkey(vkey).algorithm);
    expect(new Set(algorithms)).toEqual(new Set(['ed25519', 'ecdsa-p256']));
  });

  it.each<string>(published.malformedVkeys)('are refused when they are malformed: %s', (vkey) => {
    expect(refusal(() => parseVkey(vkey))?.code).toBe('malformed_key');
  });
});

describe('keys made by OpenSSL', () => {
  const { name, text } = openssl;

  it.each<OpenSslCase>(openssl.cases)('have the ID and the vkey of C2SP signed-note: $algorithm', (vector) => {
    const verifier = verifierFromPem(name, vector.pem);
    expect(verifier.algorithm).toBe(vector.algorithm);
    expect(verifier.keyId.toString(16).padStart(8, '0')).toBe(vector.keyId);
    expect(verifier.vkey).toBe(vector.vkey);
    expect(toHex(parseVkey(vector.vkey).spki)).toBe(toHex(verifier.spki));
  });

  it.each<OpenSslCase>(openssl.cases)('verify what OpenSSL signed, and nothing else: $algorithm', (vector) => {
    const verifier = verifierFromPem(name, vector.pem);
    const signature = fromBase64(vector.signature);
    expect(verifier.verify(toUtf8(text), signature)).toBe(true);
    expect(verifier.verify(toUtf8(`${text}\n`), signature)).toBe(false);
    for (let at = 0; at < signature.length; at++) {
      const other = Uint8Array.from(signature);
      other[at] = (other[at] ?? 0) ^ 0x10;
      expect(verifier.verify(toUtf8(text), other), `byte ${at}`).toBe(false);
    }
    for (const bytes of [new Uint8Array(), signature.subarray(1), Buffer.concat([signature, Buffer.of(0)])]) {
      expect(verifier.verify(toUtf8(text), bytes), `${bytes.length} bytes`).toBe(false);
    }
  });

  it.each<OpenSslCase>(openssl.cases)('are written as OpenSSL writes them: $algorithm', ({ pem }) => {
    expect(pemOf(verifierFromPem(name, pem))).toBe(pem);
  });

  it.each<{ what: string; pem: string }>(openssl.refused)('are refused when they are $what', ({ what, pem }) => {
    const message = what.startsWith('P-256')
      ? 'a P-256 key is given as an uncompressed point on the named curve'
      : 'a public key is an Ed25519 or a P-256 key';
    expect(refusal(() => verifierFromPem(name, pem))).toEqual({ code: 'malformed_key', message });
  });
});

describe('a key', () => {
  const vkey = ed25519Key(1).verifier('log.example/orders').vkey;

  it('has an ID of its name and bytes, if it is Ed25519; of its bytes alone, if it is P-256', () => {
    const [a, b] = ['log.example/a', 'log.example/b'];
    expect(ed25519Key(1).verifier(a).keyId).not.toBe(ed25519Key(1).verifier(b).keyId);
    expect(ed25519Key(1).verifier(a).keyId).not.toBe(ed25519Key(2).verifier(a).keyId);
    expect(p256Key(1).verifier(a).keyId).toBe(p256Key(1).verifier(b).keyId);
    expect(p256Key(1).verifier(a).keyId).not.toBe(p256Key(2).verifier(a).keyId);
  });

  it('goes through vkey, PEM and DER unchanged', () => {
    for (const key of [ed25519Key(1), ed25519Key(255), p256Key(1), p256Key(200)]) {
      const verifier = key.verifier('log.example/orders');
      for (const same of [
        parseVkey(verifier.vkey),
        verifierFromPem(verifier.name, pemOf(verifier)),
        verifierFromPem(verifier.name, pemOf(verifier).replaceAll('\n', '\r\n')),
        verifierFromSpki(verifier.name, verifier.spki),
      ]) {
        expect([same.vkey, same.keyId, same.algorithm]).toEqual([verifier.vkey, verifier.keyId, verifier.algorithm]);
        const { signature } = key.sign(verifier.name, 'text\n');
        expect(same.verify(toUtf8('text\n'), signature)).toBe(true);
      }
    }
  });

  it('is not read from any part of a vkey, nor from one with a character changed', () => {
    const accepted: string[] = [];
    for (let from = 0; from < vkey.length; from++) {
      for (let to = from + 1; to <= vkey.length; to++) {
        if (to - from === vkey.length) continue;
        if (refusal(() => parseVkey(vkey.slice(from, to)))?.code !== 'malformed_key') accepted.push(`${from}-${to}`);
      }
    }
    for (let at = 0; at < vkey.length; at++) {
      for (const by of ['A', '0', '+', ' ', '\n', String.fromCharCode(vkey.charCodeAt(at) + 1)]) {
        const changed = vkey.slice(0, at) + by + vkey.slice(at + 1);
        if (changed === vkey) continue;
        if (refusal(() => parseVkey(changed))?.code !== 'malformed_key') accepted.push(changed);
      }
    }
    expect(accepted).toEqual([]);
  });

  it.each([
    ['', 'a vkey has the form <name>+<8 hex digits>+<base64>'],
    ['log.example/orders', 'a vkey has the form <name>+<8 hex digits>+<base64>'],
    [vkey.toUpperCase(), 'a vkey has the form <name>+<8 hex digits>+<base64>'],
    [`${vkey}\n`, 'a vkey has the form <name>+<8 hex digits>+<base64>'],
    [vkey.replace('log.', 'lag.'), 'the key ID in the vkey does not belong to its name and key'],
    ['log.example+00000000+AQ==', 'a vkey holds an Ed25519 key (type 1) or a P-256 key (type 2)'],
    ['log.example+00000000+AgAA', 'the public key is not readable'],
    ['log.example+00000000+AB==', 'the key in the vkey is not canonical base64'],
    ['log.example+00000000+====', 'the key in the vkey is not canonical base64'],
    ['log example+00000000+AgAA', 'the name of a key is not empty and has no spaces, plus or control characters'],
  ])('is refused with a reason: %j', (text, message) => {
    expect(refusal(() => parseVkey(text))).toEqual({ code: 'malformed_key', message });
  });

  it.each([
    ['', 'no name'],
    ['a b', 'a space'],
    ['a+b', 'a plus'],
    ['a\nb', 'a newline'],
    ['a\u00a0b', 'a no-break space'],
    ['a\u2003b', 'an em space'],
    ['a\u0085b', 'a next-line character'],
    ['a\u0000b', 'a control character'],
    ['a\ud800b', 'half a character'],
  ])('has no name like %j: %s', (name) => {
    expect(refusal(() => ed25519Key(1).verifier(name))).toEqual({
      code: 'malformed_key',
      message: 'the name of a key is not empty and has no spaces, plus or control characters',
    });
  });

  it('may have any other name', () => {
    for (const name of ['a', 'audit.example.com/orders', 'ключ', '鍵🔑', 'a\ufeffb', '—']) {
      expect(parseVkey(ed25519Key(1).verifier(name).vkey).name).toBe(name);
    }
  });

  it('is never taken from a private key, nor from anything else than a public key', () => {
    const pem = String(ed25519Key(1).privateKey.export({ format: 'pem', type: 'pkcs8' }));
    expect(refusal(() => verifierFromPem('log.example', pem))).toEqual({
      code: 'malformed_key',
      message: 'a public key in PEM begins with BEGIN PUBLIC KEY',
    });
    const der = ed25519Key(1).privateKey.export({ format: 'der', type: 'pkcs8' });
    for (const bytes of [der, new Uint8Array(), Buffer.alloc(44, 0x30), ed25519Key(1).spki.subarray(0, 43)]) {
      expect(refusal(() => verifierFromSpki('log.example', bytes))).toEqual({
        code: 'malformed_key',
        message: 'the public key is not readable',
      });
    }
    for (const text of [
      '',
      'PUBLIC KEY',
      '-----BEGIN PUBLIC KEY-----',
      '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----',
    ]) {
      expect(refusal(() => verifierFromPem('log.example', text))?.code).toBe('malformed_key');
    }
  });

  it('on P-256 is a point of the curve', () => {
    const off = Uint8Array.from(p256Key(1).spki);
    off[90] = (off[90] ?? 0) ^ 1;
    expect(refusal(() => verifierFromSpki('log.example', off))?.code).toBe('malformed_key');
  });
});
