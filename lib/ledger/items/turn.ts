import type { Condition, Item, Write } from '../../store/ports.ts';
import { attributesOf, withFormat } from './format.ts';
import { turnKey } from './layout.ts';

/**
 * Whose turn it is to commit what waits in a trail's line. The turn only saves work: of two processes that both believe they
 * have it, the head's compare-and-swap lets one through.
 */
export interface Turn {
  /** The id of the submission whose process has the turn, or `free`. */
  readonly holder: string;
  /** How long the last holder had waited, in milliseconds: what a newcomer has to expect. */
  readonly lagMs: number;
}

/** The value for no holder. Ids are UUIDs, so none can be this. */
export const FREE = 'free';

/** Reads a turn: free where there is no item yet, or one that cannot be a turn. */
export function turnOf(item: Item | undefined): Turn {
  const { holder, lagMs } = item === undefined ? {} : attributesOf('turn', item);
  return typeof holder === 'string' && typeof lagMs === 'number' ? { holder, lagMs } : { holder: FREE, lagMs: 0 };
}

/** The write that sets the turn, no matter who has it. */
export const setTurn = (trail: string, turn: Turn): Write => ({ put: turnItem(trail, turn) });

/** The write that takes the turn for a submission, unless it changed since `seen` was read. */
export function takeTurn(trail: string, id: string, seen: Item | undefined, waitedMs: number): Write {
  const put = turnItem(trail, { holder: id, lagMs: Math.max(turnOf(seen).lagMs, waitedMs) });
  const holder = seen?.attributes.holder;
  if (seen === undefined) return { put, when: { is: 'absent' } };
  // An item that cannot be a turn is replaced: it must not block the line.
  return typeof holder === 'string' ? { put, when: sameHolder(holder) } : { put };
}

/** The write that frees the turn of a submission whose process gives up. */
export const freeTurn = (trail: string, id: string): Write => ({
  put: turnItem(trail, { holder: FREE, lagMs: 0 }),
  when: sameHolder(id),
});

const sameHolder = (value: string): Condition => ({ is: 'equal', attribute: 'holder', value });

const turnItem = (trail: string, { holder, lagMs }: Turn): Item => ({
  ...turnKey(trail),
  attributes: withFormat('turn', { holder, lagMs: Math.max(0, Math.round(lagMs)) }),
});
