import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACTIONS, Principal } from '../../lib/api/core/principal.ts';
import {
  accessSchema,
  Directory,
  firstAccess,
  firstProfiles,
  formatCredentials,
  parseCredentials,
} from '../../lib/server/access.ts';

describe('the first credentials', () => {
  const profiles = firstProfiles();
  const access = firstAccess(profiles);

  it('are three, each with a key and a secret of their own that no scanner takes for AWS’s', () => {
    expect(profiles.map(({ profile }) => profile)).toEqual(['writer', 'auditor', 'admin']);
    for (const { accessKeyId, secretAccessKey } of profiles) {
      expect(accessKeyId).toMatch(/^SLTR[A-Z2-7]{16}$/);
      expect(Buffer.from(secretAccessKey, 'base64')).toHaveLength(30);
    }
    const all = [...profiles, ...firstProfiles()].flatMap((one) => [one.accessKeyId, one.secretAccessKey]);
    expect(new Set(all).size).toBe(12);
  });

  it('come with an access file without secrets, which is right by its own schema', () => {
    expect(accessSchema.parse(JSON.parse(JSON.stringify(access)))).toEqual(access);
    for (const { secretAccessKey } of profiles) expect(JSON.stringify(access)).not.toContain(secretAccessKey);
  });

  it.each<[profile: string, trail: string, may: readonly string[]]>([
    ['writer', 'orders', ['append']],
    ['writer', '_system', []],
    ['auditor', 'orders', ['read', 'verify', 'export']],
    ['auditor', '_access', ['read', 'verify', 'export']],
    ['admin', 'orders', [...ACTIONS]],
    ['admin', '_system', ['read', 'verify', 'export', 'admin']],
  ])('let %s on trail %s do %j', (profile, trail, may) => {
    const directory = new Directory(access, profiles);
    const { accessKeyId = '' } = profiles.find((one) => one.profile === profile) ?? {};
    const principal = directory.principalOf(accessKeyId);
    expect(ACTIONS.filter((action) => principal?.may(action, trail))).toEqual(may);
  });
});

describe('a principal', () => {
  const bound = new Principal({ name: 'shop', actions: ['append', 'read'], trails: ['orders', 'payments-*', '*-eu'] });

  it.each<[trail: string, may: boolean]>([
    ['orders', true],
    ['orders-2', false],
    ['payments-', true],
    ['payments-card', true],
    ['payments', false],
    ['users-eu', true],
    ['_access', false],
    ['_eu', false],
  ])('is bound to its patterns: %s', (trail, may) => {
    expect(bound.may('read', trail)).toBe(may);
    expect(bound.may('admin', trail)).toBe(false);
  });

  it('sees a system trail only where a pattern says so with its underscore', () => {
    const grant = { name: 'a', actions: ['read' as const] };
    expect(new Principal({ ...grant, trails: ['*'] }).may('read', '_access')).toBe(false);
    expect(new Principal({ ...grant, trails: ['_access'] }).may('read', '_access')).toBe(true);
    expect(new Principal({ ...grant, trails: ['_*'] }).may('read', 'orders')).toBe(false);
  });

  it('appends to no system trail, whatever a grant says: only the system does', () => {
    const root = new Principal({ name: 'root', actions: [...ACTIONS], trails: ['*', '_*', '_system'] });
    expect(root.may('append', '_system')).toBe(false);
    expect(root.may('admin', '_system')).toBe(true);
  });
});

describe('a credentials file', () => {
  it('is read as it was written', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9+/=_-]{1,40}$/);
    const profile = fc.record({ profile: word, accessKeyId: word, secretAccessKey: word });
    fc.assert(
      fc.property(fc.uniqueArray(profile, { selector: (one) => one.profile }), (profiles) => {
        expect(parseCredentials(formatCredentials(profiles))).toEqual(profiles);
      }),
    );
  });

  it('is read as AWS tools do: comments, blank lines, other settings, Windows line ends', () => {
    const file =
      '# ours\r\n\r\n[ a ]\r\nregion = eu-west-1\r\naws_access_key_id=K\r\n; more\r\naws_secret_access_key = a = b\r\n';
    expect(parseCredentials(file)).toEqual([{ profile: 'a', accessKeyId: 'K', secretAccessKey: 'a = b' }]);
  });

  it.each<[what: string, file: string, message: string]>([
    ['a setting before any profile', 'aws_access_key_id = K', 'line 1 of the credentials file is not readable'],
    ['what is no setting', '[a]\nSECRET', 'line 2 of the credentials file is not readable'],
    ['an empty value', '[a]\naws_access_key_id =', 'line 2 of the credentials file is not readable'],
    ['half a profile', '[a]\naws_access_key_id = K', 'profile a of the credentials file has no key or no secret'],
  ])('with %s is refused by line, never by content', (_, file, message) => {
    expect(() => parseCredentials(file)).toThrow(expect.objectContaining({ code: 'invalid_parameter', message }));
  });

  it('never makes the reader fail in another way', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('[', ']', '=', 'a', '_', ' ', '\n', '#') }), (file) => {
        try {
          parseCredentials(file);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_parameter' });
        }
      }),
    );
  });
});

describe('the directory', () => {
  const profile = { profile: 'a', accessKeyId: 'K', secretAccessKey: 's' };
  const grant = { name: 'a', actions: ['read' as const], trails: ['*'], accessKeyId: 'K' };

  it('knows the secret only of keys that are someone’s', () => {
    const directory = new Directory({ principals: [grant] }, [profile, { ...profile, accessKeyId: 'L' }]);
    expect([directory.secretOf('K'), directory.secretOf('L'), directory.secretOf('__proto__')]).toEqual([
      's',
      undefined,
      undefined,
    ]);
    expect(directory.principalOf('K')?.name).toBe('a');
    expect(directory.principalOf('L')).toBeUndefined();
  });

  it('refuses a principal without a secret, and a key that is two people’s', () => {
    expect(() => new Directory({ principals: [grant] }, [])).toThrow(
      expect.objectContaining({
        code: 'invalid_parameter',
        message: 'access.json names the key K of a, which the credentials file does not have',
      }),
    );
    expect(() => new Directory({ principals: [grant, { ...grant, name: 'b' }] }, [profile])).toThrow(
      expect.objectContaining({ code: 'invalid_parameter', message: 'access.json names the key K twice' }),
    );
  });
});
