/**
 * How long a process that met others goes in line without trying by itself, in milliseconds. It may be long: the first time that it
 * finds itself alone in line ends it.
 */
const REMEMBERED_MS = 30_000;

/**
 * True if a process expects others to append to the same trail at the same time. It then goes in line at once, since tries that lose
 * hold up those that would win.
 */
export class Contention {
  #until = 0;

  get isExpected(): boolean {
    return performance.now() < this.#until;
  }

  /** Others were met. */
  met(): void {
    this.#until = performance.now() + REMEMBERED_MS;
  }

  /** Nothing else was in line. */
  isOver(): void {
    this.#until = 0;
  }
}
