import type { Masked } from '../contract/query.ts';

/** Which of the masks that a question looked for stand in the records that passed. */
export class SeenMasks {
  readonly #masked: readonly Masked[];
  /** Masks that others may have, and that no record had so far; each as it stands in JSON. */
  readonly #unseen: Map<string, string>;

  /** @param masked with `shared` wherever records may have it */
  constructor(masked: readonly Masked[]) {
    this.#masked = masked;
    const shared = masked.flatMap((one) => (one.shared === undefined ? [] : [one.shared]));
    this.#unseen = new Map(shared.map((mask) => [mask, JSON.stringify(mask)]));
  }

  /** @param line a record that passed, as JSON */
  see(line: string): void {
    for (const [mask, text] of this.#unseen) if (line.includes(text)) this.#unseen.delete(mask);
  }

  /** The masked values looked for, with `shared` only where a record had it. */
  get found(): readonly Masked[] {
    return this.#masked.map(({ shared, ...own }) =>
      shared === undefined || this.#unseen.has(shared) ? own : { ...own, shared },
    );
  }
}
