import { FREE } from './items/turn.ts';

/** A holder has at least as long as so many looks at the line take: it reads the line, commits and signs. */
const LOOKS = 6;

/**
 * Tells a holder of the turn that is at work from one that is dead: by how long this process has seen the same one, whatever the
 * clocks say. Ids of holders are never used twice, so it does not matter how often the process looked.
 */
export class TurnWatch {
  readonly #turnMs: number;
  #holder = FREE;
  #since = 0;

  /** @param turnMs how long a holder may keep the turn: this to twice this, in milliseconds */
  constructor(turnMs: number) {
    // Not all at the same time: one of them is enough.
    this.#turnMs = turnMs * (1 + Math.random());
  }

  /** @param lookMs how long the store takes for a look: what is slow for this process is slow for the holder */
  isStuck(holder: string, lookMs = 0): boolean {
    if (holder !== this.#holder) [this.#holder, this.#since] = [holder, performance.now()];
    return performance.now() - this.#since >= Math.max(this.#turnMs, LOOKS * lookMs);
  }
}
