import { describe, expect, it } from 'vitest';
import { findingOf, type ItemChange } from '../../../lib/followers/tampering/tamper-monitor.ts';
import {
  blockKey,
  blockPartKey,
  checkpointKey,
  headKey,
  idempotencyKey,
  landingKey,
  trailKey,
  turnKey,
  waitingKey,
  watermarkKey,
} from '../../../lib/ledger/items/layout.ts';
import type { Key } from '../../../lib/store/ports.ts';

const change = (key: Key, what: ItemChange['change'], more: Partial<ItemChange> = {}): ItemChange => ({
  id: 'change-1',
  change: what,
  key,
  changed: [],
  size: { before: undefined, after: undefined },
  expiresAt: undefined,
  expired: false,
  ...more,
});

const HEAD = headKey('orders');
const BLOCK = blockKey('orders', 7);
const PART = blockPartKey('orders', 7, 1);
const CHECKPOINT = checkpointKey('orders', 8);

describe('what the log does itself raises no alarm', () => {
  it.each<[string, ItemChange]>([
    ['a first commit', change(HEAD, 'insert', { size: { before: undefined, after: 1 } })],
    ['a commit', change(HEAD, 'modify', { changed: ['size', 'root'], size: { before: 1, after: 3 } })],
    ['a new block', change(BLOCK, 'insert')],
    ['a new part of a block', change(PART, 'insert')],
    ['a checkpoint', change(CHECKPOINT, 'insert')],
    ['a follower that moves on', change(watermarkKey('orders', 'archiver'), 'modify', { changed: ['size'] })],
    [
      'an idempotency key that is used again',
      change(idempotencyKey('orders', 'shop', 'k'), 'modify', { changed: ['first'] }),
    ],
    ['a new trail', change(trailKey('orders'), 'insert')],
    ['a submission that leaves the line', change(waitingKey('orders', 3, 1_000, 'id'), 'remove')],
    ['a landing that has expired', change(landingKey('orders', 'id'), 'remove', { expired: true, expiresAt: 1000 })],
    ['the turn that passes on', change(turnKey('orders'), 'modify', { changed: ['holder'] })],
  ])('%s', (_, made) => {
    expect(findingOf(made)).toBeUndefined();
  });
});

describe('what leaves the hot store raises none, where the log has let it', () => {
  it.each<[string, ItemChange]>([
    ['the time to expire, stamped on a block', change(BLOCK, 'modify', { changed: ['expiresAt'], expiresAt: 1000 })],
    ['the time to expire, stamped on a part', change(PART, 'modify', { changed: ['expiresAt'], expiresAt: 1000 })],
    ['a block that has expired', change(BLOCK, 'remove', { expired: true, expiresAt: 1000 })],
    ['a part that has expired', change(PART, 'remove', { expired: true, expiresAt: 1000 })],
  ])('%s', (_, made) => {
    expect(findingOf(made)).toMatchObject({ unless: { trail: 'orders', first: 7, expiresAt: 1000 } });
  });
});

describe('what someone did behind its back does', () => {
  it.each<[string, ItemChange, string]>([
    [
      'a block that is edited',
      change(BLOCK, 'modify', { changed: ['body'] }),
      'a block of trail orders was changed: body',
    ],
    [
      'an edit that hides behind a stamp',
      change(BLOCK, 'modify', { changed: ['expiresAt', 'body'] }),
      'a block of trail orders was changed: body',
    ],
    [
      'a part that is edited',
      change(PART, 'modify', { changed: ['body'] }),
      'a block of trail orders was changed: body',
    ],
    ['a block that is removed', change(BLOCK, 'remove'), 'a block of trail orders was removed'],
    ['a checkpoint that is removed', change(CHECKPOINT, 'remove'), 'a checkpoint of trail orders was removed'],
    [
      'a checkpoint that is signed anew',
      change(CHECKPOINT, 'modify', { changed: ['note'] }),
      'a checkpoint of trail orders was changed: note',
    ],
    [
      'a checkpoint that is made to expire',
      change(CHECKPOINT, 'modify', { changed: ['expiresAt'], expiresAt: 1000 }),
      'a checkpoint of trail orders was made to expire',
    ],
    [
      'a checkpoint that has expired',
      change(CHECKPOINT, 'remove', { expired: true }),
      'a checkpoint of trail orders was removed',
    ],
    ['a head that is removed', change(HEAD, 'remove'), 'the head of trail orders was removed'],
    [
      'a head that is made to expire',
      change(HEAD, 'remove', { expired: true }),
      'the head of trail orders was removed',
    ],
    [
      'a head that is set back',
      change(HEAD, 'modify', { changed: ['size'], size: { before: 8, after: 7 } }),
      'the head of trail orders was set from 8 to 7 records',
    ],
    [
      'a head that is rewritten in its place',
      change(HEAD, 'modify', { changed: ['root'], size: { before: 8, after: 8 } }),
      'the head of trail orders was set from 8 to 8 records',
    ],
  ])('%s', (_, made, what) => {
    expect(findingOf(made)).toEqual(expect.objectContaining({ id: 'change-1', trail: 'orders', key: made.key, what }));
    expect(findingOf(made)?.unless).toBeUndefined();
  });
});
