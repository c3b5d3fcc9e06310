import { SealtrailError } from '../log/error.ts';
import type { Growth } from '../log/frontier.ts';
import type { Item, Table } from '../store/ports.ts';
import { type Attempt, type CommitContext, hindranceOf, prepare, settle } from './attempt.ts';
import type { Block } from './items/block.ts';
import { emptyHead, type Head, headFromItem } from './items/head.ts';
import { type IdempotencyRecord, readIdempotencyRecord } from './items/idempotency.ts';
import { headKey } from './items/layout.ts';
import { MAX_PACKED_BYTES, packBody, type StoredBody } from './items/stored-block.ts';
import { runOf, type Submission } from './items/submission.ts';

/** The outcome of a submission: sealed into a block from `first` on, or found to have been, earlier. */
export type SubmissionResult<S extends Submission = Submission> =
  | { readonly submission: S; readonly first: number }
  | { readonly submission: S; readonly remembered: IdempotencyRecord };

/** A commit that went through, or was given up to others. */
export interface Commit<S extends Submission = Submission> {
  readonly head: Head;
  /** Undefined when every submission turned out to be a repetition or contended. */
  readonly block?: Block;
  readonly growth?: Growth;
  /** Bytes of the block's events in canonical JSON, with line feeds in between; 0 without a block. */
  readonly bytes: number;
  readonly results: readonly SubmissionResult<S>[];
  /** Submissions that lost to other writers, and were not stored: to be committed with what others submit. */
  readonly contended: readonly S[];
}

/**
 * Races that a commit may lose. The first may only mean that another process has appended since this one last did; the
 * second means that writers meet, and more tries would make it worse for all of them.
 */
const MAX_RACES = 2;
/** A process that lost a race after so many milliseconds does not try again by itself: the store is too slow for that. */
const SLOW_MS = 250;
/**
 * How long after others have appended a process joins them without trying by itself, in milliseconds: after any append where it has
 * not appended to the trail before, since many that start together must not all try; after a block that several shared otherwise.
 */
const MEETING_MS = 1_000;
/** The same after a block that several shared, where blocks may come seldom because the store is slow. */
const SHARING_MS = 5_000;

/**
 * Seals submissions into one block and moves the head over it, in one conditional transaction: after a crash at any
 * moment either all of it is there or nothing (design: write path). An answer that got lost is looked up by the block's name before
 * anything else is tried.
 *
 * @param context `known` is the head that this process saw last; the store's is read where it is undefined
 * @throws `unavailable`, `store_full`: nothing was stored. `outcome_unknown`: it may have been; the same request with
 *   the same idempotency key finds out. `batch_too_large`: the events do not fit into one transaction.
 */
export async function commit<S extends Submission>(
  context: CommitContext & { readonly known: Head | undefined },
  submissions: readonly S[],
): Promise<Commit<S>> {
  const repeated: SubmissionResult<S>[] = [];
  let waiting = [...submissions];
  let body = await packSubmissions(waiting);
  const { known, now } = context;
  const began = performance.now();
  let head = known ?? (await readHead(context.table, context.trail));
  const isSlow = head.size > 0 && performance.now() - began >= 2 * SLOW_MS;
  for (let races = 0; waiting.length > 0; ) {
    if (head !== known && (isSlow || meetsOthers(head, known, now()))) {
      return { head, bytes: 0, results: repeated, contended: waiting };
    }
    const next = prepare(context, head, waiting, body);
    const outcome = await settle(context, next);
    if (outcome === 'clashed') return { head, bytes: 0, results: repeated, contended: waiting };
    if (outcome.committed) return committed(next, body, repeated);
    const { race, repeated: found } = hindranceOf(context.trail, next, outcome);
    const taken = found.map(({ submission, item }) => ({
      submission,
      remembered: readIdempotencyRecord(context.trail, item),
    }));
    if (taken.length > 0) {
      repeated.push(...taken);
      waiting = waiting.filter((submission) => !taken.some((landing) => landing.submission === submission));
      body = await packSubmissions(waiting);
    }
    head = await headAfter(context, race);
    if (race === undefined || waiting.length === 0) continue;
    context.onRetry?.('conflict');
    if (++races >= MAX_RACES || performance.now() - began >= SLOW_MS)
      return { head, bytes: 0, results: repeated, contended: waiting };
  }
  return { head, bytes: 0, results: repeated, contended: [] };
}

/** True if others have appended so lately that they are met by a try, given the head that this process saw last. */
function meetsOthers({ size, isShared, receivedAt }: Head, known: Head | undefined, now: number): boolean {
  if (size === 0) return false;
  return now - receivedAt < (isShared === true ? SHARING_MS : known === undefined ? MEETING_MS : 0);
}

/** The commit of an attempt that went through. */
export function committed<S extends Submission>(
  { to, block, growth, results }: Attempt<S>,
  { rawBytes }: StoredBody,
  repeated: readonly SubmissionResult<S>[],
): Commit<S> {
  return { head: to, block, growth, bytes: rawBytes, results: [...results, ...repeated], contended: [] };
}

/** The trail's head as the store has it. */
export async function readHead(table: Table, trail: string): Promise<Head> {
  const item = await table.get(headKey(trail));
  return item === undefined ? emptyHead(trail) : headFromItem(trail, item);
}

/** Packs events for one transaction. @throws `batch_too_large` where none could hold them */
export async function packSubmissions(submissions: readonly Submission[]): Promise<StoredBody> {
  const body = await packBody(submissions.map(runOf));
  if (body.bytes.length > MAX_PACKED_BYTES) {
    const message = `the events come to ${body.bytes.length} bytes compressed, of which ${MAX_PACKED_BYTES} fit: send fewer at a time`;
    throw new SealtrailError('batch_too_large', message);
  }
  return body;
}

/** The head to build on after a failure: the one that came back with it, or the store's. */
export async function headAfter(
  { table, trail }: CommitContext,
  race: { readonly winner: Item | undefined } | undefined,
): Promise<Head> {
  return race?.winner === undefined ? readHead(table, trail) : headFromItem(trail, race.winner);
}
