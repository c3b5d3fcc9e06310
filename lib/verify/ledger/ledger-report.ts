import type { VerificationProblem } from '../../contract/verification.ts';

/** How many problems a report lists. */
export const MAX_PROBLEMS = 100;
const MAX_MESSAGE = 300;

/** Collects problems in bounded memory. */
export class VerificationFindings {
  readonly #problems: VerificationProblem[] = [];
  #count = 0;

  add(problem: VerificationProblem): void {
    this.#count += 1;
    if (this.#problems.length >= MAX_PROBLEMS) return;
    this.#problems.push({ ...problem, message: problem.message.slice(0, MAX_MESSAGE) });
  }

  get problems(): readonly VerificationProblem[] {
    return this.#problems;
  }

  /** Problems in all. */
  get count(): number {
    return this.#count;
  }
}
