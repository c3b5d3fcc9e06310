import { identityOf } from '../../log/identity.ts';
import type { Key, Range } from '../../store/ports.ts';

/**
 * Where the log keeps its items in the Table. Every key is made here, so that two kinds of item can never collide, and every
 * partition is named here, so that IAM policies, stream filters and the tamper monitor mean the partitions that are written.
 * These names are stored: renaming one loses sight of what existing deployments hold.
 */

/** How the partitions of a trail begin. The trail's name follows, which has no `/`, so a name splits in one way only. */
export const PREFIX = {
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
} as const;
export type PartitionKind = keyof typeof PREFIX;

/** The list of trails, one item each. */
export const TRAILS_PARTITION = 'trails';
/** The partition of the deployment as a whole: secrets of cursors and masks, retired keys. */
export const DEPLOYMENT_PARTITION = 'deployment';

/**
 * Trails with work waiting, in lists of several partitions each: every commit may end in one, and a partition takes no more than
 * 1,000 write units a second.
 */
export const WORK_PREFIX = 'work/';
export const duePartition = (list: string, shard: number): string => `${WORK_PREFIX}${list}/${shard}`;
/** How far the pass over all trails has come that finds what no list knows of. */
export const fullPassKey = (list: string): Key => ({ partition: `${WORK_PREFIX}${list}`, sort: 'pass' });

/** That nothing is left to be done in a trail, and at which size. A partition each: all of them are looked at at the same time. */
export const restKey = (list: string, trail: string): Key => ({
  partition: `${WORK_PREFIX}${list}/rest/${trail}`,
  sort: 'rest',
});

/** A partition's name taken apart. */
export interface PartitionName {
  readonly kind: PartitionKind;
  readonly trail: string;
  /** The rest after the trail's name, for example a block's first record in a partition of block parts. */
  readonly rest: readonly string[];
}

/** Takes apart the name of a trail's partition; undefined for any other name. */
export function splitPartition(partition: string): PartitionName | undefined {
  const kind = KINDS.find((known) => partition.startsWith(PREFIX[known]));
  if (kind === undefined) return undefined;
  const [trail = '', ...rest] = partition.slice(PREFIX[kind].length).split('/');
  return trail === '' ? undefined : { kind, trail, rest };
}

const KINDS = Object.keys(PREFIX) as PartitionKind[];

/** Sequence numbers and sizes as sort keys: 16 decimal digits hold 2^53 - 1 and sort like the numbers. */
export const sortableNumber = (value: number): string => value.toString().padStart(16, '0');

/** The trail's head: one item, swapped by every commit. A partition of its own keeps it off the blocks' shard. */
export const headKey = (trail: string): Key => ({ partition: `${PREFIX.head}${trail}`, sort: 'head' });

/** Blocks of a trail, sorted by the sequence number of their first record. */
export const blockPartition = (trail: string): string => `${PREFIX.block}${trail}`;
export const blockKey = (trail: string, first: number): Key => ({
  partition: blockPartition(trail),
  sort: sortableNumber(first),
});

/** The parts of a block's body that did not fit into its item, in order. `part` counts from 1. */
export const blockPartPartition = (trail: string, first: number): string =>
  `${PREFIX.blockPart}${trail}/${sortableNumber(first)}`;
export const blockPartKey = (trail: string, first: number, part: number): Key => ({
  partition: blockPartPartition(trail, first),
  sort: part.toString().padStart(4, '0'),
});

/** Checkpoints of a trail, sorted by size. */
export const checkpointPartition = (trail: string): string => `${PREFIX.checkpoint}${trail}`;
export const checkpointKey = (trail: string, size: number): Key => ({
  partition: checkpointPartition(trail),
  sort: sortableNumber(size),
});

/** The item of a submitter's idempotency key in a trail; of a role, for all its sessions. */
export const idempotencyKey = (trail: string, submitter: string, key: string): Key => ({
  partition: `${PREFIX.idempotency}${trail}/${identityOf(submitter)}`,
  sort: key,
});

/**
 * Records that a rebuilt trail got from its archive, by what names an event: its submitter and its id, as a hash. A space keeps them
 * apart from callers' keys, which have none.
 */
export const recalledRange = (trail: string, submitter: string, idHash: string): Range => {
  const { partition, sort } = idempotencyKey(trail, submitter, `recalled ${idHash} `);
  return { partition, from: sort, to: `${sort}~` };
};
export const recalledKey = (trail: string, submitter: string, idHash: string, seq: number): Key =>
  idempotencyKey(trail, submitter, `recalled ${idHash} ${sortableNumber(seq)}`);

/**
 * Submissions that wait in a trail's line, sorted by when they joined it. A line is spread over several partitions, because one
 * takes no more than 1,000 write units a second.
 */
export const waitingPartition = (trail: string, lane: number): string => `${PREFIX.waiting}${trail}/${lane}`;
export const waitingKey = (trail: string, lane: number, since: number, id: string): Key => ({
  partition: waitingPartition(trail, lane),
  sort: `${sortableNumber(since)}/${id}`,
});

/** Where a submission without an idempotency key landed after it had waited in line. */
export const landingKey = (trail: string, id: string): Key => ({
  partition: `${PREFIX.landing}${trail}/${id}`,
  sort: 'landing',
});

/** Whose turn it is to commit what waits in a trail's line. */
export const turnKey = (trail: string): Key => ({ partition: `${PREFIX.turn}${trail}`, sort: 'turn' });

export const trailKey = (trail: string): Key => ({ partition: TRAILS_PARTITION, sort: trail });

/** The state of a trail's followers: their watermarks, and the items that must move together with one. */
const followerPartition = (trail: string): string => `${PREFIX.follower}${trail}`;
export const watermarkKey = (trail: string, follower: string): Key => ({
  partition: followerPartition(trail),
  sort: follower,
});

/** Why a trail takes no appends: see `refusal.ts`. */
export const refusalKey = (trail: string): Key => ({ partition: followerPartition(trail), sort: 'history/refusal' });

/** That a trail was rebuilt, and how far: see `recalled.ts`. */
export const rebuiltKey = (trail: string): Key => ({ partition: followerPartition(trail), sort: 'history/rebuilt' });

/** Verifications that were asked for, by their ids, and which of them covers a scope at present. */
const VERIFICATIONS = 'verifier/job/';
export const verificationKey = (trail: string, id: string): Key => ({
  partition: followerPartition(trail),
  sort: `${VERIFICATIONS}${id}`,
});
export const verificationsOf = (trail: string): Range => ({
  partition: followerPartition(trail),
  from: VERIFICATIONS,
  to: `${VERIFICATIONS}~`,
});
export const verificationScopeKey = (trail: string, scope: string): Key => ({
  partition: followerPartition(trail),
  sort: `verifier/scope/${scope}`,
});

/** The hashes of the newest tile of a level, 1 or higher, that the archiver has not filled yet. */
export const openTileKey = (trail: string, level: number): Key => ({
  partition: followerPartition(trail),
  sort: `archiver/tile/${level}`,
});

/** The stored state of a producer's numbers, and and its next check, earliest first. */
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
export const postingsPartition = (trail: string, runClass: number): string => `${PREFIX.postings}${trail}/${runClass}`;
export const longPostingsPartition = (trail: string, runClass: number): string =>
  `${PREFIX.longPostings}${trail}/${runClass}`;
export const countsPartition = (trail: string, runClass: number, unit: 'hour' | 'day'): string =>
  `${PREFIX.counts}${trail}/${runClass}/${unit}`;

/** Exports of a trail that were asked for, by their ids. */
export const exportPartition = (trail: string): string => `${PREFIX.export}${trail}`;
export const exportKey = (trail: string, id: string): Key => ({ partition: exportPartition(trail), sort: id });

/** The last checkpoint of a log that a witness cosigned. `originHash`: SHA-256 of the origin, in lower-case hex. Only in a witness's own Table. */
export const witnessedKey = (originHash: string): Key => ({ partition: `witnessed/${originHash}`, sort: 'checkpoint' });

/** The secret that authenticates cursors. */
export const CURSOR_SECRET_KEY: Key = { partition: DEPLOYMENT_PARTITION, sort: 'cursor-secret' };

/** The secret of the tags in masked addresses. */
export const MASK_SECRET_KEY: Key = { partition: DEPLOYMENT_PARTITION, sort: 'mask-secret' };

/** Where a retired key ended in each trail. `fingerprint`: SHA-256 of its SPKI DER, in lower-case hex. */
export const retiredKeyKey = (fingerprint: string): Key => ({
  partition: DEPLOYMENT_PARTITION,
  sort: `retired-key/${fingerprint}`,
});
/** A part of that, where the trails are too many for one item. `set`: of one attempt to write it. */
export const retiredKeyChunkKey = (fingerprint: string, set: string, chunk: number): Key => ({
  partition: DEPLOYMENT_PARTITION,
  sort: `retired-key/${fingerprint}/${set}/${chunk.toString().padStart(6, '0')}`,
});
