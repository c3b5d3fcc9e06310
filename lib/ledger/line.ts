import type { CommitContext } from './attempt.ts';
import type { Commit } from './commit.ts';
import { sortableNumber, waitingPartition } from './items/layout.ts';
import { type InLine, LANES, type Placed, unpackInLine } from './items/submission.ts';
import type { TurnWatch } from './turn-watch.ts';

/** How long things take in a line; all in milliseconds. */
export interface Pace {
  /** Between two looks of a submission that waits: half to one and a half times this, and twice that after a while. */
  readonly pollMs: number;
  /** How long the same holder may keep the turn before the others take it for dead, each by its own clock: this to twice this. */
  readonly turnMs: number;
  /** How long a holder goes on committing what others submit, once its own submission has landed. */
  readonly leadMs: number;
  /** How long a submission waits before its caller hears that the trail is busy. */
  readonly maxWaitMs: number;
  /** Others leave a submission alone that has waited this long: its process is about to take it out of the line, or is gone. */
  readonly lastCallMs: number;
  /** A newcomer is refused at once where others wait this long. */
  readonly refuseMs: number;
}

export const PACE: Pace = {
  pollMs: 20,
  turnMs: 500,
  leadMs: 200,
  maxWaitMs: 1_500,
  lastCallMs: 1_200,
  refuseMs: 1_000,
};

/** The context of work on a trail's line. */
export interface LineContext extends CommitContext {
  readonly pace: Pace;
  readonly turns: TurnWatch;
  /** Called for each block that this process committed from the line; it signs. Must not reject. */
  readonly onCombined: (commit: Commit<Placed>) => Promise<unknown>;
}

/** Records in one block, unless one submission alone brings more. */
export const MAX_RECORDS = 5_000;
/** Bytes of events in one block, before compression, unless one submission alone brings more. */
export const MAX_BYTES = 3_000_000;

/** Places that are read from each lane at once: together twice what one transaction can hold. */
const READ_PER_LANE = 12;

/**
 * The front of a trail's line, first come first. What cannot be read is passed over: it must not hold up the rest.
 *
 * @param joinedFrom only what joined then or later, Unix milliseconds
 */
export async function readLine({ table, trail }: CommitContext, joinedFrom: number): Promise<readonly InLine[]> {
  const from = sortableNumber(Math.max(0, joinedFrom));
  const lanes = Array.from({ length: LANES }, (_, lane) =>
    Array.fromAsync(
      table.query({ partition: waitingPartition(trail, lane), from, limit: READ_PER_LANE }),
      unpackInLine,
    ),
  );
  const found = (await Promise.all(lanes)).flat().filter((one) => one !== undefined);
  return found.sort((a, b) => (a.place.sort < b.place.sort ? -1 : 1));
}
