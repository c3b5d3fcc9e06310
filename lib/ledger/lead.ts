import { setTimeout as sleep } from 'node:timers/promises';
import { pauseMs } from '../base/backoff.ts';
import { SealtrailError } from '../log/error.ts';
import type { Write } from '../store/ports.ts';
import { hindranceOf, prepare, settle } from './attempt.ts';
import { type Commit, committed, headAfter, packSubmissions, readHead } from './commit.ts';
import type { Head } from './items/head.ts';
import { type InLine, keyOf, type Place, type Placed } from './items/submission.ts';
import { FREE, freeTurn, setTurn, type Turn } from './items/turn.ts';
import { type LineContext, MAX_BYTES, MAX_RECORDS, type Pace, readLine } from './line.ts';

/** Who leads. */
export interface Leader {
  /** The id that has the turn. */
  readonly id: string;
  /** Its own submission, whose events it has at hand. Undefined where it clears the line of what was left there. */
  readonly own: Placed | undefined;
  /** How long it has been waiting for the turn. */
  readonly waitedMs: number;
}

/** Writes about submissions in one transaction, of whose 100 the head, the trail, the turn and the block's parts take up to 14. */
const MAX_WRITES = 86;
/** How long one block is tried that keeps clashing with other transactions: less than the turn may be kept. */
const CLASHES_MS = 400;
/** A block takes about as long as so many reads of the line. */
const READS_A_BLOCK = 3;
/**
 * Short at first, since each try has its chance however often others come in between; longer where their transactions take longer, as
 * each try costs what the whole block does.
 */
const CLASH_PAUSES = { firstMs: 12, maxMs: 96 };

/**
 * Commits what waits in a trail's line, one block after the other, and then hands the turn on or frees it. Called by the
 * process that has the turn; should two believe so, the head's compare-and-swap lets one through at a time.
 *
 * @returns the blocks that it committed
 * @throws as {@link commit}, unless a block was committed before: those whose submissions failed take the turn themselves
 */
export async function lead(context: LineContext, leader: Leader): Promise<readonly Commit<Placed>[]> {
  const { pace, now } = context;
  const commits: Commit<Placed>[] = [];
  const signings: Promise<unknown>[] = [];
  const until = performance.now() + pace.leadMs;
  let { own } = leader;
  try {
    for (let isOver = false; !isOver; own = undefined) {
      // Who clears the line looks at all of it; who passes by leaves alone what is about to be taken out of it.
      const joinedFrom = leader.own === undefined ? 0 : now() - pace.lastCallMs;
      const line = {
        id: leader.id,
        own,
        joinedFrom,
        waitedMs: leader.waitedMs,
        isLate: () => performance.now() >= until,
      };
      const done = await commitFront(context, line);
      isOver = done.isOver;
      if (done.commit === undefined) continue;
      commits.push(done.commit);
      signings.push(context.onCombined(done.commit));
    }
  } catch (error) {
    // Where this fails too, the others find the turn stuck.
    await context.table.transact([freeTurn(context.trail, leader.id)]).catch(() => undefined);
    if (commits.length === 0) throw error;
  }
  await Promise.all(signings);
  return commits;
}

/** The input of a block. */
interface Front {
  /** Goes in first, whether or not it is seen in line. */
  readonly own: Placed | undefined;
  readonly joinedFrom: number;
  readonly waitedMs: number;
  readonly isLate: () => boolean;
}

/** The part of a line that goes into the next block. */
interface Choice {
  readonly members: readonly Placed[];
  /** Places that are taken out of the line without a record. */
  readonly dropped: readonly Place[];
  /** The limits of the next block. */
  readonly rest: readonly InLine[];
}

/** Commits the front of the line as one block. `isOver`: the turn is not this process's any more. */
async function commitFront(
  leading: LineContext,
  { own, joinedFrom, waitedMs, isLate }: Front,
): Promise<{ readonly commit: Commit<Placed> | undefined; readonly isOver: boolean }> {
  const { table, trail } = leading;
  const began = performance.now();
  const [line, current] = await Promise.all([readLine(leading, joinedFrom), readHead(table, trail)]);
  const blockMs = READS_A_BLOCK * (performance.now() - began);
  const context = { ...leading, pace: paceWhere(leading.pace, blockMs) };
  const choice = choose(context, line, own);
  const isOver = isLate() || !choice.rest.some(({ submission }) => submission !== undefined);
  const turn: Write[] = isOver ? [setTurn(trail, nextTurn(context, { waitedMs, blockMs, choice }))] : [];
  let [members, dropped, head]: [readonly Placed[], readonly Place[], Head] = [choice.members, choice.dropped, current];
  const until = performance.now() + CLASHES_MS;
  let clashes = 0;
  while (members.length > 0) {
    const body = await packSubmissions(members);
    const attempt = prepare(context, head, members, body, [...dropped.map(removal), ...turn]);
    const outcome = await settle(context, attempt);
    if (outcome === 'clashed') {
      if (performance.now() >= until)
        throw new SealtrailError('throttled', 'the trail is busy: try again', { retryAfter: 1 });
      await sleep(pauseMs(++clashes, CLASH_PAUSES));
      continue;
    }
    if (outcome.committed) return { commit: committed(attempt, body, []), isOver };
    const { race, repeated, gone } = hindranceOf(trail, attempt, outcome);
    const before = repeated.map(({ submission }) => submission);
    members = members.filter((member) => !before.includes(member) && !gone.includes(member));
    dropped = [...dropped, ...before.filter((member) => !gone.includes(member)).map(({ place }) => place)];
    head = await headAfter(context, race);
    context.onRetry?.('conflict');
  }
  const writes = [...dropped.map(removal), ...turn];
  if (writes.length > 0) await table.transact(writes);
  return { commit: undefined, isOver };
}

/**
 * Where the store is slow, a block takes longer, and what has waited long is left alone sooner: its process must not take it out of
 * the line in the middle of the transaction, which would cancel all of it.
 */
const paceWhere = (pace: Pace, blockMs: number): Pace => ({
  ...pace,
  lastCallMs: Math.max(pace.lastCallMs / 3, pace.lastCallMs - blockMs),
});

const removal = ({ partition, sort }: Place): Write => ({ remove: { partition, sort } });

/**
 * Chooses what fits into one transaction, first come first. Of several with one idempotency key the first is committed; the
 * others are repetitions of it.
 */
function choose(context: LineContext, line: readonly InLine[], own: Placed | undefined): Choice {
  const members: Placed[] = [];
  const dropped: Place[] = [];
  const rest: InLine[] = [];
  const keys = new Set<string>();
  let [records, bytes, writes, isFull] = [0, 0, 0, false];
  // Its own first of all, since a submission that is too large to stand in line has no room beside many others.
  const others = line.filter(({ place }) => place.id !== own?.place.id);
  for (const inLine of own === undefined ? others : [ownInLine(own), ...others]) {
    const { place, submission } = inLine;
    if (submission !== own && isPastCall(context, place)) continue;
    const key = submission && keyOf(submission);
    const isRepeated = key !== undefined && keys.has(key);
    const cost = writesOf(place, key, isRepeated);
    isFull ||= writes + cost > MAX_WRITES;
    if (!isFull && isRepeated) {
      dropped.push(place);
      writes += cost;
      continue;
    }
    const count = submission?.events.length ?? 0;
    isFull ||= members.length > 0 && (records + count > MAX_RECORDS || bytes + inLine.rawBytes > MAX_BYTES);
    if (isFull || submission === undefined) {
      rest.push(inLine);
      continue;
    }
    if (key !== undefined) keys.add(key);
    members.push(submission);
    records += count;
    bytes += inLine.rawBytes;
    writes += cost;
  }
  members.sort((a, b) => (a.place.sort < b.place.sort ? -1 : 1));
  return { members, dropped, rest };
}

/** True if a submission has waited so long that its process may take it out of the line at any moment. */
const isPastCall = ({ now, pace }: LineContext, place: Place): boolean =>
  !place.isLeft && now() - place.since >= pace.lastCallMs;

/** Writes of a transaction for one submission: it leaves the line, and its outcome is recorded. */
const writesOf = (place: Place, key: string | undefined, isRepeated: boolean): number =>
  isRepeated || (place.isLeft && key === undefined) ? 1 : 2;

const ownInLine = (own: Placed): InLine => ({
  place: own.place,
  rawBytes: own.events.reduce((sum, { json }) => sum + Buffer.byteLength(json) + 1, 0),
  submission: own,
});

/**
 * The turn after this one: that of the submission that has waited longest and is still waited for, if any is left. A newcomer has to
 * expect to wait as long as that one did, and for the blocks of those before it.
 */
function nextTurn(context: LineContext, { waitedMs, blockMs, choice: { members, rest } }: NextTurnOptions): Turn {
  const next = rest.find(({ place }) => !place.isLeft && !isPastCall(context, place));
  if (next === undefined) return { holder: FREE, lagMs: 0 };
  const blocks = Math.ceil(rest.length / Math.max(1, members.length));
  return { holder: next.place.id, lagMs: Math.max(waitedMs, context.now() - next.place.since + blocks * blockMs) };
}

interface NextTurnOptions {
  /** How long this process has waited for the turn. */
  readonly waitedMs: number;
  /** How long a block takes, about. */
  readonly blockMs: number;
  readonly choice: Choice;
}
