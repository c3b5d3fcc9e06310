import { fieldPath, type Step } from './field-path.ts';

/** Values that a reader keeps in another form rather than refuse them. */
export interface Tolerance {
  /** Numbers that a double does not keep: their digits as text. */
  readonly numbers: boolean;
  /**
   * Lone surrogates become U+FFFD; what is nested too deep becomes its JSON as text; of a key that comes twice the last
   * counts; units may be larger than allowed.
   */
  readonly rest: boolean;
}

/** Refuses all that cannot be kept as it is. */
export const STRICT: Tolerance = { numbers: false, rest: false };

/** A piece of the text to read as another one. */
interface Repair {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

/** The values kept in another form than they were sent, in the order of the text. */
export class Repairs {
  readonly #repairs: Repair[] = [];
  readonly #places = new Map<number | undefined, Set<string>>();

  get count(): number {
    return this.#repairs.length;
  }

  /** @param unit in which element of the batch, if it is in one; the steps start there */
  add(repair: Repair, unit: number | undefined, steps: readonly Step[]): void {
    this.#repairs.push(repair);
    this.note(unit, steps);
  }

  note(unit: number | undefined, steps: readonly Step[]): void {
    const places = this.#places.get(unit) ?? new Set();
    places.add(fieldPath(steps));
    this.#places.set(unit, places);
  }

  /** The paths in a unit, from the unit itself on. */
  pathsIn(unit: number | undefined): string[] {
    return [...(this.#places.get(unit) ?? [])].sort();
  }

  /** The text to read. */
  applied(bytes: Buffer): Buffer {
    const parts: Buffer[] = [];
    let done = 0;
    for (const { start, end, replacement } of this.#repairs) {
      parts.push(bytes.subarray(done, start), Buffer.from(replacement));
      done = end;
    }
    return Buffer.concat([...parts, bytes.subarray(done)]);
  }
}
