import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, SealtrailError } from '../log/error.ts';
import { type Growth, growTree } from '../log/frontier.ts';
import type { Item, Outcome, Retry, Table, Write } from '../store/ports.ts';
import { type Block, buildBlock, lastLeaf } from './items/block.ts';
import { withFormat } from './items/format.ts';
import { emptyHead, type Head, headFromItem, swapHead } from './items/head.ts';
import { type Idempotency, type Remembered, rememberedFromItem, rememberKey } from './items/idempotency.ts';
import { blockKey, headKey, trailKey } from './items/layout.ts';
import { MAX_BODY_BYTES, packBody, type StoredBody, storeBlock } from './items/stored-block.ts';

/** One caller's events, as they take part in a commit. */
export interface Submission {
  readonly submitter: string;
  readonly events: readonly { readonly id: string; readonly json: string }[];
  readonly idempotency?: Idempotency;
}

/** What became of a submission: sealed into a block from `first` on, or found to have been, earlier. */
export type Landing<S extends Submission = Submission> =
  | { readonly submission: S; readonly first: number }
  | { readonly submission: S; readonly remembered: Remembered };

/** A commit that went through. */
export interface Commit<S extends Submission = Submission> {
  readonly head: Head;
  /** Undefined when every submission turned out to be a repetition. */
  readonly block?: Block;
  readonly growth?: Growth;
  /** Bytes of the block's events in canonical JSON, with line feeds in between; 0 without a block. */
  readonly bytes: number;
  readonly landings: readonly Landing<S>[];
}

/** Tries of one transaction whose store is busy or silent, before its callers are told: about six seconds. */
const TRIES = 12;
/** Races that one commit may lose. Whoever loses comes again soon: waiting longer would only lose the next one too. */
const RACES = 60;
const LONGEST_PAUSE_MS = 1000;
const LONGEST_RACE_PAUSE_MS = 32;

/** Failures of the Table after which the same transaction may yet go through. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['throttled', 'unavailable', 'outcome_unknown']);

/** The place of the head's swap in an attempt's transaction. */
const HEAD_WRITE = 0;

/** One try at moving the head: everything that its transaction holds. */
interface Attempt<S extends Submission> {
  readonly from: Head;
  readonly to: Head;
  readonly block: Block;
  readonly growth: Growth;
  readonly landings: readonly { readonly submission: S; readonly first: number }[];
  readonly writes: readonly Write[];
  /** The writes' submissions, where a write remembers an idempotency key. */
  readonly keyed: ReadonlyMap<number, S>;
  readonly name: string;
}

/** Everything a commit works with. `readHead` is the store's head; `known` the one this process saw last. */
export interface CommitContext {
  readonly table: Table;
  readonly trail: string;
  readonly now: () => number;
  readonly known: Head | undefined;
  /** Told of each try that did not go through and is followed by another. Must not throw. */
  readonly onRetry?: ((retry: Retry) => void) | undefined;
}

/**
 * Seals submissions into one block and moves the head over it, in one conditional transaction: after a crash at any
 * moment either all of it is there or nothing (design: write path). Races with other writers are lost and run again on
 * the head that won; an answer that got lost is looked up by the block's name before anything else is tried.
 *
 * @throws `throttled`, `unavailable`, `store_full`: nothing was stored. `outcome_unknown`: it may have been; the same
 *   request with the same idempotency key finds out. `batch_too_large`: the events do not fit into one transaction.
 */
export async function commit<S extends Submission>(
  context: CommitContext,
  submissions: readonly S[],
): Promise<Commit<S>> {
  const repeated: Landing<S>[] = [];
  let waiting = [...submissions];
  let body = await packSubmissions(waiting);
  let head = context.known ?? (await readHead(context.table, context.trail));
  for (let race = 1; waiting.length > 0; race++) {
    const next = prepare(context, head, waiting, body);
    const outcome = await settle(context, next);
    if (outcome.committed) {
      const { to, block, growth, landings } = next;
      return { head: to, block, growth, bytes: body.rawBytes, landings: [...landings, ...repeated] };
    }
    if (race >= RACES) throw new SealtrailError('throttled', 'the trail is busy: try again', { retryAfter: 1 });
    const taken = takenKeys(context.trail, next, outcome);
    const isRaceLost = outcome.failed.some(({ write }) => write === HEAD_WRITE);
    if (taken.length === 0 && !isRaceLost) {
      // The head is where it was, yet a block stands beyond it: no writer of ours leaves that behind.
      throw new SealtrailError('store_corrupt', `trail ${context.trail} holds a block beyond its head`);
    }
    if (taken.length > 0) {
      repeated.push(...taken);
      waiting = waiting.filter((submission) => !taken.some((landing) => landing.submission === submission));
      body = await packSubmissions(waiting);
    }
    if (isRaceLost) context.onRetry?.('conflict');
    head = await headAfter(context, outcome);
    await pause(race, LONGEST_RACE_PAUSE_MS);
  }
  return { head, bytes: 0, landings: repeated };
}

/** The trail's head as the store has it. */
export async function readHead(table: Table, trail: string): Promise<Head> {
  const item = await table.get(headKey(trail));
  return item === undefined ? emptyHead(trail) : headFromItem(trail, item);
}

async function packSubmissions(submissions: readonly Submission[]): Promise<StoredBody> {
  const body = await packBody(submissions.map(runOf));
  if (body.bytes.length > MAX_BODY_BYTES) {
    const message = `the events come to ${body.bytes.length} bytes compressed, of which ${MAX_BODY_BYTES} fit: send fewer at a time`;
    throw new SealtrailError('batch_too_large', message);
  }
  return body;
}

const runOf = ({ submitter, events }: Submission) => ({ submitter, events: events.map((event) => event.json) });

function prepare<S extends Submission>(
  { trail, now }: CommitContext,
  from: Head,
  submissions: readonly S[],
  body: StoredBody,
): Attempt<S> {
  // A clock that was set back must not make the trail's time run backwards.
  const receivedAt = Math.max(now(), from.receivedAt);
  const block = buildBlock({ trail, first: from.size, prev: from.last, receivedAt }, submissions.map(runOf));
  const growth = growTree(from.frontier, block.leaves);
  const { frontier, root } = growth;
  const to: Head = { trail, size: frontier.size, frontier, last: lastLeaf(block), root, receivedAt };
  const name = randomUUID();
  const writes: Write[] = [swapHead(from, to), ...storeBlock(block, body, name)];
  if (from.size === 0)
    writes.push({ put: { ...trailKey(trail), attributes: withFormat('trail', { createdAt: receivedAt }) } });
  const keyed = new Map<number, S>();
  const landings: { submission: S; first: number }[] = [];
  let first = from.size;
  for (const submission of submissions) {
    landings.push({ submission, first });
    const count = submission.events.length;
    if (submission.idempotency !== undefined) {
      keyed.set(writes.length, submission);
      writes.push(rememberKey(trail, submission.submitter, submission.idempotency, { first, count, receivedAt }));
    }
    first += count;
  }
  return { from, to, block, growth, landings, writes, keyed, name };
}

/**
 * Runs an attempt's transaction until it is known whether it was committed. While that is unknown the very same
 * transaction is repeated: it can be committed once only, since it demands the old head.
 */
async function settle<S extends Submission>(context: CommitContext, attempt: Attempt<S>): Promise<Outcome> {
  let doubt: SealtrailError | undefined;
  for (let tries = 1; ; tries++) {
    try {
      const outcome = await context.table.transact(attempt.writes);
      if (outcome.committed || doubt === undefined) return outcome;
      return (await hasLanded(context, attempt)) ? { committed: true } : outcome;
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      if (error.code === 'outcome_unknown') doubt = error;
      if (tries >= TRIES || !PASSING.has(error.code)) throw doubt === undefined ? error : inDoubt(doubt);
    }
    context.onRetry?.('busy');
    await pause(tries, LONGEST_PAUSE_MS);
  }
}

async function hasLanded<S extends Submission>({ table, trail }: CommitContext, attempt: Attempt<S>): Promise<boolean> {
  const stored = await table.get(blockKey(trail, attempt.from.size));
  return stored?.attributes.commit === attempt.name;
}

const inDoubt = (cause: SealtrailError): SealtrailError =>
  new SealtrailError('outcome_unknown', 'the store did not say whether the events were stored: try again', {
    cause,
    retryAfter: 1,
  });

type Failed = Extract<Outcome, { committed: false }>;

/** The submissions whose idempotency key was taken, with what it stands for. */
function takenKeys<S extends Submission>(trail: string, attempt: Attempt<S>, outcome: Failed): Landing<S>[] {
  return outcome.failed.flatMap(({ write, item }) => {
    const submission = attempt.keyed.get(write);
    if (submission === undefined || item === undefined) return [];
    const remembered = rememberedFromItem(item);
    if (remembered === undefined) {
      throw new SealtrailError('store_corrupt', `an idempotency item of trail ${trail} is not readable`);
    }
    return [{ submission, remembered }];
  });
}

/** The head to build on after a lost race: the one that came back with the failure, or the store's. */
async function headAfter({ table, trail }: CommitContext, outcome: Failed): Promise<Head> {
  const winner: Item | undefined = outcome.failed.find(({ write }) => write === HEAD_WRITE)?.item;
  return winner === undefined ? readHead(table, trail) : headFromItem(trail, winner);
}

/** Waits before the next try: full jitter up to 2^n milliseconds, at most `longest`. */
async function pause(n: number, longest: number): Promise<void> {
  await sleep(Math.random() * Math.min(longest, 2 ** n));
}
