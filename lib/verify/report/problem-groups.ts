import { groupBy } from '../../base/group-by.ts';
import type { Problem } from './problem.ts';

/** Problems of one kind with the records of one object: a reader wants to see the first, and how many more there are. */
export interface ProblemGroup {
  readonly first: Problem;
  /** How many besides the first. */
  readonly more: number;
  /** The last record concerned, where there are more. */
  readonly upTo?: number;
}

/** Groups the problems of a report, in the order of the first of each. One flipped bit can spoil a thousand records. */
export function groupProblems(problems: readonly Problem[]): ProblemGroup[] {
  const groups = groupBy(problems, (problem) => {
    const { kind, trail, object, seq } = problem;
    // A finding that is not about a record of an object stands for itself.
    return object === undefined || seq === undefined ? problem : JSON.stringify([kind, trail, object]);
  });
  return [...groups.values()].flatMap(([first, ...rest]) => {
    if (first === undefined) return [];
    if (rest.length === 0) return [{ first, more: 0 }];
    const ends = rest.map(({ seq = 0, lastSeq = seq }) => lastSeq);
    return [{ first, more: rest.length, upTo: Math.max(...ends) }];
  });
}
