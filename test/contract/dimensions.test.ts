import { describe, expect, it } from 'vitest';
import { DIMENSIONS, dimensionsOf } from '../../lib/contract/dimensions.ts';
import type { Actor, Changes, EventContext, Resource, StoredEvent } from '../../lib/contract/event.ts';
import type { SealedRecord } from '../../lib/log/record.ts';

function record(event: object): SealedRecord {
  return { v: 1, trail: 't', seq: 0, prev: '0'.repeat(64), receivedAt: 0, submitter: 'writer', event: { ...event } };
}

type Complete<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> };
type CompleteEvent = Complete<Omit<StoredEvent, 'actor' | 'resource' | 'context' | 'changes'>> & {
  readonly actor: Complete<Actor>;
  readonly resource: Complete<Resource>;
  readonly context: Complete<EventContext>;
  readonly changes: Complete<Changes>;
};

/**
 * Every field that an event may have, so that a dimension that begins to read another one is seen. Where what these fields are filed
 * under changes, raise `DIMENSION_RULES`: indexes that stand lack it.
 */
const FULL: CompleteEvent = {
  id: 'e-1',
  type: 'action.executed',
  action: 'delete file',
  outcome: 'success',
  severity: 'info',
  decision: 'allow',
  actor: { id: 'agent-7', name: 'Agent Seven', type: 'agent', ip: '203.0.113.***', userAgent: 'curl/8' },
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
  changes: { before: { actor: 'before' }, after: { actor: 'after' } },
  converted: ['details.n'],
  description: 'deletes a file',
  details: { actor: 'nobody' },
  producer: { id: 'shop-1', prev: '0'.repeat(64), seq: 0 },
  redacted: ['details.token'],
  time: '2026-11-21T12:00:00Z',
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
