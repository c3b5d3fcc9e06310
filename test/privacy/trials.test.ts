import { describe, expect, it } from 'vitest';
import { prepareBatch } from '../../lib/event/intake.ts';
import { DEFAULT_POLICY } from '../../lib/privacy/policy.ts';

/** What trials of an earlier version found sealed in the clear, or destroyed though harmless. */

function sealed(event: Record<string, unknown>): Record<string, unknown> {
  const body = Buffer.from(JSON.stringify({ type: 'data.update', id: 'e-1', ...event }));
  return JSON.parse(prepareBatch(body, 'application/json', DEFAULT_POLICY)[0]?.json ?? '');
}

describe('what an authorizer decided', () => {
  it('is kept: Kubernetes, Google Cloud, Azure', () => {
    const details = {
      annotations: { 'authorization.k8s.io/decision': 'forbid', 'authorization.k8s.io/reason': 'RBAC: no role' },
      authorizationInfo: [{ granted: true, permission: 'io.k8s.core.v1.secrets.get' }],
      authorization: { action: 'Microsoft.Network/networkSecurityGroups/write' },
      authorizer: { x: 1 },
      passwordResetRequired: true,
      MinimumPasswordLength: 14,
      sessionCredentialFromConsole: 'true',
    };
    const event = sealed({ details });
    expect(event.details).toEqual(details);
    expect(event.redacted).toBeUndefined();
  });
});

describe('a secret in a text', () => {
  const SECRETS = ['hunter2xyz', 'il0v3cH33s3', 'AbCd%2Fxyz', 'new-secret-2', 'dXNlcjpwYXNz'];

  it('is taken out of JSON, a form, a command line, a URL, an environment and a header, and says where', () => {
    const event = sealed({
      details: {
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration':
            '{"kind":"Secret","stringData":{"password":"hunter2xyz"},"generation":12345678901234567890,"ratio":1.50}',
        },
        body: 'user=bob&password=il0v3cH33s3',
        cmd: 'mysql --password=hunter2xyz',
        uri: 'https://x.blob.example/c?sv=1&sig=AbCd%2Fxyz%3D',
        params: [{ name: 'password', value: 'hunter2xyz' }],
        change: { field: 'password', old: 'hunter2xyz', new: 'new-secret-2' },
        env: ['DB_PASSWORD=hunter2xyz'],
        headers: [['authorization', 'Basic dXNlcjpwYXNz']],
        raw: ['host', 'x.example', 'authorization', 'Basic dXNlcjpwYXNz'],
      },
      changes: { after: '{"password":"new-secret-2"}' },
    });
    expect(SECRETS.filter((secret) => JSON.stringify(event).includes(secret))).toEqual([]);
    expect(event.redacted).toEqual([
      'changes.after',
      'details.annotations["kubectl.kubernetes.io/last-applied-configuration"]',
      'details.body',
      'details.change.new',
      'details.change.old',
      'details.cmd',
      'details.env[0]',
      'details.headers[0][1]',
      'details.params[0].value',
      'details.raw[3]',
      'details.uri',
    ]);
    expect(event).toMatchObject({
      changes: { after: '{"password":"[redacted]"}' },
      details: {
        annotations: {
          // Every digit of the other numbers is as it was.
          'kubectl.kubernetes.io/last-applied-configuration':
            '{"kind":"Secret","stringData":{"password":"[redacted]"},"generation":12345678901234567890,"ratio":1.50}',
        },
        body: 'user=bob&password=[redacted]',
        uri: 'https://x.blob.example/c?sv=1&sig=[redacted]',
      },
    });
  });

  it('is taken out of who, what and where, which stay useful', () => {
    const event = sealed({
      actor: { id: 'https://bob:hunter2xyz@git.example/bob', userAgent: 'curl -u bob:hunter2xyz' },
      resource: { type: 'database', id: 'postgres://app:hunter2xyz@db.example:5432/orders' },
      context: { session: 'token=hunter2xyz', tenant: 'acme' },
    });
    expect(event).toMatchObject({
      actor: { id: 'https://[redacted]@git.example/bob', userAgent: 'curl -u bob:[redacted]' },
      resource: { type: 'database', id: 'postgres://[redacted]@db.example:5432/orders' },
      context: { session: 'token=[redacted]', tenant: 'acme' },
      redacted: ['actor.id', 'actor.userAgent', 'context.session', 'resource.id'],
    });
  });
});

describe('thousands of secrets', () => {
  it('do not cost the event', () => {
    const body = Array.from({ length: 2300 }, () => ({ pwd: 'x' }));
    const event = sealed({
      type: 'payment.approved',
      actor: { id: 'mallory' },
      resource: { id: 'p-1' },
      details: { body },
    });
    expect(event).toMatchObject({
      type: 'payment.approved',
      actor: { id: 'mallory' },
      resource: { id: 'p-1' },
      redacted: ['details.body'],
    });
    expect(JSON.stringify(event)).not.toContain('"x"');
  });
});
