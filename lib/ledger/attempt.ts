import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pauseMs } from '../base/backoff.ts';
import { type ErrorCode, SealtrailError } from '../log/error.ts';
import { appendLeaves, type Growth } from '../log/frontier.ts';
import type { Item, Outcome, Retry, Table, Write } from '../store/ports.ts';
import { type Block, buildBlock, lastLeaf } from './items/block.ts';
import { withFormat } from './items/format.ts';
import { type Head, swapHead } from './items/head.ts';
import { rememberKey } from './items/idempotency.ts';
import { recordLanding } from './items/landing.ts';
import { blockKey, trailKey } from './items/layout.ts';
import { type StoredBody, storeBlock } from './items/stored-block.ts';
import { leaveLine, runOf, type Submission } from './items/submission.ts';

/** The dependencies of a commit. */
export interface CommitContext {
  readonly table: Table;
  readonly trail: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Called for each try that did not go through and is followed by another. Must not throw. */
  readonly onRetry?: ((retry: Retry) => void) | undefined;
}

/** One try at moving the head: everything that its transaction holds. */
export interface Attempt<S extends Submission> {
  readonly from: Head;
  readonly to: Head;
  readonly block: Block;
  readonly growth: Growth;
  readonly results: readonly { readonly submission: S; readonly first: number }[];
  readonly writes: readonly Write[];
  /** The submission of each write that remembers an idempotency key or a landing. */
  readonly remembering: ReadonlyMap<number, S>;
  /** The submission of each write that takes one out of the line. */
  readonly leaving: ReadonlyMap<number, S>;
  readonly name: string;
}

export type Failed = Extract<Outcome, { committed: false }>;

/** Tries of one transaction whose store is busy or silent, before its callers get an error: about six seconds. */
const MAX_ATTEMPTS = 12;
const PAUSES = { firstMs: 2, maxMs: 1000 };

/** Failures of the Table after which the same transaction may yet go through. */
const PASSING_CODES: ReadonlySet<ErrorCode> = new Set(['throttled', 'unavailable', 'outcome_unknown']);

/** True if a failure of the Table may pass. */
export const isTransient = (error: unknown): error is SealtrailError =>
  error instanceof SealtrailError && PASSING_CODES.has(error.code);

/** The place of the head's swap in an attempt's transaction. */
const HEAD_WRITE = 0;

/**
 * Builds the transaction that seals submissions into one block on a head.
 *
 * @param also other writes of the same transaction
 */
export function prepare<S extends Submission>(
  { trail, now }: CommitContext,
  from: Head,
  submissions: readonly S[],
  body: StoredBody,
  also: readonly Write[] = [],
): Attempt<S> {
  // A clock that was set back must not make the trail's time run backwards.
  const receivedAt = Math.max(now(), from.receivedAt);
  const block = buildBlock({ trail, first: from.size, prev: from.last, receivedAt }, submissions.map(runOf));
  const growth = appendLeaves(from.frontier, block.leaves);
  const { frontier, root } = growth;
  const isFromLine = submissions.some(({ place }) => place !== undefined);
  const isShared = isFromLine && submissions.length > 1 ? { isShared: true } : {};
  const to: Head = { trail, size: frontier.size, frontier, last: lastLeaf(block), root, receivedAt, ...isShared };
  const name = randomUUID();
  const marks = { commit: name, ...(isFromLine ? { frontier: from.frontier } : {}) };
  const writes: Write[] = [swapHead(from, to), ...storeBlock(block, body, marks), ...also];
  if (from.size === 0)
    writes.push({ put: { ...trailKey(trail), attributes: withFormat('trail', { createdAt: receivedAt }) } });
  const [remembering, leaving] = [new Map<number, S>(), new Map<number, S>()];
  const results: { submission: S; first: number }[] = [];
  let first = from.size;
  for (const submission of submissions) {
    const { idempotency, place, submitter, events } = submission;
    results.push({ submission, first });
    if (place !== undefined) {
      leaving.set(writes.length, submission);
      writes.push(leaveLine(place));
    }
    const waited = place === undefined || place.isLeft ? undefined : { id: place.id, first, block: block.first };
    if (idempotency !== undefined) {
      remembering.set(writes.length, submission);
      writes.push(rememberKey(trail, submitter, idempotency, { first, count: events.length, receivedAt, waited }));
    } else if (waited !== undefined) {
      remembering.set(writes.length, submission);
      writes.push(recordLanding(trail, waited, receivedAt));
    }
    first += events.length;
  }
  return { from, to, block, growth, results, writes, remembering, leaving, name };
}

/**
 * Runs an attempt's transaction until it is known whether it was committed. While that is unknown the very same
 * transaction is repeated: it can be committed once only, since it demands the old head.
 *
 * @returns `clashed` where it met another transaction or a busy store, and nothing was stored
 */
export async function settle<S extends Submission>(
  context: CommitContext,
  attempt: Attempt<S>,
): Promise<Outcome | 'clashed'> {
  let doubt: SealtrailError | undefined;
  for (let tries = 1; ; tries++) {
    const answer = await context.table.transact(attempt.writes, { retriesClashes: false }).catch(failureIn);
    const outcome = await decided(context, attempt, answer, doubt !== undefined);
    if (outcome !== undefined) return outcome;
    const failure = answer instanceof SealtrailError ? answer : undefined;
    if (failure?.code === 'outcome_unknown') doubt = failure;
    if (tries >= MAX_ATTEMPTS || (failure !== undefined && !isTransient(failure))) {
      throw doubt === undefined ? failure : inDoubt(doubt);
    }
    context.onRetry?.(failure === undefined ? 'conflict' : 'busy');
    if (doubt === undefined && (failure === undefined || failure.code === 'throttled')) return 'clashed';
    await sleep(pauseMs(tries, PAUSES));
  }
}

/** The outcome, once it is known. In doubt, a write that fails may do so because of an earlier try that was committed. */
async function decided<S extends Submission>(
  context: CommitContext,
  attempt: Attempt<S>,
  answer: Outcome | SealtrailError,
  isInDoubt: boolean,
): Promise<Outcome | undefined> {
  if (answer instanceof SealtrailError || (!answer.committed && answer.failed.length === 0)) return undefined;
  if (answer.committed || !isInDoubt) return answer;
  return (await hasLanded(context, attempt)) ? { committed: true } : answer;
}

/** A failure of the Table. @throws any other error */
function failureIn(error: unknown): SealtrailError {
  if (error instanceof SealtrailError) return error;
  throw error;
}

async function hasLanded<S extends Submission>({ table, trail }: CommitContext, attempt: Attempt<S>): Promise<boolean> {
  const stored = await table.get(blockKey(trail, attempt.from.size));
  return stored?.attributes.commit === attempt.name;
}

/** That the store did not say whether a transaction was committed. */
export const inDoubt = (cause: unknown): SealtrailError =>
  new SealtrailError('outcome_unknown', 'the store did not say whether the events were stored: try again', {
    cause,
    retryAfter: 1,
  });

/** The reason that an attempt was not committed. */
export interface Hindrance<S extends Submission> {
  /** The head that won the race; undefined where the head was not at fault. `winner` is undefined where there is no head. */
  readonly race: { readonly winner: Item | undefined } | undefined;
  /** Submissions that landed before, with the item that tells where. */
  readonly repeated: readonly { readonly submission: S; readonly item: Item }[];
  /** Submissions that are not in line any more. */
  readonly gone: readonly S[];
}

/** Reads what failed in an attempt. @throws `store_corrupt` where no writer of ours can have made it fail */
export function hindranceOf<S extends Submission>(
  trail: string,
  attempt: Attempt<S>,
  { failed }: Failed,
): Hindrance<S> {
  const race = failed.find(({ write }) => write === HEAD_WRITE);
  const gone = failed.flatMap(({ write }) => attempt.leaving.get(write) ?? []);
  const repeated = failed.flatMap(({ write, item }) => {
    const submission = attempt.remembering.get(write);
    return submission === undefined || item === undefined ? [] : [{ submission, item }];
  });
  if (race === undefined && repeated.length === 0 && gone.length === 0) {
    // The head is where it was, yet a block stands beyond it: no writer of ours leaves that behind.
    throw new SealtrailError('store_corrupt', `trail ${trail} holds a block beyond its head`);
  }
  return { race: race && { winner: race.item }, repeated, gone };
}
