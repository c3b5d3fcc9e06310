import { fieldPath, type Step } from '../json/field-path.ts';

/** Characters that the paths may have together: the rest of a record is the event's. */
export const MAX_PATHS_LENGTH = 4096;

/**
 * Where something was taken out of an event. Hostile events can have thousands of such places: then the list names what
 * they are in rather than each of them, so that a record has room for it.
 */
export class RedactionList {
  readonly #places: (readonly Step[])[] = [];

  get count(): number {
    return this.#places.length;
  }

  add(steps: readonly Step[]): void {
    this.#places.push([...steps]);
  }

  /** Drops the places noted since `count` was as given: one place stands for all of them. */
  replaceSince(count: number, steps: readonly Step[]): void {
    this.#places.length = count;
    this.add(steps);
  }

  /** Sorted paths, each once. */
  paths(): string[] {
    const deepest = this.#places.reduce((depth, steps) => Math.max(depth, steps.length), 1);
    for (let depth = deepest; ; depth--) {
      const paths = [...new Set(this.#places.map((steps) => fieldPath(steps.slice(0, depth))))];
      const length = paths.reduce((sum, path) => sum + path.length, 0);
      if (length <= MAX_PATHS_LENGTH || depth === 1) return paths.sort();
    }
  }
}
