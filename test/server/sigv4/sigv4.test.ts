import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalRequests, SignatureVerifier, stringToSign } from '../../../lib/server/sigv4/sigv4.ts';
import { type Claim, claimOf, type SignedHead } from '../../../lib/server/sigv4/sigv4-claim.ts';

interface Case {
  readonly name: string;
  readonly creq: string;
  readonly sts: string;
  readonly sreq: string;
}

const suite: { cases: Case[]; accessKeyId: string; secretAccessKey: string; service: string; region: string } =
  JSON.parse(readFileSync(join(import.meta.dirname, '../../vectors/sigv4/aws4_testsuite.json'), 'utf8'));

const at = Date.UTC(2015, 7, 30, 12, 36, 0);
const secretOf = (key: string) => (key === suite.accessKeyId ? suite.secretAccessKey : undefined);
const verifierAt = (time: number) => new SignatureVerifier(secretOf, { now: () => time, service: suite.service });

describe("AWS's own vectors", () => {
  const withoutToken = suite.cases.filter(({ sreq }) => !/x-amz-security-token/i.test(sreq));

  it('are all here', () => {
    expect(suite.cases).toHaveLength(34);
    expect(withoutToken).toHaveLength(31);
  });

  it.each(withoutToken)('$name: canonical request and string to sign come out byte for byte', ({ sreq, creq, sts }) => {
    const { head, body } = parseRequest(sreq);
    const claim = claimed(head);
    // The first reading is the standard one.
    const [canonical = ''] = canonicalRequests(claim, hash('sha256', body, 'hex'));
    expect(canonical).toBe(creq);
    expect(stringToSign(claim, canonical)).toBe(sts);
  });

  it.each(withoutToken)('$name: its signature is accepted, and not over another body', ({ sreq }) => {
    const { head, body } = parseRequest(sreq);
    expect(verifierAt(at).verify({ ...head, body })).toEqual({ ok: true, accessKeyId: 'AKIDEXAMPLE' });
    const other = Buffer.concat([body, Buffer.from(' ')]);
    expect(verifierAt(at).verify({ ...head, body: other })).toEqual(mismatch);
  });

  it.each(suite.cases.filter((one) => !withoutToken.includes(one)))('$name: its token is refused', ({ sreq }) => {
    const { head, body } = parseRequest(sreq);
    const reason = /SignedHeaders=\S*x-amz-security-token/.test(sreq)
      ? 'a session token, where there are no sessions'
      : 'x-amz-security-token is not signed';
    expect(verifierAt(at).verify({ ...head, body })).toEqual({ ok: false, reason });
  });
});

const mismatch = { ok: false, reason: 'the signature does not match' };

function claimed(head: SignedHead): Claim {
  const claim = claimOf(head, at);
  if (!claim.ok) throw new Error(claim.reason);
  return claim;
}

/** A request as the suite writes it (RFC 9112, line feeds alone), as one byte in each character. */
function parseRequest(text: string): { head: SignedHead; body: Buffer } {
  const bytes = Buffer.from(text).toString('latin1').replaceAll('\r', '');
  const [top = '', ...rest] = bytes.split('\n\n');
  const [line = '', ...fields] = top.replace(/\n[ \t]+/g, ' ').split('\n');
  const [, method = '', target = ''] = /^(\S+) (.*) HTTP\/1\.1$/.exec(line) ?? [];
  const headers = new Map<string, string[]>();
  for (const field of fields) {
    const colon = field.indexOf(':');
    const name = field.slice(0, colon).toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), field.slice(colon + 1).trim()]);
  }
  return { head: { method, target, headers }, body: Buffer.from(rest.join('\n\n'), 'latin1') };
}
