import { unicodeEscape } from '../../base/escape.ts';
import type { Problem, ProblemKind } from './problem.ts';

/** How many problems of one kind are kept; more are counted. Keeps memory constant and a report readable. */
export const MAX_PER_KIND = 100;

/** Collects problems in constant memory. */
export class Findings {
  readonly #kept = new Map<ProblemKind, Problem[]>();
  readonly #counts = new Map<ProblemKind, number>();
  readonly #kindsByTrail = new Map<string, Set<ProblemKind>>();
  #total = 0;

  /** An object may be read more than once; a repeated finding is not counted again. */
  add(problem: Problem): void {
    const { kind, trail, object, seq } = problem;
    const isKnown = (other: Problem): boolean =>
      other.trail === trail && other.object === object && other.seq === seq && object !== undefined;
    if (this.#kept.get(kind)?.some(isKnown)) return;
    this.#count(kind, 1);
    this.#keep(problem);
    if (trail === undefined) return;
    const kinds = this.#kindsByTrail.get(trail);
    if (kinds === undefined) this.#kindsByTrail.set(trail, new Set([kind]));
    else kinds.add(kind);
  }

  /** Takes over what another one collected, such as a worker's. */
  merge(problems: readonly Problem[], counts: Readonly<Partial<Record<ProblemKind, number>>>): void {
    for (const problem of problems) this.#keep(problem);
    for (const [kind, count] of Object.entries(counts)) this.#count(kind as ProblemKind, count); // keys of that record
  }

  /** How many there were in all. */
  get total(): number {
    return this.#total;
  }

  counts(): Partial<Record<ProblemKind, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** The kinds that occurred. */
  kinds(): readonly ProblemKind[] {
    return [...this.#counts.keys()];
  }

  /** The kinds of all that was added here of a trail, whether it was kept or only counted. */
  kindsOf(trail: string): readonly ProblemKind[] {
    return [...(this.#kindsByTrail.get(trail) ?? [])];
  }

  /** The problems that were kept, by trail, record and object. */
  list(): Problem[] {
    return [...this.#kept.values()].flat().sort(inOrder);
  }

  #count(kind: ProblemKind, by: number): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + by);
    this.#total += by;
  }

  #keep(problem: Problem): void {
    const kept = this.#kept.get(problem.kind);
    if (kept === undefined) this.#kept.set(problem.kind, [problem]);
    else if (kept.length < MAX_PER_KIND) kept.push(problem);
  }
}

/** Problems without a trail first; within a trail those without a record last. */
function inOrder(a: Problem, b: Problem): number {
  return (
    compare(a.trail ?? '', b.trail ?? '') ||
    (a.seq ?? Number.POSITIVE_INFINITY) - (b.seq ?? Number.POSITIVE_INFINITY) ||
    compare(a.object ?? '', b.object ?? '') ||
    compare(a.kind, b.kind)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The longest piece of hostile text that a message quotes, in UTF-16 code units. */
const MAX_QUOTE_LENGTH = 200;

/** Text from the archive in quotes, harmless on a terminal: whatever is not printable ASCII is escaped. */
export function quoted(text: string): string {
  const cut = text.length > MAX_QUOTE_LENGTH ? `${text.slice(0, MAX_QUOTE_LENGTH)}…` : text;
  return escapeUnprintable(JSON.stringify(cut));
}

/** A key of the archive for {@link Problem.object}: as it is where it is printable ASCII, else escaped like JSON. */
export function shownKey(key: string): string {
  return /^[\x20-\x7e]*$/.test(key) ? key : escapeUnprintable(JSON.stringify(key).slice(1, -1));
}

function escapeUnprintable(text: string): string {
  return text.replace(/[^\x20-\x7e…]/g, unicodeEscape);
}
