import { randomUUID } from 'node:crypto';
import { identityOf } from '../../log/identity.ts';
import type { Item, Key, Write } from '../../store/ports.ts';
import type { Run } from './block.ts';
import { isKnown, withFormat } from './format.ts';
import type { Idempotency } from './idempotency.ts';
import { waitingKey } from './layout.ts';
import { decompressed, packBody } from './stored-block.ts';

/** One caller's events, as they take part in a commit. */
export interface Submission {
  readonly submitter: string;
  /** Canonical JSON. At least one. */
  readonly events: readonly { readonly json: string }[];
  readonly idempotency?: Idempotency;
  /** Its place in the trail's line, where it waits: the transaction that commits it also takes it out of the line. */
  readonly place?: Place;
}

/** A submission's place in the line of its trail. */
export interface Place extends Key {
  /** A random name for this submission. */
  readonly id: string;
  /** When it joined, Unix milliseconds by the clock of the process that submits. */
  readonly since: number;
  /** True if its process went on without waiting for the commit, so that nothing asks where it landed. */
  readonly isLeft: boolean;
}

/** A submission in line whose place is known. */
export interface Placed extends Submission {
  readonly place: Place;
}

/** A submission at its place in line. */
export interface InLine {
  readonly place: Place;
  /** Of its events, before compression. */
  readonly rawBytes: number;
  /** Undefined where the submission is too large for an item: only the process that submits it can commit it. */
  readonly submission: Placed | undefined;
}

/** A line is spread over so many partitions. */
export const LANES = 8;

/** Packed bytes of the largest submission that waits with its events. Forty of these fit into one transaction. */
const MAX_CARRIED_BYTES = 32_768;

/** When the place of a process that is gone leaves the table by itself, in seconds. What was left there stays until it is committed. */
const KEPT_SECONDS = 3600;

export const runOf = ({ submitter, events }: Submission): Run => ({
  submitter,
  events: events.map(({ json }) => json),
});

/** The same for submissions to one trail that use one idempotency key, from whichever sessions of a role; undefined without a key. */
export const keyOf = ({ submitter, idempotency }: Submission): string | undefined =>
  idempotency && `${idempotency.key} ${identityOf(submitter)}`;

/** A submission that enters a line, with the write that puts it there. */
export interface Entry {
  readonly placed: Placed;
  readonly write: Write;
}

/**
 * Gives a submission a place at the end of a trail's line.
 *
 * @param isLeft whether its process goes on without waiting for the commit. One that is too large to stand in line with its
 *   events cannot be left: its place says that it is not
 */
export async function enterLine(trail: string, since: number, submission: Submission, isLeft: boolean): Promise<Entry> {
  const { submitter, events, idempotency } = submission;
  const { bytes, rawBytes } = await packBody([runOf(submission)]);
  const isCarried = bytes.length <= MAX_CARRIED_BYTES;
  const id = randomUUID();
  const lane = Number.parseInt(id.slice(0, 8), 16) % LANES;
  const place = { id, since, isLeft: isLeft && isCarried, ...waitingKey(trail, lane, since, id) };
  const put = {
    partition: place.partition,
    sort: place.sort,
    attributes: withFormat('waiting submission', {
      ...{ id, since, rawBytes, left: place.isLeft ? 1 : 0 },
      ...(isCarried ? { submitter, count: events.length, body: bytes } : {}),
      ...(idempotency === undefined ? {} : { key: idempotency.key, bodyHash: idempotency.bodyHash }),
    }),
    ...(place.isLeft ? {} : { expiresAt: Math.ceil(since / 1000) + KEPT_SECONDS }),
  };
  return { placed: { ...submission, place }, write: { put, when: { is: 'absent' } } };
}

/** The write that takes a place out of the line; it fails where the place is not in it any more. */
export const leaveLine = ({ partition, sort }: Place): Write => ({
  remove: { partition, sort },
  when: { is: 'present' },
});

/** Reads a place in line; undefined where the item cannot be one, or only a newer version could read it. */
export async function unpackInLine(item: Item): Promise<InLine | undefined> {
  if (!isKnown('waiting submission', item)) return undefined;
  const { id, since, left, rawBytes, submitter, count, body, key, bodyHash } = item.attributes;
  if (typeof id !== 'string' || typeof since !== 'number' || typeof rawBytes !== 'number') return undefined;
  const place = { id, since, isLeft: left === 1, partition: item.partition, sort: item.sort };
  if (body === undefined) return { place, rawBytes, submission: undefined };
  if (!(body instanceof Uint8Array) || typeof submitter !== 'string') return undefined;
  const raw = await decompressed(body, rawBytes).catch(() => undefined);
  const events = raw?.toString().split('\n');
  if (events === undefined || raw?.length !== rawBytes || events.length !== count) return undefined;
  const idempotency = typeof key === 'string' && typeof bodyHash === 'string' ? { idempotency: { key, bodyHash } } : {};
  return {
    place,
    rawBytes,
    submission: { place, submitter, events: events.map((json) => ({ json })), ...idempotency },
  };
}
