import { describe, expect, it } from 'vitest';
import {
  blockKey,
  blockPartKey,
  CURSOR_SECRET_KEY,
  checkpointKey,
  countsPartition,
  DEPLOYMENT_PARTITION,
  exportKey,
  headKey,
  idempotencyKey,
  longPostingsPartition,
  openTileKey,
  PREFIX,
  postingsPartition,
  producerKey,
  retiredKeyKey,
  splitPartition,
  TRAILS_PARTITION,
  trailKey,
  WORK_PREFIX,
  watermarkKey,
} from '../../../lib/ledger/items/layout.ts';

describe('the names of partitions', () => {
  it('are those that existing deployments hold', () => {
    expect(PREFIX).toEqual({
      head: 'head/',
      block: 'block/',
      blockPart: 'block-part/',
      checkpoint: 'checkpoint/',
      idempotency: 'idempotency/',
      waiting: 'waiting/',
      landing: 'landing/',
      turn: 'turn/',
      follower: 'follower/',
      postings: 'postings/',
      longPostings: 'long-postings/',
      counts: 'counts/',
      export: 'export/',
    });
    expect([TRAILS_PARTITION, DEPLOYMENT_PARTITION, WORK_PREFIX]).toEqual(['trails', 'deployment', 'work/']);
    const partitions = [
      headKey('t'),
      blockKey('t', 7),
      blockPartKey('t', 7, 1),
      checkpointKey('t', 7),
      idempotencyKey('t', 'me', 'k'),
      watermarkKey('t', 'indexer'),
      openTileKey('t', 1),
      producerKey('t', 'p', 'me'),
      exportKey('t', 'x'),
      trailKey('t'),
      CURSOR_SECRET_KEY,
      retiredKeyKey('ab'),
    ].map(({ partition }) => partition);
    expect(partitions).toEqual([
      'head/t',
      'block/t',
      'block-part/t/0000000000000007',
      'checkpoint/t',
      'idempotency/t/me',
      'follower/t',
      'follower/t',
      'follower/t',
      'export/t',
      'trails',
      'deployment',
      'deployment',
    ]);
    expect([postingsPartition('t', 0), longPostingsPartition('t', 1), countsPartition('t', 2, 'day')]).toEqual([
      'postings/t/0',
      'long-postings/t/1',
      'counts/t/2/day',
    ]);
  });

  it('split in one way only', () => {
    expect(splitPartition('block/t')).toEqual({ kind: 'block', trail: 't', rest: [] });
    expect(splitPartition('block-part/_system/0007')).toEqual({ kind: 'blockPart', trail: '_system', rest: ['0007'] });
    expect(splitPartition('counts/t/2/day')).toEqual({ kind: 'counts', trail: 't', rest: ['2', 'day'] });
    const others = ['trails', 'deployment', 'head', 'head/', 'blocks/t', 'xhead/t', ''];
    expect(others.filter((name) => splitPartition(name) !== undefined)).toEqual([]);
  });
});
