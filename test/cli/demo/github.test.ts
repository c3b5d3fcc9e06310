import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadExamples } from '../../../lib/cli/demo/examples.ts';
import { eventOf, eventsOf } from '../../../lib/cli/demo/github.ts';

const examples = await loadExamples();
const all = eventsOf(examples);
const find = (type: string) => all.find((one) => one.event.type === type);

describe('the real webhooks of the demo', () => {
  it('are all mapped, none left out', () => {
    expect(all).toHaveLength(examples.reduce((sum, one) => sum + one.examples.length, 0));
    expect(all.length).toBeGreaterThan(300);
  });

  it('become types in lower-case dotted form and go to five trails', () => {
    for (const { event } of all) expect(event.type).toMatch(/^github(\.[a-z0-9_]+){1,2}$/);
    expect(new Set(all.map((one) => one.trail))).toEqual(new Set(['access', 'builds', 'code', 'planning', 'security']));
  });

  it('say who did what to which thing in which project', () => {
    expect(find('github.pull_request.opened')).toMatchObject({
      trail: 'code',
      omitted: false,
      event: {
        action: 'opened',
        actor: { id: 'Codertocat', type: 'user' },
        resource: {
          type: 'pull_request',
          id: 'Codertocat/Hello-World#2',
          name: 'Update the README with new information.',
        },
        context: { project: 'Codertocat/Hello-World' },
        details: { number: 2 },
      },
    });
    expect(find('github.push')?.event).toMatchObject({
      resource: { type: 'commit', id: '6113728f27ae82c7b1a177c8d03f9e96e0adf246' },
    });
    expect(find('github.security_advisory.published')).toMatchObject({
      trail: 'security',
      event: { actor: { id: 'github', type: 'system' }, severity: 'warning' },
    });
  });

  it('keep before and after of an edit', () => {
    expect(find('github.label.edited')?.event.changes).toEqual({
      before: { color: 'cb1f00' },
      after: { color: 'cceeaa' },
    });
  });

  it('fit into an event, payload and all', () => {
    for (const { event, omitted } of all) {
      expect(omitted).toBe(false);
      expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThanOrEqual(32_768);
    }
  });
});

describe('a payload that is too large for an event', () => {
  const payload = {
    action: 'opened',
    sender: { login: 'alice', type: 'User' },
    issue: { id: 7 },
    text: 'é'.repeat(20_000),
  };

  it('is replaced by its size and digest, and said to be', () => {
    const json = JSON.stringify(payload);
    expect(eventOf('issues', payload)).toEqual({
      trail: 'planning',
      omitted: true,
      event: {
        type: 'github.issues.opened',
        action: 'opened',
        actor: { id: 'alice', type: 'user' },
        resource: { type: 'issue', id: '7' },
        details: {
          payloadOmitted: {
            reason: 'larger than an event may be',
            bytes: Buffer.byteLength(json),
            sha256: createHash('sha256').update(json).digest('hex'),
          },
        },
      },
    });
  });
});
