import { describe, expect, it } from 'vitest';
import { DIMENSIONS, dimensionsOf } from '../../lib/contract/dimensions.ts';
import type { SealedRecord } from '../../lib/log/record.ts';

function record(event: Record<string, unknown>): SealedRecord {
  return { v: 1, trail: 't', seq: 0, prev: '0'.repeat(64), receivedAt: 0, submitter: 'writer', event };
}

const FULL = {
  id: 'e-1',
  type: 'action.executed',
  action: 'delete file',
  outcome: 'success',
  severity: 'info',
  decision: 'allow',
  actor: { id: 'agent-7', type: 'agent', ip: '203.0.113.***', userAgent: 'curl/8' },
  resource: { type: 'file', id: '/tmp/x', name: 'x' },
  context: {
    tenant: 'acme',
    project: 'p',
    session: 's',
    request: 'r',
    correlation: 'c',
    agent: 'planner',
    action: 'act-1',
    approval: 'ok-1',
  },
  details: { actor: 'nobody' },
};

describe('the dimensions of a record', () => {
  it('are every one there is, from the fields that they are named after', () => {
    const found = dimensionsOf(record(FULL));
    expect(found).toEqual([
      ['id', 'e-1'],
      ['type', 'action.executed'],
      ['severity', 'info'],
      ['submitter', 'writer'],
      ['outcome', 'success'],
      ['decision', 'allow'],
      ['actor', 'agent-7'],
      ['actorType', 'agent'],
      ['ip', '203.0.113.***'],
      ['userAgent', 'curl/8'],
      ['resource', '/tmp/x'],
      ['resourceType', 'file'],
      ['tenant', 'acme'],
      ['project', 'p'],
      ['session', 's'],
      ['request', 'r'],
      ['correlation', 'c'],
      ['approval', 'ok-1'],
      ['action', 'delete file'],
      ['action', 'act-1'],
      ['agent', 'planner'],
      ['agent', 'agent-7'],
    ]);
    expect(new Set(found.map(([dimension]) => dimension))).toEqual(new Set(DIMENSIONS));
  });

  it('never hold the same value twice', () => {
    const twice = dimensionsOf(
      record({ action: 'a', actor: { id: 'x', type: 'agent' }, context: { action: 'a', agent: 'x' } }),
    );
    expect(twice.filter(([dimension]) => dimension === 'action')).toEqual([['action', 'a']]);
    expect(twice.filter(([dimension]) => dimension === 'agent')).toEqual([['agent', 'x']]);
  });

  it('take an actor for an agent only if it is one', () => {
    expect(dimensionsOf(record({ actor: { id: 'x', type: 'user' } }))).toEqual([
      ['submitter', 'writer'],
      ['actor', 'x'],
      ['actorType', 'user'],
    ]);
  });
});

describe('a record that no version of ours sealed', () => {
  it.each([
    [{}],
    [{ actor: null, resource: 7, context: 'x', id: 1, type: [], severity: {}, outcome: '' }],
    [{ actor: ['a'], context: { tenant: {} }, resource: { id: null } }],
    [JSON.parse('{"__proto__":{"actor":{"id":"x"}},"constructor":{"id":"x"}}')],
  ])('has the dimensions that can be read, here the submitter alone: %j', (event) => {
    expect(dimensionsOf(record(event))).toEqual([['submitter', 'writer']]);
  });
});
