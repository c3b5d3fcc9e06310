import webhooks from '@octokit/webhooks-examples/api.github.com/index.json' with { type: 'json' };
import canonicalize from 'canonicalize';
import { describe, expect, it } from 'vitest';
import { prepareBatch } from '../../lib/event/intake.ts';
import { DEFAULT_POLICY, type PrivacyPolicy } from '../../lib/privacy/policy.ts';

/** Real events: the payloads that GitHub documents for its webhooks, 0.1 to 27 KB each. */
interface Payload {
  readonly name: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

const PAYLOADS: readonly Payload[] = webhooks.flatMap(({ name, examples }) =>
  // Their types are a union of hundreds of shapes; here each is an object of any.
  (examples as readonly Payload['payload'][]).map((payload) => ({ name, payload })),
);

const KEEP_ALL: PrivacyPolicy = {
  ...DEFAULT_POLICY,
  redactKeys: { standard: false, redact: [], keep: [] },
  redactPatterns: [],
  pii: 'include',
};

function prepare(
  { name, payload }: Payload,
  policy: PrivacyPolicy,
): { json: string; details: unknown; redacted: string[] } {
  const event = { id: 'e-1', type: `${name}.${payload.action ?? 'sent'}`, details: payload };
  const [prepared] = prepareBatch(Buffer.from(JSON.stringify(event)), 'application/json', policy);
  const json = prepared?.json ?? '';
  const { details, redacted = [] } = JSON.parse(json);
  return { json, details, redacted };
}

/** The text and numbers of a value, with their paths. */
function leaves(value: unknown, path = 'details'): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, member]) =>
    leaves(member, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`),
  );
}

describe('the webhook payloads of GitHub', () => {
  it('are 329 of 58 kinds', () => {
    expect(PAYLOADS).toHaveLength(329);
    expect(new Set(PAYLOADS.map(({ name }) => name)).size).toBe(58);
  });

  it('are taken as they are where nothing is to be redacted or masked', () => {
    for (const payload of PAYLOADS) {
      const { json, details } = prepare(payload, KEEP_ALL);
      expect(details).toEqual(payload.payload);
      expect(json).toBe(canonicalize(JSON.parse(json)));
    }
  });

  it('keep everything but secrets and addresses: versions, UUIDs, hashes, times, URLs and repositories are not mangled', () => {
    const changed = new Map<string, string>();
    const redactedKeys = new Set<string>();
    for (const payload of PAYLOADS) {
      const { details, redacted } = prepare(payload, DEFAULT_POLICY);
      const now = new Map(leaves(details));
      for (const [path, before] of leaves(payload.payload)) {
        const after = now.get(path);
        if (after === before) continue;
        if (after === '[redacted]') redactedKeys.add(path.replace(/.*\./, ''));
        else changed.set(String(before), String(after));
        expect(after === '[redacted]' || String(after).includes('[redacted]')).toBe(redacted.includes(path));
      }
    }
    // What GitHub's keys name (`secrets: "read"`, `secret: "********"`) are permissions and what it has hidden itself.
    expect([...redactedKeys].sort()).toEqual([]);
    const long = [...changed].filter(([before]) => before.length > 100);
    expect(Object.fromEntries([...changed].filter(([before]) => before.length <= 100))).toEqual({
      '21031067+Codertocat@users.noreply.github.com': '2***@users.noreply.github.com',
      'massimiliano.donini@gmail.com': 'm***@gmail.com',
      'matfax@users.noreply.github.com': 'm***@users.noreply.github.com',
      'noreply@github.com': 'n***@github.com',
      'octocat@github.com': 'o***@github.com',
      'org-38940897@github.com:Codertocat/Hello-World.git': 'o***@github.com:Codertocat/Hello-World.git',
      'org-6811672@github.com:octo-org/octo-repo.git': 'o***@github.com:octo-org/octo-repo.git',
      'organizationusername@gmail.com': 'o***@gmail.com',
      'username@email.com': 'u***@email.com',
    });
    // A commit's author line with its address, and a signed URL with an AWS key id.
    expect(long.map(([, after]) => after.match(/<\S+@\S+>|Credential=[^%&]+/)?.[0]).sort()).toEqual([
      '<2***@users.noreply.github.com>',
      'Credential=[redacted]',
    ]);
  });

  it('stay as they are when they go through a second time', () => {
    for (const payload of PAYLOADS) {
      const once = prepare(payload, DEFAULT_POLICY);
      const again = prepare({ name: payload.name, payload: once.details as Payload['payload'] }, DEFAULT_POLICY);
      expect(again.redacted).toEqual(once.redacted);
      expect(again.details).toEqual(once.details);
    }
  });
});
