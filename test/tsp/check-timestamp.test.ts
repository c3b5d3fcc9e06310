import { afterAll, describe, expect, it } from 'vitest';
import { parseAuthorities } from '../../lib/tsp/authorities.ts';
import { checkTimestamp } from '../../lib/tsp/check-timestamp.ts';
import { newNonce, timestampRequest } from '../../lib/tsp/request.ts';
import { Authority } from './authority.ts';

/** The promise: what OpenSSL stamps holds for those bytes, by that authority, and for nothing else. */

const SUBJECT = Buffer.from('audit.example.com/orders\n3\n…\n');
const made = { ec: new Authority('ec'), rsa: new Authority('rsa') };
const authorities = parseAuthorities(made.ec.root);
afterAll(() => Promise.all(Object.values(made).map((one) => one.close())));

const stamp = (nonce = newNonce(), by = made.ec) => by.reply(timestampRequest(SUBJECT, nonce));
const refused = (what: RegExp, code = 'bad_timestamp') => ({ code, message: expect.stringMatching(what) });

describe('a time-stamp', () => {
  it.each(['ec', 'rsa'] as const)('holds with a key of the kind %s', async (kind) => {
    const nonce = newNonce();
    const before = Math.floor(Date.now() / 1000) * 1000;
    const root = parseAuthorities(made[kind].root);
    const held = await checkTimestamp(stamp(nonce, made[kind]), SUBJECT, { authorities: root, nonce });
    expect(held.service).toBe('O=Example, CN=Test stamps');
    expect(held.time).toBeGreaterThanOrEqual(before);
    expect(held.time).toBeLessThanOrEqual(Date.now());
  });

  it('is for these bytes, and answers this request', async () => {
    const response = stamp();
    const other = Buffer.concat([SUBJECT, Buffer.from('\n')]);
    await expect(checkTimestamp(response, other, { authorities })).rejects.toMatchObject(refused(/over other bytes/));
    const nonce = newNonce();
    const answer = checkTimestamp(response, SUBJECT, { authorities, nonce });
    await expect(answer).rejects.toMatchObject(refused(/another request/));
  });

  it('needs an authority that is trusted, where any is', async () => {
    const root = parseAuthorities(made.rsa.root);
    const response = stamp();
    const judged = checkTimestamp(response, SUBJECT, { authorities: root });
    await expect(judged).rejects.toMatchObject(refused(/authority that is trusted/, 'bad_signature'));
    await expect(checkTimestamp(response, SUBJECT, { authorities: [...root, ...authorities] })).resolves.toBeDefined();
    await expect(checkTimestamp(response, SUBJECT, { authorities: undefined })).resolves.toBeDefined();
    await expect(checkTimestamp(response, SUBJECT, { authorities: [] })).rejects.toMatchObject({
      code: 'bad_signature',
    });
  });

  it('needs a certificate that is for time-stamping alone', async () => {
    const response = stamp();
    // OpenSSL signs with no other certificate, so it is changed here: the service's signature is not over it.
    const asked = Buffer.from('2b06010505070308', 'hex'); // RFC 3161 section 2.3: 1.3.6.1.5.5.7.3.8
    const at = response.indexOf(asked);
    response.writeUInt8(0x01, at + 7); // serverAuth
    await expect(checkTimestamp(response, SUBJECT, { authorities: undefined })).rejects.toMatchObject(
      refused(/for time-stamping alone/),
    );
  });

  it('is refused for what is none, whatever it is', async () => {
    const refusal = Buffer.from('30053003020102', 'hex'); // status 2, rejection
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('no'),
      refusal,
      Buffer.alloc(70_000, 0x30),
      timestampRequest(SUBJECT, newNonce()),
    ]) {
      await expect(checkTimestamp(bytes, SUBJECT, { authorities })).rejects.toMatchObject({ code: 'bad_timestamp' });
    }
  });

  it('with any byte changed is refused, or says the same', async () => {
    const response = stamp();
    const said = await checkTimestamp(response, SUBJECT, { authorities });
    for (let at = 0; at < response.length; at += 11) {
      const changed = Buffer.from(response);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      const judged = await checkTimestamp(changed, SUBJECT, { authorities }).catch(({ code }) => code);
      expect([said, 'bad_timestamp', 'bad_signature'], `byte ${at}`).toContainEqual(judged);
    }
  });
});

describe('the authorities', () => {
  it('are certificates in PEM, one or more', () => {
    expect(parseAuthorities(`# two\n${made.ec.root}\n${made.rsa.root}`)).toHaveLength(2);
    for (const text of ['', 'none', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
      expect(() => parseAuthorities(text)).toThrow(expect.objectContaining({ code: 'malformed_key' }));
    }
  });
});
