import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pauseMs } from '../base/backoff.ts';
import { SealtrailError } from '../log/error.ts';
import { appendLeaves, type Growth } from '../log/frontier.ts';
import type { Item, Write } from '../store/ports.ts';
import { inDoubt, isTransient } from './attempt.ts';
import type { Commit } from './commit.ts';
import type { Block } from './items/block.ts';
import { type IdempotencyRecord, readIdempotencyRecord } from './items/idempotency.ts';
import { landingOf } from './items/landing.ts';
import { blockKey, idempotencyKey, landingKey, turnKey } from './items/layout.ts';
import { frontierBefore, loadBlock } from './items/stored-block.ts';
import { enterLine, leaveLine, type Placed, type Submission } from './items/submission.ts';
import { FREE, takeTurn, turnOf } from './items/turn.ts';
import { lead } from './lead.ts';
import { type LineContext, readLine } from './line.ts';

/** Store calls as slow as the first look count so many times: a submission makes some of them, and others wait for its own. */
const CALLS = 10;
/** How much of the time that others wait passes before the first look. */
const FIRST_LOOK = 0.35;
/** Pauses between two looks are at least so many times as long as a look. */
const LOOKS_APART = 3;

/** A block that another process committed, with what a receipt is made of. */
export interface FoundBlock {
  readonly block: Block;
  readonly growth: Growth;
}

/** The outcome of a submission. `commit`: this process committed it; `found`: another one did; `remembered`: it is a repetition. */
export type CommitResult =
  | { readonly commit: Commit; readonly first: number }
  | { readonly found: FoundBlock; readonly first: number }
  | { readonly remembered: IdempotencyRecord };

/**
 * Commits a submission together with what others submit to the same trail: it is left in the trail's line, where whichever process
 * has the turn commits it. A process whose turn it is, or who finds the turn free or its holder dead, commits for the others.
 *
 * @param began when its process first tried, by `performance.now`
 * @throws `rate_limited`: it waited in vain, or others have been waiting for long already; nothing was stored.
 *   `outcome_unknown`: it may have been; the same idempotency key finds out. What {@link commit} throws.
 */
export async function waitInLine(context: LineContext, submission: Submission, began: number): Promise<CommitResult> {
  const room = await assertRoom(context, submission);
  if ('remembered' in room) return room;
  // It stands where it would if it had gone in line at once: what it tried by itself counts as waiting.
  const since = context.now() - Math.round(performance.now() - began);
  const { placed, write } = await enterLine(context.trail, since, submission, false);
  await join(context, write, began);
  // Those before it have been waiting for so long: its turn does not come much sooner.
  await sleep(FIRST_LOOK * room.lagMs);
  return waitAt(context, placed, began);
}

/**
 * Leaves a submission in line for whichever process has the turn, and goes on: it is durable, and will be committed. The process
 * commits itself only where the turn is free.
 *
 * @returns where it landed, if it did already
 * @throws the Table's errors; `outcome_unknown`: it may have been left, and may not
 */
export async function leaveInLine(context: LineContext, submission: Submission): Promise<CommitResult | undefined> {
  const began = performance.now();
  const { placed, write } = await enterLine(context.trail, context.now(), submission, true);
  await context.table.transact([write]);
  if (!placed.place.isLeft) return waitAt(context, placed, began);
  const turn = await context.table.get(turnKey(context.trail));
  if (turnOf(turn).holder !== FREE || !(await take(context, placed.place.id, turn))) return undefined;
  try {
    return landedIn(await lead(context, { id: placed.place.id, own: placed, waitedMs: 0 }), placed);
  } catch (error) {
    // It is durable: others commit it.
    if (isTransient(error)) return undefined;
    throw error;
  }
}

/**
 * Commits what was left in line and what no process came by to commit, or leaves it to another process that is at it.
 *
 * @throws what {@link commit} throws
 */
export async function drainLine(context: LineContext, signal?: AbortSignal): Promise<void> {
  const { table, trail, pace, turns } = context;
  const id = randomUUID();
  while (!signal?.aborted && (await readLine(context, 0)).some(({ place }) => place.isLeft)) {
    const turn = await table.get(turnKey(trail));
    const { holder } = turnOf(turn);
    const isStuck = turns.isStuck(holder);
    if ((holder === FREE || isStuck) && (await take(context, id, turn))) {
      await lead(context, { id, own: undefined, waitedMs: 0 });
    } else {
      await sleep(pace.pollMs);
    }
  }
}

/**
 * Looks again and again whether a submission has landed, and takes the turn where it can. How often depends on how long a look takes:
 * a store that is slow already must not be asked so much that it serves nothing else.
 */
async function waitAt(context: LineContext, placed: Placed, began: number): Promise<CommitResult> {
  const { pace } = context;
  let failure: unknown;
  let lookMs = 0;
  for (;;) {
    const lookedAt = performance.now();
    // Withdrawing takes about as long as a look, and the caller must get its answer in time.
    const maxWaitMs = Math.max(pace.maxWaitMs - 2 * lookMs, (pace.lastCallMs + pace.maxWaitMs) / 2);
    const waitedMs = lookedAt - began;
    if (waitedMs >= maxWaitMs) return giveUp(context, placed, busyTrail(failure));
    try {
      const landed = await look(context, placed, { waitedMs, lookMs });
      if (landed !== undefined) return landed;
    } catch (error) {
      if (!isTransient(error)) return giveUp(context, placed, error);
      failure = error;
    }
    lookMs = performance.now() - lookedAt;
    const pause = Math.max(pace.pollMs * (waitedMs > 10 * pace.pollMs ? 2 : 1), LOOKS_APART * lookMs);
    await sleep(Math.min(pause * (Math.random() + 0.5), Math.max(0, maxWaitMs - waitedMs - lookMs)));
  }
}

/** One look: where the submission has landed, if it did, or did once this process had taken its turn. */
async function look(
  context: LineContext,
  placed: Placed,
  { waitedMs, lookMs }: { readonly waitedMs: number; readonly lookMs: number },
): Promise<CommitResult | undefined> {
  const { id } = placed.place;
  const [landed, turn] = await Promise.all([findLanding(context, placed), context.table.get(turnKey(context.trail))]);
  if (landed !== undefined) return landed;
  const { holder } = turnOf(turn);
  const isStuck = context.turns.isStuck(holder, lookMs);
  const hasTurn = holder === id || ((holder === FREE || isStuck) && (await take(context, id, turn, waitedMs)));
  return hasTurn ? landedIn(await lead(context, { id, own: placed, waitedMs }), placed) : undefined;
}

/** Takes a submission out of the line for good, so that it is not stored, and fails; unless it has landed by now. */
async function giveUp(context: LineContext, placed: Placed, failure: unknown): Promise<CommitResult> {
  let landed: CommitResult | undefined;
  try {
    const outcome = await context.table.transact([leaveLine(placed.place)]);
    if (outcome.committed) throw failure;
    landed = await findLanding(context, placed);
  } catch (error) {
    throw error === failure || !isTransient(error) ? error : inDoubt(error);
  }
  // It never got into the line and may do so yet, or was taken out of it by nothing that this process knows of.
  if (landed === undefined) throw inDoubt(failure);
  return landed;
}

/** The error of a trail that is busy. */
const busyTrail = (cause?: unknown): SealtrailError =>
  new SealtrailError('rate_limited', 'the trail takes no more events at the moment: try again', {
    cause,
    retryAfter: 1,
  });

/** Puts a submission in line. Where the store does not say whether it is there, that turns out later. */
async function join({ table, pace, onRetry }: LineContext, write: Write, began: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await table.transact([write]);
      return;
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (error.code === 'outcome_unknown') return;
      if (performance.now() - began >= pace.maxWaitMs) throw error.code === 'throttled' ? busyTrail(error) : error;
      onRetry?.('busy');
      await sleep(pauseMs(tries, { firstMs: 2 * pace.pollMs, maxMs: pace.turnMs }));
    }
  }
}

/** True if the turn was taken. Where the store does not say, the next look tells. */
async function take({ table, trail }: LineContext, id: string, seen: Item | undefined, waitedMs = 0): Promise<boolean> {
  try {
    const outcome = await table.transact([takeTurn(trail, id, seen, waitedMs)], { retriesClashes: false });
    return outcome.committed;
  } catch (error) {
    if (isTransient(error)) return false;
    throw error;
  }
}

/**
 * Looks before a submission joins the line: it may be a repetition, which need not wait, and those in line may be waiting for so
 * long that one more would wait in vain.
 *
 * @returns where it was sealed before, or how long those in line wait
 * @throws `rate_limited`
 */
async function assertRoom(
  { table, trail, pace, turns }: LineContext,
  { submitter, idempotency }: Submission,
): Promise<{ readonly remembered: IdempotencyRecord } | { readonly lagMs: number }> {
  const began = performance.now();
  const turn = turnOf(await table.get(turnKey(trail)));
  const callsMs = CALLS * (performance.now() - began);
  // Behind a dead holder a process has to join to find out.
  const isMoving = turn.holder !== FREE && !turns.isStuck(turn.holder);
  if (isMoving && turn.lagMs + callsMs >= pace.refuseMs) throw busyTrail();
  const known = idempotency && (await table.get(idempotencyKey(trail, submitter, idempotency.key)));
  if (known !== undefined) return { remembered: readIdempotencyRecord(trail, known) };
  return { lagMs: isMoving ? turn.lagMs : 0 };
}

/** Where a submission in line has landed, or what its idempotency key stands for; undefined while it waits. */
async function findLanding(context: LineContext, placed: Placed): Promise<CommitResult | undefined> {
  const { table, trail } = context;
  const { submitter, idempotency, place } = placed;
  const item = await table.get(
    idempotency === undefined ? landingKey(trail, place.id) : idempotencyKey(trail, submitter, idempotency.key),
  );
  if (item === undefined) return undefined;
  const landing = landingOf(item);
  if (landing?.id === place.id) {
    return { found: await readFound(context, landing.block), first: landing.first };
  }
  const remembered = readIdempotencyRecord(trail, item);
  const { partition, sort } = place;
  await table.transact([{ remove: { partition, sort } }]);
  return { remembered };
}

async function readFound({ table, trail }: LineContext, first: number): Promise<FoundBlock> {
  const item = await table.get(blockKey(trail, first));
  const frontier = item && frontierBefore(item);
  if (item === undefined || frontier === undefined) {
    throw new SealtrailError('store_corrupt', `the block at ${first} of trail ${trail} is not as it was committed`);
  }
  const block = await loadBlock(table, trail, item);
  return { block, growth: appendLeaves(frontier, block.leaves) };
}

/** Where a submission landed in blocks that this process committed. */
function landedIn(commits: readonly Commit<Placed>[], { place }: Placed): CommitResult | undefined {
  for (const commit of commits) {
    for (const landing of commit.results) {
      if ('first' in landing && landing.submission.place.id === place.id) return { commit, first: landing.first };
    }
  }
  return undefined;
}
