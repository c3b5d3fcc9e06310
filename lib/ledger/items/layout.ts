import type { Key, Range } from '../../store/ports.ts';

/**
 * Where the ledger keeps its items in the Table. Every key is made here, so that two kinds of item can never meet.
 * A trail's name holds no `/`, so a partition's name splits in one way only.
 */

/** Sequence numbers and sizes as sort keys: 16 decimal digits hold 2^53 - 1 and sort like the numbers. */
export const sortableNumber = (value: number): string => value.toString().padStart(16, '0');

/** The trail's head: one item, swapped by every commit. A partition of its own keeps it off the blocks' shard. */
export const headKey = (trail: string): Key => ({ partition: `head/${trail}`, sort: 'head' });

/** Blocks of a trail, sorted by the sequence number of their first record. */
export const blockPartition = (trail: string): string => `block/${trail}`;
export const blockKey = (trail: string, first: number): Key => ({
  partition: blockPartition(trail),
  sort: sortableNumber(first),
});

/** What of a block's body did not fit into its item, in order. `part` counts from 1. */
export const blockPartPartition = (trail: string, first: number): string =>
  `block-part/${trail}/${sortableNumber(first)}`;
export const blockPartKey = (trail: string, first: number, part: number): Key => ({
  partition: blockPartPartition(trail, first),
  sort: part.toString().padStart(4, '0'),
});

/** Checkpoints of a trail, sorted by size. */
export const checkpointPartition = (trail: string): string => `checkpoint/${trail}`;
export const checkpointKey = (trail: string, size: number): Key => ({
  partition: checkpointPartition(trail),
  sort: sortableNumber(size),
});

/** What an idempotency key of a submitter stands for in a trail. */
export const idempotencyKey = (trail: string, submitter: string, key: string): Key => ({
  partition: `idempotency/${trail}/${submitter}`,
  sort: key,
});

/** The list of trails, one item each. */
export const TRAILS_PARTITION = 'trails';
export const trailKey = (trail: string): Key => ({ partition: TRAILS_PARTITION, sort: trail });

/** What the followers of a trail remember: their watermarks, and what must move together with one. */
const followerPartition = (trail: string): string => `follower/${trail}`;
export const watermarkKey = (trail: string, follower: string): Key => ({
  partition: followerPartition(trail),
  sort: follower,
});

/** The hashes of the newest tile of a level, 1 or higher, that the archiver has not filled yet. */
export const openTileKey = (trail: string, level: number): Key => ({
  partition: followerPartition(trail),
  sort: `archiver/tile/${level}`,
});

/** What is remembered of a producer's numbers, and when it is to be come back to, soonest first. */
export const producerKey = (trail: string, producer: string, submitter: string): Key => ({
  partition: followerPartition(trail),
  sort: `producers/state/${producer}/${submitter}`,
});
const DUE = 'producers/due/';
export const producerDueKey = (trail: string, dueAt: number, producer: string, submitter: string): Key => ({
  partition: followerPartition(trail),
  sort: `${DUE}${sortableNumber(dueAt)}/${producer}/${submitter}`,
});
/** Those that are due by a time, in Unix milliseconds: `0` comes after the slash that ends a time. */
export const producersDueBy = (trail: string, time: number): Range => ({
  partition: followerPartition(trail),
  from: DUE,
  to: `${DUE}${sortableNumber(time)}0`,
});

/**
 * The query index: postings of all runs of one class, sorted by the leading digits of their fingerprints and then by
 * the run's first record; beside them the long postings, and the counts by hour or day.
 */
export const postingsPartition = (trail: string, runClass: number): string => `postings/${trail}/${runClass}`;
export const longPostingsPartition = (trail: string, runClass: number): string => `long-postings/${trail}/${runClass}`;
export const countsPartition = (trail: string, runClass: number, unit: 'hour' | 'day'): string =>
  `counts/${trail}/${runClass}/${unit}`;

/** Exports of a trail that were asked for, by their ids. */
export const exportPartition = (trail: string): string => `export/${trail}`;
export const exportKey = (trail: string, id: string): Key => ({ partition: exportPartition(trail), sort: id });
