import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMaskedIp, maskValue } from '../../lib/privacy/mask.ts';

describe('e-mail addresses', () => {
  it.each([
    ['alice@example.com', 'a***@example.com'],
    ["o'brien@example.com", 'o***@example.com'],
    ["'alice@example.com', o''b@example.com", "'a***@example.com', o''***@example.com"],
    ['Alice.Smith+news@mail.example.co.uk', 'A***@mail.example.co.uk'],
    ['a@example.com', '***@example.com'],
    ['al@example.com', '***@example.com'],
    ['bob@xn--bcher-kva.example', 'b***@xn--bcher-kva.example'],
    ['jörg@bücher.example', 'j***@bücher.example'],
    ['用户名@例子.广告', '用***@例子.广告'],
    ['<alice@example.com>, "Bob" <bob@example.org>', '<a***@example.com>, "Bob" <b***@example.org>'],
    ['mailto:alice@example.com?subject=x', 'mailto:a***@example.com?subject=x'],
    ['wrote to alice@example.com.', 'wrote to a***@example.com.'],
    ['user:alice@example.com', 'user:a***@example.com'],
    ['https://x.example/?email=alice%40example.com&x=1', 'https://x.example/?email=a***%40example.com&x=1'],
    [`${'x'.repeat(100)}@example.com`, 'x***@example.com'],
  ])('%s becomes %s', (text, masked) => {
    expect(maskValue(text)).toBe(masked);
  });
});

describe('IP addresses', () => {
  it.each([
    ['203.0.113.7', '203.0.113.***'],
    ['203.0.113.7:8080', '203.0.113.***:8080'],
    ['10.0.0.0/8', '10.0.0.***/8'],
    ['from 203.0.113.7, then 203.0.113.8.', 'from 203.0.113.***, then 203.0.113.***.'],
    ['http://203.0.113.7/path', 'http://203.0.113.***/path'],
    ['/hosts/203.0.113.7/ports', '/hosts/203.0.113.***/ports'],
    ['203.0.113.7-203.0.113.9', '203.0.113.***-203.0.113.***'],
    ['bob@203.0.113.7', 'bob@203.0.113.***'],
    ['2001:DB8:85a3::8a2e:370:7334', '2001:db8:85a3:***'],
    ['2001:0db8:85a3:0000:0000:8a2e:0370:7334', '2001:db8:85a3:***'],
    ['2001:db8::1', '2001:db8:0:***'],
    ['::1', '0:0:0:***'],
    ['fe80::1%eth0', 'fe80:0:0:***'],
    ['[2001:db8::1]:443', '[2001:db8:0:***]:443'],
    ['::ffff:203.0.113.7', '203.0.113.***'],
    ['::ffff:cb00:7107', '203.0.113.***'],
    ['::1:ffff:203.0.113.7', '0:0:0:***'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:***'],
    ['peer 2001:db8::1.', 'peer 2001:db8:0:***.'],
    ['2001:db8::1:', '2001:db8:0:***:'],
  ])('%s becomes %s', (text, masked) => {
    expect(maskValue(text)).toBe(masked);
  });

  it('masks every writing of one IPv6 address alike, so that a query by any of them finds it', () => {
    const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, (address) => {
        fc.pre(address.some((group) => group > 0));
        const long = address.map((group) => group.toString(16).padStart(4, '0')).join(':');
        const masked = maskValue(long.toUpperCase());
        // What URL makes of it is the short form (RFC 5952).
        const short = new URL(`http://[${long}]/`).hostname.slice(1, -1);
        if (/\d/.test(short)) expect(maskValue(short)).toBe(masked);
        expect(isMaskedIp(masked)).toBe(true);
      }),
    );
  });
});

describe('what is neither stays as it is', () => {
  it.each([
    ['1.2.3', 'a version'],
    ['v1.2.3.4', 'a version with a v'],
    ['version 1.2.3.4', 'a version that says so'],
    ['Version: 10.0.19041.1', 'another'],
    ['Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36', 'a browser’s version'],
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Edg/1.2.3.4', 'an agent’s'],
    ['lib-1.2.3.4.tgz', 'a file name'],
    ['libfoo.so.1.2.3.4', 'a library'],
    ['1.2.3.4-rc1', 'a pre-release'],
    ['1.3.6.1.4.1.311', 'an object identifier'],
    ['999.1.1.1', 'no octet'],
    ['01.02.03.004', 'a date of a kind'],
    ['12:34:56', 'a time'],
    ['2026-11-21T04:21:00.000Z', 'an instant'],
    ['00:1a:2b:3c:4d:5e', 'a MAC address'],
    ['0192f3c4-1b2d-7c3e-9f00-000000000003', 'a UUID'],
    ['urn:uuid:0192f3c4-1b2d-7c3e-9f00-000000000003', 'a URN'],
    ['arn:aws:iam::123456789012:role/Admin', 'an ARN'],
    ['std::vector<int>', 'C++'],
    ['Dead::Beef and db::add', 'Ruby and Rust'],
    ['a::b::c', 'more of it'],
    ['@octokit/webhooks', 'a package'],
    ['left-pad@1.3.0', 'a package with a version'],
    ['pkg@1.2.3-beta.one', 'and a pre-release'],
    ['git@github.com:octocat/hello.git', 'a repository'],
    ['@alice', 'a handle'],
    ['alice@localhost', 'no domain'],
    ['a @ b.com', 'no address'],
    ['sha256:9f86d081884c7d659a2feaa0c55ad015', 'a digest'],
    ['', 'nothing'],
    ['100%', 'a percentage'],
  ])('%s: %s', (text) => {
    expect(maskValue(text)).toBe(text);
  });
});

describe('masking', () => {
  const pieces = fc.constantFrom(
    ...['@', '%40', '.', ':', '::', '***', 'a', 'Z', '7', '203.0.113.7', '1.2.3', 'x@y.zz', 'ffff', '2001:db8::', ' '],
    ...['-', '/', 'v', '_', '"', '[', ']', 'é', '%eth0', '//', '(1', 'www.a.example', '+', '~', '*'],
  );
  const text = fc.oneof(
    fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
    fc.emailAddress(),
    fc.ipV4(),
    fc.ipV6(),
    fc.string(),
  );

  it('changes nothing that it has masked already', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const masked = maskValue(`${one} ${other}`);
        expect(maskValue(masked)).toBe(masked);
        const joined = maskValue(one + other);
        expect(maskValue(joined)).toBe(joined);
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves no e-mail address that stands by itself', () => {
    fc.assert(
      fc.property(fc.emailAddress(), (address) => {
        const [local = '', domain = ''] = [
          address.slice(0, address.lastIndexOf('@')),
          address.slice(address.lastIndexOf('@') + 1),
        ];
        fc.pre(/^[\w.+-]+$/.test(local));
        expect(maskValue(address)).toBe(`${local.length > 2 ? local.charAt(0) : ''}***@${domain}`);
      }),
    );
  });

  it('leaves no IP address that stands by itself', () => {
    fc.assert(fc.property(fc.ipV4(), (address) => void expect(isMaskedIp(maskValue(address))).toBe(true)));
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        fc.pre(/\d/.test(address));
        expect(isMaskedIp(maskValue(address))).toBe(true);
      }),
    );
  });
});
