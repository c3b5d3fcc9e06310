import { forEachLimited } from '../../base/limiter.ts';
import { utcDate } from '../../log/archive.ts';
import type { DueList, DueTrail } from './due-list.ts';
import type { FullPass } from './full-pass.ts';
import type { RestingTrails } from './resting-trails.ts';
import { type Visit, type VisitOptions, visitTrail } from './visit.ts';

/** The dependencies of a sweep. */
export interface SweepOptions extends VisitOptions {
  readonly list: DueList;
  readonly pass: FullPass;
  /** All trails whose names come after one, in order; for the full pass. */
  readonly trails: (after: string) => AsyncIterable<string>;
  /** A change of this begins another full pass, as a new day does: settings, say. */
  readonly settings: string;
  readonly signal: AbortSignal;
  /** Milliseconds for which trails are claimed: as long as this process may run. */
  readonly leaseMs: number;
  /** Trails visited at once: most of a visit is waiting for the stores. */
  readonly concurrency: number;
  /** Milliseconds by which a trail may be visited before it is due. */
  readonly aheadMs: number;
  /** Milliseconds after a failed visit before the next one, so that trails that fail do not crowd out the others. */
  readonly retryMs: number;
  /**
   * When a trail is due again after a visit that went well, Unix milliseconds; undefined: there is nothing left to do.
   *
   * @param due the trail, and since when it was due
   */
  readonly nextAt: (visit: Visit, due: Pick<DueTrail, 'trail' | 'dueAt'>) => number | undefined;
  /**
   * Called before each visit, with whether the trail is on the list. Must not throw.
   *
   * @returns whether the trail has waited too long. If it was not on the list, wake-ups get lost: the full pass begins anew
   */
  readonly onVisit?: (trail: string, isDue: boolean) => Promise<boolean>;
  /** Trails that the full pass passes over, as nothing is left to be done in them. @default it visits all */
  readonly resting?: Pick<RestingTrails, 'read' | 'note'>;
  /**
   * True if nothing is left to be done in a trail of so many records until it grows. Asked after a visit in a full pass that left
   * nothing for later.
   */
  readonly isDone?: (trail: string, size: number) => Promise<boolean>;
  /** Which of several sweeps that run at the same time this is, from 0 on: each begins elsewhere on the list. @default the only one */
  readonly share?: SweepShare | undefined;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** One of several sweeps. */
export interface SweepShare {
  readonly at: number;
  readonly of: number;
}

/** The result of a sweep. */
export interface Swept {
  /** The trails in which something failed. */
  readonly failed: ReadonlySet<string>;
  /** How many trails on the list were visited. */
  readonly visited: number;
  /** Trails that were due and not reached in time, and whether the full pass was not: 0 where the sweep came to its end. */
  readonly unreached: number;
  /** How long the longest due of the trails that were not visited has been due, in milliseconds; 0 where there is none. */
  readonly overdueMs: number;
  /** How long the full pass has been under way, in milliseconds; 0 where it is at its end. */
  readonly passMs: number;
}

/** The trails that a sweep has seen to: those in which something failed, and those that were due and need no other visit. */
interface SoFar {
  readonly failed: Set<string>;
  readonly visited: ReadonlySet<string>;
}

/** Trails between two notes of how far the full pass has come. */
const PASS_STEP = 128;

/**
 * Visits the trails with work waiting, the longest due first, and once a day every trail, which bounds how long anything
 * stays undone when a wake-up was lost. Sweeps that overlap share the work: each trail is claimed by one of them.
 */
export async function sweepTrails(options: SweepOptions): Promise<Swept> {
  const { list, signal, concurrency, aheadMs, leaseMs, now = Date.now } = options;
  const startedAt = now();
  const all = (await list.all()).filter(({ dueAt }) => dueAt <= startedAt + aheadMs);
  const due = fromShare(all, options.share);
  for (const { trail, error } of all) if (error !== undefined) options.onError(error, { follower: 'sweep', trail });
  const failed = new Set<string>();
  const visited = new Set<string>();
  const left = new Set(due);
  await forEachLimited(due, concurrency, async (one) => {
    // What another process has claimed stays in `left`: until that is through, it waits.
    if (signal.aborted || !list.isFree(one)) return;
    const claim = await list.claim(one, leaseMs);
    const isOver = claim === undefined || (await visitClaimed(claim, options, failed));
    if (isOver) left.delete(one);
    if (isOver && claim !== undefined) visited.add(one.trail);
  });
  const passStartedAt = await passOverAll(options, { failed, visited });
  const overdueMs = [...left].reduce((longest, { dueAt }) => Math.max(longest, now() - dueAt), 0);
  const passMs = passStartedAt === undefined ? 0 : now() - passStartedAt;
  const unreached = signal.aborted ? left.size + (passStartedAt === undefined ? 0 : 1) : 0;
  return { failed, visited: visited.size, unreached, overdueMs, passMs };
}

/** The list from the beginning of a share on, and then what comes before it. */
function fromShare<T>(all: readonly T[], { at, of }: SweepShare = { at: 0, of: 1 }): readonly T[] {
  const first = Math.floor((at * all.length) / of);
  return [...all.slice(first), ...all.slice(0, first)];
}

/** @returns whether the visit came to its end, well or not */
async function visitClaimed(claim: DueTrail, options: SweepOptions, failed: Set<string>): Promise<boolean> {
  const { list, signal, retryMs, nextAt, onVisit, now = Date.now } = options;
  await onVisit?.(claim.trail, true);
  const visit = await visitTrail(claim.trail, options);
  if (visit.wentWell) {
    await list.finish(claim, nextAt(visit, claim));
    return true;
  }
  // What the signal cut short keeps its place in the order.
  await list.finish(claim, signal.aborted ? claim.dueAt : now() + retryMs);
  if (!signal.aborted) failed.add(claim.trail);
  return !signal.aborted;
}

/**
 * Goes on with the day's pass over all trails. One that finds trails no wake-up came for is followed by another at once.
 *
 * @returns when the pass began where it is not at its end yet, Unix milliseconds
 */
async function passOverAll(options: SweepOptions, sweep: SoFar): Promise<number | undefined> {
  const { pass, trails, signal, concurrency, leaseMs, settings, now = Date.now } = options;
  const name = `${utcDate(now())} ${settings}`;
  let state = await pass.claim(name, leaseMs);
  if (state.error !== undefined) options.onError(state.error, { follower: 'sweep', trail: 'of all trails' });
  while (state.claim !== undefined && !state.isDone && !signal.aborted) {
    const step = await takeFirst(trails(state.cursor), PASS_STEP);
    let { missed } = state;
    await forEachLimited(step, concurrency, async (trail) => {
      if (await visitInPass(trail, options, sweep)) missed += 1;
    });
    // A step cut short is repeated: a trail is visited twice rather than not at all.
    const cursor = signal.aborted ? state.cursor : (step.at(-1) ?? state.cursor);
    const isDone = step.length < PASS_STEP && !signal.aborted;
    const next = await pass.advance(name, state, { cursor, missed, isDone, isStopping: signal.aborted });
    if (next === undefined) return state.startedAt;
    state = next;
  }
  return state.isDone ? undefined : state.startedAt;
}

/** @returns whether the trail has waited too long without being on the list */
async function visitInPass(trail: string, options: SweepOptions, { failed, visited }: SoFar): Promise<boolean> {
  const { list, signal, leaseMs, onVisit, nextAt, resting, isDone, now = Date.now } = options;
  if (signal.aborted || visited.has(trail)) return false;
  const due = await list.find(trail);
  if (due !== undefined) {
    const claim = list.isFree(due) ? await list.claim(due, leaseMs) : undefined;
    if (claim !== undefined) await visitClaimed(claim, options, failed);
    return false;
  }
  // What cannot be read now is for the visit to say: it must not end the pass.
  const rest = await resting?.read(trail).catch(() => undefined);
  if (rest?.isAtRest === true) return false;
  const isMissed = (await onVisit?.(trail, false)) ?? false;
  const visit = await visitTrail(trail, options);
  if (!visit.wentWell && !signal.aborted) failed.add(trail);
  const dueAt = visit.wentWell ? nextAt(visit, { trail, dueAt: now() }) : now();
  if (dueAt !== undefined) await list.note(trail, dueAt);
  else if (rest?.size !== undefined && (await isDone?.(trail, rest.size))) await resting?.note(trail, rest.size);
  return isMissed;
}

async function takeFirst(trails: AsyncIterable<string>, count: number): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const trail of trails) {
    found.push(trail);
    if (found.length === count) break;
  }
  return found;
}
